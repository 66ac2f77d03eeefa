from dataclasses import replace
from typing import Any, cast

import pytest

from rp.domain.catalog import Catalog, DataCenter, Stock
from rp.domain.image import ImageFacts
from rp.domain.template import Container, Template
from rp.errors import NotFound
from rp.operations import drift
from rp.operations.preflight_reads import Answers
from unit.samples import CATALOG

TEMPLATE = Template(name="sd", gpu_preference=("RTX 4090",), container=Container("me/x:1"))
RTX, L4 = "NVIDIA GeForce RTX 4090", "NVIDIA L4"
GB = 10**9


class Stored:
    def __init__(self, template: Template | None) -> None:
        self._template = template

    def get(self, name: str) -> Template:
        if self._template is None:
            raise NotFound("none")
        return self._template


def fitted(template: Template, stored: Template | None, catalog: Catalog = CATALOG) -> tuple[Template, list[str]]:
    return drift.fitted(template, catalog, cast("Any", Stored(stored)))


def warnings(template: Template, catalog: Catalog = CATALOG, **answers: Any) -> list[str]:
    return list(drift.warnings(template, catalog, Answers(**answers)))


def with_image(image: str, **container: Any) -> Template:
    return replace(TEMPLATE, container=Container(image, **container))


def offered(gpu: str, *, count: int = 1, **places: Stock) -> dict[tuple[str, str, int, str], Stock]:
    return {("SECURE", gpu, count, place.replace("_", "-")): level for place, level in places.items()}


def test_a_template_without_drift_has_no_warning() -> None:
    assert warnings(TEMPLATE) == []
    assert warnings(TEMPLATE, image=ImageFacts(download_bytes=GB), registries=None) == []
    assert fitted(TEMPLATE, TEMPLATE) == (TEMPLATE, [])


def test_a_gpu_that_is_gone_is_left_out_while_others_fit() -> None:
    template = replace(TEMPLATE, gpu_preference=("RTX 4O90", "2xL4"))

    rest, [warning] = fitted(template, template)

    assert rest.gpu_preference == ("2xL4",)
    assert "sd.gpuPreference: no GPU is called `RTX 4O90`" in warning
    assert "did you mean `RTX 4090`" in warning
    assert "`rp template edit sd`" in warning


def test_a_number_that_the_command_line_took_away_changes_nothing() -> None:
    template = replace(TEMPLATE, gpu_preference=("Voodoo", "L4"))

    rest, _ = fitted(template, replace(template, gpu_preference=("4xVoodoo", "L4")))

    assert rest.gpu_preference == ("L4",)


@pytest.mark.parametrize("stored", [TEMPLATE, None])
def test_a_gpu_that_the_command_line_names_wrongly_is_no_drift(stored: Template | None) -> None:
    said = replace(TEMPLATE, gpu_preference=("Voodoo", "L4"))

    assert fitted(said, stored) == (said, [])


def test_where_no_gpu_is_left_it_is_an_error() -> None:
    gone = replace(TEMPLATE, gpu_preference=("Voodoo", "Banshee"))

    assert fitted(gone, gone) == (gone, [])


def test_a_gpu_that_nobody_can_rent_now_is_told() -> None:
    gpus = tuple(replace(gpu, offers={}) if gpu.id == RTX else gpu for gpu in CATALOG.gpus)

    [warning] = warnings(replace(TEMPLATE, gpu_preference=("RTX 4090", "L4")), replace(CATALOG, gpus=gpus))

    assert warning == "sd.gpuPreference: RunPod rents no `RTX 4090` now: `rp template edit sd`"


@pytest.mark.parametrize(
    ("image", "facts", "text"),
    [
        ("me/x:1", ImageFacts(exists=False), "its registry has no `me/x:1` (any more)"),
        ("me/x", ImageFacts(exists=False), "its registry has no `me/x` (any more)"),
        ("me/x", None, "`me/x` is no fixed version"),
        ("me/x:latest", ImageFacts(), "`me/x:latest` is no fixed version"),
        ("Me:x", None, "`Me:x` is no image name that docker takes"),
        ("me/x:1", ImageFacts(amd64=False), "`me/x:1` is not built for linux/amd64"),
    ],
)
def test_what_is_odd_about_an_image_is_told_with_the_command_that_mends_it(
    image: str, facts: ImageFacts | None, text: str
) -> None:
    [warning] = warnings(with_image(image), image=facts)

    assert warning.startswith("sd.container.imageName: ")
    assert text in warning
    assert "`rp template edit sd`, or --image" in warning


def test_a_private_image_may_be_hidden_from_others() -> None:
    private = replace(TEMPLATE, registry_auth_id="r1")

    assert warnings(private, image=ImageFacts(exists=False), registries=("r1",)) == []


def test_registry_credentials_that_are_gone_are_told() -> None:
    private = replace(TEMPLATE, registry_auth_id="r1")

    [warning] = warnings(private, registries=("r2",))

    assert "sd.registryAuthId: the account has no registry credentials `r1` any more" in warning
    assert "`rp template edit sd`" in warning
    assert warnings(private, registries=None) == []


@pytest.mark.parametrize(
    ("disk", "size", "problem", "warning"),
    [
        (20, 20.01, "it is 20.1 GB to download", None),
        (1, 9.0, "it is 9 GB to download", None),
        (20, 20.0, None, "20 GB may be too small: me/x:1 is 20 GB to download"),
        (20, 10.5, None, "me/x:1 is 10.5 GB to download, and about twice that unpacked: --container-disk 21"),
        (20, 10.0, None, None),
        (20, 0.0, None, None),
        (20, None, None, None),
    ],
)
def test_a_disk_is_held_against_the_size_of_the_image(
    disk: int, size: float | None, problem: str | None, warning: str | None
) -> None:
    template = with_image("me/x:1", container_disk_in_gb=disk)
    facts = ImageFacts(download_bytes=None if size is None else int(size * GB))

    found = drift.disk_problem(template, facts)
    told = warnings(template, image=facts)

    assert (found is None) == (problem is None)
    assert found is None or (str(problem) in found.message and "--container-disk" in str(found.hint))
    assert [str(warning) in one for one in told] == ([True] if warning else [])


def test_no_answer_of_a_registry_is_no_problem() -> None:
    assert drift.disk_problem(TEMPLATE, None) is None


def test_regions_without_the_gpu_are_told_before_the_first_create() -> None:
    template = replace(TEMPLATE, region_preference=("US-TX-3", "US-IL-1"))
    stock = offered(RTX, EU_RO_1=Stock.LOW, US_KS_2=Stock.HIGH, CA_MTL_1=Stock.NONE)

    [warning] = warnings(template, replace(CATALOG, place_stock=stock))

    assert warning == (
        "the wanted regions (US-TX-3, US-IL-1) have no RTX 4090 on the secure cloud at all; "
        "US-KS-2 (high), EU-RO-1 (low): --region US-KS-2"
    )


@pytest.mark.parametrize(
    ("template", "stock"),
    [
        # It is there, and not free: that is for the candidates to say.
        (replace(TEMPLATE, region_preference=("US-TX-3",)), offered(RTX, US_TX_3=Stock.NONE, EU_RO_1=Stock.HIGH)),
        # RunPod names no data center for it.
        (replace(TEMPLATE, region_preference=("US-TX-3",)), offered(L4, EU_RO_1=Stock.HIGH)),
        # One of two types is there.
        (
            replace(TEMPLATE, gpu_preference=("H100",), region_preference=("US-TX-3",)),
            offered("NVIDIA H100 80GB HBM3", US_TX_3=Stock.LOW) | offered("NVIDIA H100 NVL", EU_RO_1=Stock.LOW),
        ),
        (TEMPLATE, offered(RTX, EU_RO_1=Stock.HIGH)),
        (
            replace(TEMPLATE, region_preference=("US-TX-3",), cloud_preference=("COMMUNITY",)),
            offered(RTX, EU_RO_1=Stock.HIGH),
        ),
        (replace(TEMPLATE, region_preference=("US-TX-3",)), offered(RTX, count=2, EU_RO_1=Stock.HIGH)),
    ],
)
def test_nothing_is_told_of_regions_where_the_catalog_does_not_say_it(
    template: Template, stock: dict[tuple[str, str, int, str], Stock]
) -> None:
    assert warnings(template, replace(CATALOG, place_stock=stock)) == []


def test_a_network_volume_in_a_place_without_the_gpu_is_told_with_what_is_there() -> None:
    template = replace(TEMPLATE, region_preference=("EU-CZ-1",), network_volume_id="vol1")
    stock = offered(RTX, EU_RO_1=Stock.HIGH) | offered(L4, EU_CZ_1=Stock.LOW)

    [warning] = warnings(template, replace(CATALOG, place_stock=stock))

    assert warning == "network volume vol1 is in EU-CZ-1, which has no RTX 4090 at all; it has L4: --gpu 'L4'"


def test_a_forbidden_data_center_that_is_gone_is_left_out_of_a_stored_template() -> None:
    template = replace(TEMPLATE, region_preference=("EU", "!US-TX-9", "!US-TX-3"))

    rest, [warning] = fitted(template, template)

    assert rest.region_preference == ("EU", "!US-TX-3")
    assert warning.startswith(
        "sd.regionPreference: no data center is in region `US-TX-9`, so `!US-TX-9` forbids nothing"
    )
    assert "`rp template edit sd`" in warning


@pytest.mark.parametrize("region", ["!Romannia", "US-TX-9", "!anywhere"])
def test_a_mistyped_country_and_a_wish_are_no_retired_data_center(region: str) -> None:
    template = replace(TEMPLATE, region_preference=(region,))

    assert fitted(template, template) == (template, [])


@pytest.mark.parametrize("stored", [TEMPLATE, None])
def test_a_data_center_that_the_command_line_forbids_is_to_be_there(stored: Template | None) -> None:
    said = replace(TEMPLATE, region_preference=("!US-TX-9",))

    assert fitted(said, stored) == (said, [])


def test_without_a_list_of_data_centers_none_is_gone() -> None:
    template = replace(TEMPLATE, region_preference=("!US-TX-9",))

    assert fitted(template, template, replace(CATALOG, data_centers=())) == (template, [])


def test_a_data_center_that_may_be_in_a_forbidden_country_is_told() -> None:
    new = (DataCenter("CA-NEW-1", "", "NORTH_AMERICA"), DataCenter("CA-NEW-2", "", "NORTH_AMERICA"))
    catalog = replace(CATALOG, data_centers=(*CATALOG.data_centers, *new))

    [warning] = warnings(replace(TEMPLATE, region_preference=("!US",)), catalog)

    assert warning.startswith("`!US` shuts out CA-NEW-1, CA-NEW-2 too, since rp does not know in which country")
