"""`rp gpus`: what can be had now, for people, pipes and programs, with the network and without."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from conftest import RP, User, World, end

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Of RTX 4090 there is little in one place, of H100 SXM something for single GPUs in the community, of the rest nothing.
SCARCE = """
[[stock]]
count = "none"
[[stock]]
gpu = "NVIDIA GeForce RTX 4090"
data_center = "EU-RO-1"
cloud = "SECURE"
count = 1
gpus_per_host = 1
[[stock]]
gpu = "NVIDIA H100 80GB HBM3"
data_center = "US-TX-3"
cloud = "COMMUNITY"
count = 40
"""
AWAY = "http://127.0.0.1:9"


def cells(text: str) -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t")[1:] for line in text.splitlines()}


def screen(user: User, *words: str, columns: int = 80, **env: str) -> str:
    child = pexpect.spawn(
        RP, list(words), env={**user.env, **env}, dimensions=(60, columns), encoding="utf-8", timeout=30
    )
    child.expect(pexpect.EOF)
    child.close()
    return (child.before or "").replace("\r\n", "\n")


def test_prices_and_stock_for_pipes_people_and_programs(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(SCARCE)

    piped = cells(user.rp("gpus").out)
    calls = [call["operation"] for call in world.ledger["calls"]]
    document = {one["name"]: one for one in user.rp("gpus", "--json").json}

    assert sorted(calls) == ["listDataCenters", "listGpuTypes", "listGpuTypes"]
    assert next(iter(piped)) == "RTX A5000"
    assert piped["RTX 4090"] == ["24", "0.74", "low", "0.34", "none", "EU-RO-1"]
    assert piped["H100 SXM"] == ["80", "3.29", "none", "2.69", "high", "US-TX-3"]
    assert piped["A40"][3:5] == ["-", "-"]
    found = document["H100 SXM"]
    assert found["id"] == "NVIDIA H100 80GB HBM3"
    levels = found["clouds"]["COMMUNITY"]["data_centers"]
    assert {place for place, level in levels.items() if level != "none"} == {"US-TX-3"}
    assert (found["clouds"]["COMMUNITY"]["stock"], found["clouds"]["SECURE"]["stock"]) == ("high", "none")
    assert [*cells(user.rp("gpus", "--available").out)] == ["RTX 4090", "H100 SXM"]
    assert cells(user.rp("gpus", "4090", "--region", "!EU").out)["RTX 4090"][2] == "none"
    assert user.rp("gpus", "--available", "--places").out.splitlines() == [
        "RTX 4090\tEU-RO-1\tRO\tlow\t-",
        "H100 SXM\tUS-TX-3\tUS\t-\thigh",
    ]


def test_names_numbers_and_limits_as_people_say_them(user: User, empty_world: World) -> None:
    two = user.rp("gpus", "2xH100 SXM,4090", "--cloud", "secure", "--json").json
    left = user.rp("gpus", "H100", "--min-vram", "81")
    nothing = user.rp("gpus", "4090", "--max-price", "0.01")

    assert [(one["name"], one["count"], [*one["clouds"]]) for one in two] == [
        ("RTX 4090", 1, ["SECURE"]),
        ("H100 SXM", 2, ["SECURE"]),
    ]
    offer = two[1]["clouds"]["SECURE"]
    assert offer["price_per_hour"] == 2 * offer["price_per_gpu_hour"]
    assert [*cells(left.out)] == ["H100 NVL"]
    assert "not shown: H100 SXM: 80 GB, 81 wanted" in left.err
    assert nothing.out == ""
    assert "not shown: RTX 4090: dearer than $0.01/h" in nothing.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("gpus", "H1000"), 6, "did you mean"),
        (("gpus", "--region", "Atlantis"), 6, "Atlantis"),
        (("gpus", "--cloud", "moon"), 2, "`MOON` is no cloud"),
        (("gpus", "--min-cuda", "twelve"), 2, "is no CUDA version"),
        (("gpus", "0xH100"), 2, "no GPU at all"),
        (("gpus", "--order", "taste"), 2, "invalid choice"),
        (("gpus", "--for", "nothing"), 6, "no template is called `nothing`"),
        (("gpus", "--for", "sd", "--places"), 2, "--for shows candidates"),
    ],
)
def test_what_cannot_be_is_told(user: User, empty_world: World, words: tuple[str, ...], code: int, said: str) -> None:
    user.write_template()
    result = user.rp(*words, code=code)

    assert said in result.err
    assert result.out == ""


def test_the_table_fits_and_only_stock_has_a_colour(user: User, empty_world: World) -> None:
    coloured = screen(user, "gpus", columns=60)
    plain = screen(user, "gpus", columns=80, NO_COLOR="1")

    for text, columns in ((coloured, 60), (plain, 80)):
        lines = ESCAPE.sub("", text).splitlines()
        assert [word for word in lines[0].split() if word != "GB"] == ["GPU", "SECURE", "COMMUNITY", "WHERE"]
        assert all(len(line.rstrip()) <= columns for line in lines)
        assert any(line.startswith("RTX 4090 ") and "0.74 high" in line for line in lines)
    assert "\x1b[32mhigh" in coloured
    assert "\x1b[3" not in plain


@pytest.mark.slow
def test_without_a_network_what_was_known_is_shown(user: User, empty_world: World) -> None:
    user.rp("gpus", "H100 SXM")
    path = user.state / "catalog.json"
    # What was kept is of this address: the network that is gone is the same RunPod's.
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "address": AWAY, "stock": {}}))

    after = user.rp("gpus", "H100 SXM", RP_API_URL=AWAY)

    assert cells(after.out) == {"H100 SXM": ["80", "3.29", "unknown", "2.69", "unknown", "-"]}
    assert re.search(r"warning: cannot reach RunPod.* told \d+s ago; what is in stock is not known", after.err)


def test_a_broken_cache_is_renewed_without_a_word(user: User, empty_world: World) -> None:
    path = user.state / "catalog.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"address": "' + user.env["RP_API_URL"] + '", "version": 1, "gpus": {"rows": [[')

    result = user.rp("gpus", "4090")

    assert result.err == ""
    assert json.loads(path.read_text())["version"] == 1


def test_the_matrix_of_a_template_is_what_its_deploy_would_try(user: User, empty_world: World) -> None:
    user.write_template(
        gpuPreference=["H100 SXM", "4090"], regionPreference=["EU", "US"], cloudPreference=["ALL"], maxPricePerHour=3.0
    )

    matrix = user.rp("gpus", "--for", "sd")
    tried = user.rp("deploy", "sd", "--dry-run")
    document = user.rp("gpus", "--for", "sd", "--json").json
    narrowed = user.rp("gpus", "--for", "sd", "4090", "--region", "US", "--cloud", "secure")
    none = user.rp("gpus", "--for", "sd", "--max-price", "0.01", "--order", "preference", code=3)

    assert matrix.out == tried.out
    assert "not tried: H100 SXM, secure: $3.29/h is above maxPricePerHour $3.00" in matrix.err
    assert [one["gpu"] for one in document["candidates"]].count("NVIDIA GeForce RTX 4090") == 3
    assert (document["template"], document["dropped"][0]["what"]) == ("sd", "H100 SXM, secure")
    assert narrowed.out == "1\tRTX 4090\tUS\tsecure\t0.74\thigh\n"
    assert none.out == ""
    assert "not tried: RTX 4090, secure" in none.err


def test_a_watch_on_a_pipe_appends_what_changed(user: User, make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(SCARCE)
    watching = user.start("gpus", "4090", "--watch", "--every", "1")
    assert watching.stdout is not None
    first = watching.stdout.readline().rstrip("\n").split("\t")

    world.follow(SCARCE.replace("count = 1\n", "count = 0\n"), tmp_path)
    second = watching.stdout.readline().rstrip("\n").split("\t")
    result = end(watching, signal.SIGINT)

    assert re.fullmatch(r"\d\d:\d\d:\d\d", first[0])
    assert (first[1], first[4], first[7]) == ("RTX 4090", "low", "EU-RO-1")
    assert (second[1], second[4], second[7]) == ("RTX 4090", "none", "-")
    assert (result.code, result.out) == (130, "")
    assert "Traceback" not in result.err


def test_a_watch_ends_when_nobody_reads_it_though_nothing_changes(user: User, empty_world: World) -> None:
    watching = user.start("gpus", "4090", "--watch", "--every", "1")
    assert watching.stdout is not None
    assert watching.stderr is not None
    watching.stdout.readline()

    watching.stdout.close()

    assert watching.wait(20) == 0
    assert watching.stderr.read() == ""
    watching.stderr.close()


@pytest.mark.slow
def test_a_watch_on_a_terminal_renews_the_table_in_its_place(
    user: User, make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(SCARCE)
    child = pexpect.spawn(
        RP, ["gpus", "4090", "--watch", "--every", "1"], env=user.env, dimensions=(20, 70), encoding="utf-8", timeout=30
    )
    child.expect("RTX 4090 .*low")

    world.follow(SCARCE.replace("count = 1\n", "count = 0\n"), tmp_path)
    child.expect("\x1b\\[1A.*RTX 4090 .*none")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 130
    assert "Traceback" not in (child.before or "")
