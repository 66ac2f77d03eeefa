"""Everything in the way of a deploy is told at once, whatever RunPod does and does not answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from engine.fakes import Alone, FakeClock, NoImages
from rp import errors
from rp.domain.catalog import Catalog, DataCenter, Stock
from rp.domain.identity import Identity
from rp.domain.image import ImageFacts, Reference
from rp.domain.network_volume import NetworkVolume
from rp.domain.spec import Spec
from rp.domain.template import Container, Health, Template
from rp.operations import preflight
from rp.operations.ports import Ports
from rp.operations.results import Plan
from rp.threads import Threads
from unit.samples import CATALOG

TEMPLATE = Template(name="sd", gpu_preference=("RTX 4090",), container=Container("me/x:1"))


@dataclass
class Cloud:
    """RunPod; `fails` holds the errors by the name of the call."""

    fails: dict[str, errors.ApiError] = field(default_factory=dict)
    volume_at: str = "US-KS-2"
    asked: list[str] = field(default_factory=list)
    reached: Callable[[], object] = lambda: None

    def _call(self, name: str) -> None:
        self.asked.append(name)
        self.reached()
        if name in self.fails:
            raise self.fails[name]

    def ssh_keys(self) -> tuple[str, ...]:
        self._call("keys")
        return ("ssh-ed25519 AAAA account",)

    def gpus(self, cloud: str, *, count: int, min_cuda: str | None = None, cudas: tuple[str, ...] = ()) -> Catalog:
        self._call(f"gpus {cloud} {count}")
        return Catalog(CATALOG.gpus, stock={(cloud, gpu.id, count): Stock.HIGH for gpu in CATALOG.gpus})

    def data_centers(self) -> tuple[DataCenter, ...]:
        self._call("data centers")
        return CATALOG.data_centers

    def network_volume(self, volume_id: str) -> NetworkVolume:
        self._call("volume")
        return NetworkVolume(volume_id, "data", 100, self.volume_at)

    def registry_ids(self) -> tuple[str, ...]:
        self._call("registries")
        return ("r1",)


@dataclass
class Cache:
    """Nothing is kept, but what the test says is known by name."""

    known: Catalog | None = None

    def names(self, now: float) -> Catalog | None:
        return self.known

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


@dataclass
class Here:
    """Journal, aliases, templates and SSH of this machine."""

    stored: Template = TEMPLATE
    taken: str | None = None
    no_key: bool = False
    read_only: bool = False

    def fresh_id(self) -> str:
        return "abcd1234"

    def all(self) -> dict[str, str]:
        return {}

    def live_aliases(self) -> frozenset[str]:
        return frozenset()

    def get(self, name: str) -> Any:
        return self.taken

    def check_writable(self) -> None:
        if self.read_only:
            raise errors.StateUnwritable("cannot write pods.json", hint="free some space")

    def identity(self) -> Identity:
        if self.no_key:
            raise errors.NotAllowed("there is no SSH key", hint="ssh-keygen -t ed25519")
        return Identity("ssh-ed25519 AAAA me", None)


class Templates:
    def __init__(self, stored: Template) -> None:
        self._stored = stored

    def get(self, _: str) -> Template:
        return self._stored


def prepare(
    template: Template = TEMPLATE,
    cloud: Cloud | None = None,
    here: Here | None = None,
    *,
    alias: str | None = "my-pod",
    unset: tuple[str, ...] = (),
    images: Any = None,
    workers: Any = None,
    known: Catalog | None = None,
    stored: Template | None = None,
) -> Plan:
    cloud, here = cloud or Cloud(), here or Here()
    outside = (cloud, here, here, Templates(stored or template), here, None, None, FakeClock(), workers or Alone())
    ports = Ports("mine", *cast("Any", (*outside, Cache(known), images or NoImages())))
    return preflight.prepare(Spec(template, unset=unset), alias, force=False, ports=ports)


def failed(*args: Any, **settings: Any) -> errors.RpError:
    with pytest.raises(errors.RpError) as raised:
        prepare(*args, **settings)
    return raised.value


def test_a_good_template_becomes_a_plan_with_everybodys_keys() -> None:
    plan = prepare()

    assert plan.alias == "my-pod"
    assert [one.gpu.name for one in plan.candidates.ordered] == ["RTX 4090"]
    assert plan.spec.env["PUBLIC_KEY"].splitlines() == ["ssh-ed25519 AAAA me", "ssh-ed25519 AAAA account"]
    assert plan.warnings == ()


def test_all_that_is_wrong_is_told_at_once_each_with_its_remedy() -> None:
    template = replace(
        TEMPLATE,
        gpu_preference=("H1OO", "Voodoo"),
        region_preference=("US-TX-33", "Atlantis"),
        health=Health(checks={"no-such-check": "off"}),
        stop_after="2h",
        network_volume_id="gone",
        cloud_preference=("COMMUNITY",),
    )
    cloud = Cloud({"volume": errors.NoSuchResource("none", status=404)})
    images = Images(ImageFacts(download_bytes=30 * 10**9))

    error = failed(template, cloud, Here(no_key=True, read_only=True), alias="a b", unset=("HF_TOKEN",), images=images)

    told = [
        "${env:HF_TOKEN}",
        "no-such-check",
        "sd.stopAfter",
        "secure cloud only",
        "`a b` cannot be an alias",
        "no SSH key",
        "cannot write pods.json",
        "no network volume `gone`",
        "no GPU is called `H1OO`",
        "no GPU is called `Voodoo`",
        "region `US-TX-33`",
        "region `Atlantis`",
        "20 GB cannot hold me/x:1",
    ]
    assert error.message == f"{len(told)} things are in the way of this deploy"
    for line, text in zip(error.details, told, strict=True):
        assert text in line
        assert line.endswith(")"), f"no remedy: {line}"
    assert error.exit_status == errors.ExitStatus.USAGE


@dataclass
class Images:
    told: ImageFacts | None
    asked: list[str] = field(default_factory=list)

    def facts(self, reference: Reference, now: float) -> ImageFacts | None:
        self.asked.append(str(reference))
        return self.told


def test_the_first_problem_gives_the_exit_status() -> None:
    assert failed(replace(TEMPLATE, gpu_preference=("Voodoo", "Banshee"))).exit_status == errors.ExitStatus.NOT_FOUND
    assert failed(here=Here(no_key=True, read_only=True)).exit_status == errors.ExitStatus.NOT_ALLOWED


def test_a_problem_alone_keeps_its_own_words() -> None:
    error = failed(replace(TEMPLATE, gpu_preference=("Voodoo",)))

    assert isinstance(error, errors.NotFound)
    assert error.message == "no GPU is called `Voodoo`"


@pytest.mark.parametrize("call", ["keys", "volume"])
def test_what_runpod_does_not_answer_ends_it_with_the_other_problems_told(call: str) -> None:
    template = replace(TEMPLATE, gpu_preference=("Voodoo",), region_preference=("Atlantis",), network_volume_id="vol1")

    error = failed(template, Cloud({call: errors.Unclear("HTTP 500")}), Here(no_key=True))

    assert isinstance(error, errors.Unclear)
    assert [line for line in error.details if "no SSH key" in line]
    assert [line for line in error.details if "`Voodoo`" in line]
    assert [line for line in error.details if "`Atlantis`" in line]


def test_names_are_looked_up_in_what_was_told_yesterday_where_the_catalog_does_not_come() -> None:
    template = replace(TEMPLATE, gpu_preference=("Voodoo",), region_preference=("Atlantis",))

    def refusing() -> Cloud:
        calls = ("keys", "gpus SECURE 1", "data centers")
        return Cloud({call: errors.Unauthorized("HTTP 401", status=401) for call in calls})

    known = failed(template, refusing(), known=CATALOG)
    unknown = failed(template, refusing())

    assert isinstance(known, errors.Unauthorized)
    assert [text in "\n".join(known.details) for text in ("Voodoo", "Atlantis")] == [True, True]
    # Once, although every call was refused, and no name is called unknown that was not looked up.
    assert "401" not in "\n".join(known.details)
    assert "Voodoo" not in "\n".join(unknown.details)


def test_a_network_volume_binds_the_region_and_the_cloud() -> None:
    cloud = Cloud()

    plan = prepare(replace(TEMPLATE, network_volume_id="vol1", cloud_preference=("ALL",)), cloud)

    assert [(one.cloud, one.data_center_ids) for one in plan.candidates.ordered] == [("SECURE", ("US-KS-2",))]
    assert [call for call in cloud.asked if call.startswith("gpus")] == ["gpus SECURE 1"]


@pytest.mark.parametrize(("region", "fits"), [("US", True), ("!EU", True), ("EU", False), ("!US", False)])
def test_a_network_volume_outside_the_wanted_regions_is_a_problem(region: str, fits: bool) -> None:
    template = replace(TEMPLATE, network_volume_id="vol1", region_preference=(region,))

    if fits:
        prepare(template)
    else:
        error = failed(template)
        assert "network volume vol1 is in US-KS-2, outside the wanted regions" in error.message
        assert error.hint == "--region US-KS-2"


def test_drift_is_a_warning_and_is_told_once() -> None:
    template = replace(
        TEMPLATE, gpu_preference=("Voodoo", "L4", "L4"), container=Container("me/x"), registry_auth_id="r2"
    )

    plan = prepare(template, stored=template)

    assert [text for text in plan.warnings if "Voodoo" in text]
    assert [text for text in plan.warnings if "no fixed version" in text]
    assert [text for text in plan.warnings if "`r2`" in text]
    assert len(plan.warnings) == len(set(plan.warnings)) == 3
    assert plan.spec.template.gpu_preference == ("L4", "L4")


def test_registry_credentials_are_asked_for_only_where_there_are_some_and_their_failure_is_none() -> None:
    without, broken = Cloud(), Cloud({"registries": errors.Unclear("HTTP 500")})

    prepare(cloud=without)
    plan = prepare(replace(TEMPLATE, registry_auth_id="r9"), broken)

    assert "registries" not in without.asked
    assert plan.warnings == ()


def test_an_image_that_is_no_reference_is_not_asked_for() -> None:
    images = Images(None)

    plan = prepare(replace(TEMPLATE, container=Container("Me/Y:")), images=images)

    assert images.asked == []
    assert "no image name that docker takes" in plan.warnings[0]


def test_everything_is_asked_at_the_same_time() -> None:
    """Each call waits until all are there: one after the other they would wait for ever."""
    template = replace(TEMPLATE, cloud_preference=("ALL",), gpu_preference=("2xL4", "RTX 4090"), registry_auth_id="r1")
    # Keys, registry credentials, data centers, two clouds times two numbers of GPUs, and the image.
    barrier = threading.Barrier(8, timeout=20)

    class Meeting(Images):
        def facts(self, reference: Reference, now: float) -> ImageFacts | None:
            barrier.wait()
            return None

    plan = prepare(template, Cloud(reached=barrier.wait), images=Meeting(None), workers=Threads())

    assert len(plan.candidates.ordered) == 3


def test_a_forbidden_data_center_that_is_gone_is_a_warning_in_a_template_and_an_error_on_the_command_line() -> None:
    template = replace(TEMPLATE, region_preference=("!US-TX-9",))

    plan = prepare(template, stored=template)

    assert [text for text in plan.warnings if "`!US-TX-9` forbids nothing" in text]
    assert [one.places for one in plan.candidates.ordered] == [()]
    assert "region `US-TX-9`" in failed(template, stored=TEMPLATE).message
