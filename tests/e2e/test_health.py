"""`rp health` on pods that are at work, and what a template and options change about the checks of a deploy."""

import json
import re
import signal
import socket
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from conftest import IMAGE, RP, User, World, end, until
from e2e.bad_machines import Scene, edited, scene
from sim.api import Api, pod_body

TORCH = '[images."*"]\ntorch = true\nfingerprints = true\n'
STOPPED = '[[account.pod]]\nid = "poda"\nname = "a"\nstatus = "EXITED"\n'
WRONG = '[[jank]]\nkind = "cuda"\nfault = "wrong_result"\n'
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
EVIL = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202egnp.exe"
# What a program says that fails, and the name that a GPU gives itself (XML has no C0).
SAID = scene("", "shim", name="nvidia-smi", script=f"printf '%s\\n' '{EVIL}'\nexit 77\n")
NAMED = edited("", {"product_name": "owned \x9b31m\x9d0;\u202egnp.exe"})


@pytest.fixture
def pods(user: User, make_world: Callable[..., World]) -> Callable[..., World]:
    """A world in which pods with these aliases are running; somebody else made them."""
    key = (user.home / ".ssh" / "id_ed25519.pub").read_text().strip()

    def make(*aliases: str, scenario: str = "") -> World:
        world = make_world(TORCH + scenario)
        api, ids = Api(world.running), {}
        for name in aliases:
            body = pod_body(name=name, image=IMAGE, env={"PUBLIC_KEY": key})
            ids[name] = api.call("POST", "/v2/pods", body).json["id"]
        user.write_config("pods.json", json.dumps(ids))
        until(lambda: all(answers(pod["port"]) for pod in world.pods), "the pods' SSH servers")
        return world

    return make


def answers(port: int | None) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port or 9), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def assert_nothing_left(world: World) -> None:
    """Of the probe, on any pod: it may take its last file away after its last word."""

    def left() -> list[Path]:
        return list((world.running.directory / "pods").rglob(".rp-health*"))

    until(lambda: not left(), f"the end of {left()}")


# ---- one pod ----


def test_a_pod_that_is_well(user: User, pods: Callable[..., World]) -> None:
    world = pods("a")

    result = user.rp("health", "a")

    rows = [line.split("\t") for line in result.out.splitlines()]
    assert all(len(row) == 5 for row in rows)
    assert ["pass", "gpu.count", "-", "1 of 1", "1"] in rows
    # The worst first; of a kernel log that nobody may read it is said once.
    assert [row[:2] for row in rows[:2]] == [["unknown", "xid"], ["unknown", "kmsg"]]
    assert re.search(
        rf"^a \({user.aliases['a']}\): pass, \d+ passed, 2 unknown \(passive, \d+\.\ds\)$", result.err, re.M
    )
    assert result.err.count("- unknown: ") == 1
    assert_nothing_left(world)


@pytest.mark.slow
def test_each_level_looks_at_more(user: User, pods: Callable[..., World]) -> None:
    world = pods("a", scenario='[[jank]]\nkind = "small_shm"\nmib = 2000\n')

    looks = [user.rp("health", "a", "--json", "--level", level).json[0] for level in ("passive", "basic", "standard")]

    passive, basic, standard = ({check["id"] for check in look["checks"]} for look in looks)
    assert [look["verdict"] for look in looks] == ["pass"] * 3
    assert [look["level"] for look in looks] == ["passive", "basic", "standard"]
    assert passive < basic < standard
    assert {"cuda.wrong_result", "disk.write", "net.down"} <= basic - passive
    assert {"torch.bf16", "torch.sdc"} <= standard - basic
    assert all(look["gpu_uuids"] == looks[0]["gpu_uuids"] != [] for look in looks)
    assert_nothing_left(world)


def test_a_bad_pod_is_5_and_its_machine_remembered_but_nothing_is_ended(user: User, pods: Callable[..., World]) -> None:
    world = pods("a", scenario=WRONG)

    unseen = user.rp("health", "a")
    result = user.rp("health", "a", "--level", "basic", code=5)

    assert "wrong" not in unseen.out
    assert result.out.startswith("fail\tcuda.wrong_result\t0\t")
    assert "- fail: GPU 0 computes wrong results: it is broken." in result.err
    [host] = user.rp("hosts", "list", "--json").json
    assert host["avoided"]
    assert [failure["pod_id"] for failure in host["failures"]] == [user.aliases["a"]]
    assert len(world.alive) == 1
    assert world.calls("deletePod") == []


def test_a_warning_is_0(user: User, pods: Callable[..., World]) -> None:
    pods("a", scenario='[[jank]]\nkind = "few_files"\n')

    result = user.rp("health", "a")

    assert result.out.startswith("warn\tlimits\t-\t256 files\tat least 1024 files\n")
    assert "): warn, " in result.err


def test_what_cannot_be_looked_at(user: User, make_world: Callable[..., World]) -> None:
    make_world(STOPPED)
    user.write_config("pods.json", '{"a": "poda"}')

    stopped = user.rp("health", "a", code=1)
    [told] = user.rp("health", "a", "--json", code=1).json
    unknown = user.rp("health", "b", code=6)

    assert "a (poda): pod poda is EXITED and has no SSH address" in stopped.err
    assert (told["verdict"], told["checks"]) == ("unknown", [])
    assert "no alias or pod is called `b`" in unknown.err
    assert "no running pod has an alias here" in user.rp("health", "--all").err


@pytest.mark.parametrize(
    "words", [(), ("a", "--all"), ("a", "--level", "off"), ("a", "--level", "full"), ("a", "--watch", "--every", "x")]
)
def test_usage(user: User, empty_world: World, words: tuple[str, ...]) -> None:
    user.rp("health", *words, code=2)


# ---- several pods ----


@pytest.mark.slow
def test_several_pods_side_by_side(user: User, pods: Callable[..., World]) -> None:
    world = pods("a", "b", "c", scenario='[[jank]]\nkind = "ecc_errors"\npod = "b"\n')

    ids = user.aliases
    two = user.rp("health", "a", "b", "--json", code=5).json
    alone = user.rp("health", "c", "c")
    everything = user.rp("health", "--all", "--json", code=5).json

    assert [(one["alias"], one["id"], one["verdict"]) for one in two] == [
        ("a", ids["a"], "pass"),
        ("b", ids["b"], "fail"),
    ]
    assert alone.err.count("): pass, ") == 1
    assert [one["alias"] for one in everything] == ["a", "b", "c"]
    assert_nothing_left(world)


# ---- again and again ----


@pytest.mark.slow
def test_watching_goes_on_until_ctrl_c(user: User, pods: Callable[..., World]) -> None:
    world = pods("a", scenario='[[jank]]\nkind = "few_files"\n')
    process = user.start("health", "a", "--watch", "--every", "1")
    assert process.stdout

    lines = [process.stdout.readline() for _ in range(2)]
    result = end(process, signal.SIGINT)

    assert result.code == 130
    for line in lines:
        assert re.fullmatch(r"\d\d:\d\d:\d\d a \(\w+\): warn, .*; A program may open no more than 256 .*\n", line)
    assert "Traceback" not in result.err
    assert members(process.pid) == []
    assert_nothing_left(world)


@pytest.mark.slow
def test_an_api_in_trouble_does_not_end_a_watch(user: User, pods: Callable[..., World]) -> None:
    pods("a", scenario='[[fault]]\noperation = "listPods"\nkind = "status"\nnth = [2, 3, 4]\nstatus = 500\n')
    process = user.start("health", "a", "--watch", "--every", "1")
    assert process.stdout

    lines = [process.stdout.readline() for _ in range(2)]
    result = end(process, signal.SIGINT)

    assert all("): pass, " in line for line in lines)
    assert "HTTP 500" in result.err
    assert result.code == 130


def members(session: int) -> list[str]:
    """The processes of a session that are not over."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[3]) == session and words[0] != "Z":
            found.append(place.parent.name)
    return found


# ---- what a person sees ----


@pytest.mark.parametrize(("words", "row"), [((), ["pass", "gpu.*"]), (("-v",), ["pass", "gpu.recovery_action"])])
def test_the_table_fits_a_narrow_terminal(
    user: User, pods: Callable[..., World], words: tuple[str, ...], row: list[str]
) -> None:
    pods("a")
    child = pexpect.spawn(RP, ["health", "a", *words], env=user.env, dimensions=(40, 60), encoding="utf-8", timeout=30)
    child.expect(pexpect.EOF)
    child.close()

    lines = ESCAPE.sub("", (child.before or "").replace("\r", "")).splitlines()

    rows = [line for line in lines if line.startswith(("VERDICT", "pass", "unknown"))]
    assert child.exitstatus == 0
    assert rows[0].split()[:2] == ["VERDICT", "CHECK"]
    assert row in [one.split()[:2] for one in rows]
    assert all(len(one) <= 60 for one in rows), rows


@pytest.mark.parametrize("evil", [SAID, NAMED], ids=["said", "named"])
@pytest.mark.parametrize("words", [(), ("--json",), ("--watch",)])
def test_a_pod_cannot_steer_what_reads_the_output(
    user: User, pods: Callable[..., World], evil: Scene, words: tuple[str, ...]
) -> None:
    pods("a", scenario=evil.scenario())

    process = user.start("health", "a", *words)
    assert process.stdout
    first = process.stdout.readline() if "--watch" in words else ""
    if first:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    text = first + out + err
    assert "owned" in text
    assert steering(text) == []


@pytest.mark.parametrize("evil", [SAID, NAMED], ids=["said", "named"])
def test_a_pod_cannot_steer_a_terminal(user: User, pods: Callable[..., World], evil: Scene) -> None:
    pods("a", scenario=evil.scenario())

    child = pexpect.spawn(RP, ["health", "a"], env=user.env, dimensions=(40, 150), encoding="utf-8", timeout=30)
    child.expect(pexpect.EOF)
    child.close()

    text = child.before or ""
    assert "owned" in text
    assert "\x1b[2J" not in text
    assert steering(ESCAPE.sub("", text).replace("\r\n", "\n")) == []


def steering(text: str) -> list[str]:
    """Characters that a terminal obeys, or that turn text round."""
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf") and char not in "\n\t"]


# ---- what a template changes ----


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own", "verdict"), [("off", None), ("warn", "warn"), ({"warn": 2, "fail": 1}, "pass")], ids=str
)
def test_a_template_may_be_less_strict(
    user: User, make_world: Callable[..., World], own: object, verdict: str | None
) -> None:
    world = make_world('[[jank]]\nkind = "disk_slow"\nmbps = 3\n')
    user.write_template(health={"checks": {"disk.write": own}})

    deployed = user.rp("deploy", "sd", "--alias", "my-pod", "--json").json
    [later] = user.rp("health", "my-pod", "--level", "basic", "--json").json

    assert len(world.pods) == 1
    for checks in (deployed["health"]["checks"], later["checks"]):
        assert {check["id"]: check["verdict"] for check in checks}.get("disk.write") == verdict


@pytest.mark.parametrize(
    ("checks", "texts"),
    [
        ({"gpu.ecc_uncorected": "off"}, ["'gpu.ecc_uncorected' is not a check", "gpu.ecc_uncorrected"]),
        ({"gpu.count": {"fail": 1}}, ["'gpu.count': it has no thresholds"]),
        ({"cuda.clock": "maybe"}, ['must be "off", "warn" or an object of thresholds']),
        ({"cuda.clock": {"fail": 0.9}}, ["fail (0.9) must not lie over warn (0.7)"]),
        (
            {"net.down": "of", "bogus": "off"},
            ["2 things are in the way", "'net.down' must be", "'bogus' is not a check"],
        ),
    ],
    ids=str,
)
def test_what_is_wrong_with_checks_is_told_before_money_is_spent(
    user: User, empty_world: World, checks: dict[str, object], texts: list[str]
) -> None:
    user.write_template(health={"checks": checks})

    result = user.rp("deploy", "sd", code=2)

    assert all(text in result.err for text in texts), result.err
    assert empty_world.pods == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--min-mbps", "100"], "minMbps needs a url to measure"),
        (["--speed-test-url", "ftp://example.org/x"], "`ftp://example.org/x` is no http or https address"),
        (["--health", "full"], "invalid choice: 'full'"),
    ],
)
def test_options_that_make_no_sense(user: User, empty_world: World, words: list[str], text: str) -> None:
    user.write_template()

    assert text in user.rp("deploy", "sd", *words, code=2).err
    assert empty_world.pods == []


@pytest.mark.slow
def test_a_speed_test_of_ones_own(user: User, make_world: Callable[..., World]) -> None:
    world = make_world('[[jank]]\nkind = "slow_network"\nmbps = 200\nnth_pod = 1\n')
    user.write_template(health={"retryBackoffSeconds": 0})
    words = ["--speed-test-url", "https://speed.example.org/1GB.bin", "--min-mbps", "1000"]

    deployed = user.rp("deploy", "sd", "--alias", "my-pod", "--json", *words).json
    passed = {check["id"]: check["measured"] for check in deployed["health"]["checks"]}

    assert deployed["attempts"][0]["reason"].startswith("Downloads come at 200 Mbit/s, from another source too")
    assert passed["asked.speed"] == "2500 Mbit/s"
    assert len(world.alive) == 1


def test_level_off_looks_at_nothing(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(WRONG + '[[jank]]\nkind = "disk_full"\n')
    user.write_template(health={"smokeCommands": [], "level": "standard"})

    result = user.rp("deploy", "sd", "--alias", "my-pod", "--health", "off", "--json")

    assert result.json["health"]["checks"] == []
    assert "checking" not in result.err
    assert len(world.pods) == 1
