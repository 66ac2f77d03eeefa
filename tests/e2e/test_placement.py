"""Where a pod is tried, and in which order: the matrix, names, regions and limits, through the installed `rp`."""

from collections.abc import Callable
from typing import Any

import pytest

from conftest import User, World
from e2e.test_terminal import terminal
from rp_sim.inventory import data_centers

NOTHING = '[[stock]]\ncount = "none"\n'
# 20 types that the secure cloud has, in three countries: 60 placements.
GPUS = (
    *(
        "RTX A4000",
        "RTX A4500",
        "RTX A5000",
        "RTX 4000 Ada",
        "A40",
        "L4",
        "RTX A6000",
        "RTX PRO 4500",
        "RTX 4090",
        "L40",
    ),
    *("RTX 6000 Ada", "RTX 5090", "L40S", "A100 PCIe", "A100 SXM", "H100 NVL", "H100 SXM", "H200 SXM", "B300", "B200"),
)
COUNTRIES = ("US", "CA", "RO")
LAST = '[[stock]]\ngpu = "NVIDIA B200"\ndata_center = "EU-RO-1"\ncount = 8\n'
EUROPE = [place.id for place in data_centers() if place.id.startswith(("EU-", "EUR-"))]


def planned(user: User, *words: str) -> list[dict[str, Any]]:
    candidates: list[dict[str, Any]] = user.rp("deploy", "sd", *words, "--dry-run", "--json").json["candidates"]
    return candidates


def created(world: World) -> list[dict[str, Any]]:
    """The bodies of all creates."""
    return [call["body"] for call in world.calls("createPod")]


def test_of_60_placements_a_true_catalog_names_the_one_with_stock(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(NOTHING + LAST)
    user.write_template(gpuPreference=GPUS, regionPreference=COUNTRIES)

    user.rp("deploy", "sd", "--alias", "my-pod")

    assert len(created(world)) <= 3
    assert [(pod["gpu"], pod["dataCenter"]) for pod in world.alive] == [("NVIDIA B200", "EU-RO-1")]


@pytest.mark.slow
def test_of_60_placements_a_stale_catalog_hides_none(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(f"{NOTHING}{LAST}[catalog]\nstale = true\n")
    user.write_template(gpuPreference=GPUS, regionPreference=COUNTRIES)

    candidates = planned(user)
    deployed = user.rp("deploy", "sd", "--alias", "my-pod")

    sent = [(body["gpu"]["id"], body["dataCenterIds"]) for body in created(world)]
    assert sent == [(one["gpu"], one["data_centers"]) for one in candidates]
    assert len(sent) == 60
    assert "  before it: 56 more: no capacity (`rp why` lists them)\n" in deployed.out
    assert len(deployed.out.splitlines()) == 6
    assert user.rp("why", "my-pod").out.count("refused\n") == 59


def test_many_refusals_are_told_in_few_lines_and_in_full_in_json(user: User, make_world: Callable[..., World]) -> None:
    make_world(NOTHING)
    user.write_template(gpuPreference=GPUS[:10])

    refused = user.rp("deploy", "sd", "--json", code=3)

    assert refused.json["error"]["message"] == "no capacity: 10 placements tried, all refused"
    assert refused.json["error"]["details"][:4] == [
        "RTX A4000, anywhere, secure: no capacity",
        "RTX A4500, anywhere, secure: no capacity",
        "RTX A5000, anywhere, secure: no capacity",
        "7 more: no capacity (`rp why` lists them)",
    ]
    assert [one["gpu"] for one in refused.json["attempts"]] == list(GPUS[:10])


def test_a_region_goes_in_as_the_whole_list_of_its_data_centers(user: User, world: World) -> None:
    user.write_template(regionPreference=["EU"])

    user.rp("deploy", "sd")

    [body] = created(world)
    assert sorted(body["dataCenterIds"]) == sorted(EUROPE)


def test_a_forbidden_data_center_is_never_asked_for(user: User, make_world: Callable[..., World]) -> None:
    world = make_world(NOTHING + '[[stock]]\ndata_center = "EU-RO-1"\ncount = 24\n')
    user.write_template()

    refused = user.rp("deploy", "sd", "--region", "EU,!EU-RO-1", "--cloud", "ALL", code=3)

    secure, *community = created(world)
    assert sorted(secure["dataCenterIds"]) == sorted({*EUROPE} - {"EU-RO-1"})
    # There nothing is asked for, so it is the pod that is looked at, and a third create names the places.
    assert ["dataCenterIds" in body for body in community] == [False, False, True]
    assert sorted(community[-1]["dataCenterIds"]) == sorted(secure["dataCenterIds"])
    assert "landed in EU-RO-1, outside EU" in refused.err
    assert world.alive == []


LANDING = '[[landing]]\ndata_center = "US-*"\ncloud = "COMMUNITY"\n'


def test_a_community_pod_that_landed_elsewhere_is_dropped_and_after_two_it_is_pinned(
    user: User, make_world: Callable[..., World]
) -> None:
    world = make_world(LANDING)
    user.write_template(cloudPreference=["COMMUNITY"])

    user.rp("deploy", "sd", "--region", "EU", "--alias", "my-pod")

    assert ["dataCenterIds" in body for body in created(world)] == [False, False, True]
    *dropped, kept = world.pods
    assert [pod["dataCenter"][:3] for pod in dropped] == ["US-", "US-"]
    assert all(pod["ended"] - pod["began"] < 5 for pod in dropped)
    assert kept["id"] == user.aliases["my-pod"]
    assert kept["dataCenter"] in EUROPE


def test_a_pod_whose_place_is_not_told_is_kept_with_a_warning(user: User, make_world: Callable[..., World]) -> None:
    world = make_world('[hosts]\ncommunity_without_place = 1.0\n[[landing]]\ndata_center = ""\n')
    user.write_template(cloudPreference=["COMMUNITY"], regionPreference=["EU"])

    deployed = user.rp("deploy", "sd", "--alias", "my-pod")

    [pod] = world.alive
    assert pod["dataCenter"] is None
    assert f"RunPod does not tell where pod {pod['id']} is; EU was wanted" in deployed.err


def test_a_pod_has_the_number_that_was_asked_for(user: User, world: World) -> None:
    user.write_template()

    user.rp("deploy", "sd", "--gpu", "2xH100 SXM", "--alias", "my-pod")

    assert [(pod["gpu"], pod["count"]) for pod in world.alive] == [("NVIDIA H100 80GB HBM3", 2)]


def test_unknown_names_are_told_all_at_once_with_the_nearest(user: User, empty_world: World) -> None:
    user.write_template()

    result = user.rp("deploy", "sd", "--gpu", "H10O,2xRTX 4099", "--region", "EU-RO-2,!US-TX-33", code=6)

    for said, nearest in (("H10O", "H100"), ("RTX 4099", "RTX 4090"), ("EU-RO-2", "EU-RO-1"), ("US-TX-33", "US-TX-3")):
        [line] = [line for line in result.err.splitlines() if f"`{said}`" in line or f" {said}" in line]
        assert nearest in line.split(said, 1)[1]


def test_what_is_too_dear_or_too_small_is_left_out_with_the_reason(user: User, empty_world: World) -> None:
    user.write_template(gpuPreference=["L4", "A40", "H100 SXM", "RTX 3070"], cloudPreference=["ALL"])
    words = ("deploy", "sd", "--max-price", "2", "--min-vram", "40", "--dry-run")

    said = user.rp(*words)
    document = user.rp(*words, "--json").json

    assert [line.split("\t")[1:4] for line in said.out.splitlines()] == [["A40", "anywhere", "secure"]]
    assert "not tried: L4, secure: 24 GB is below minVramInGb 40\n" in said.err
    assert "not tried: H100 SXM, secure: $3.29/h is above maxPricePerHour $2.00\n" in said.err
    assert [one["gpu"] for one in document["candidates"]] == ["NVIDIA A40"]
    assert {"what": "L4, secure", "reason": "24 GB is below minVramInGb 40"} in document["dropped"]


def test_nothing_left_to_try_is_no_capacity_with_every_reason(user: User, empty_world: World) -> None:
    user.write_template(gpuPreference=["L4", "H100 SXM"])

    result = user.rp("deploy", "sd", "--max-price", "0.1", code=3)

    assert "no placement fits this template" in result.err
    assert "L4, secure: $0.49/h is above maxPricePerHour $0.10" in result.err
    assert "H100 SXM, secure: $3.29/h is above maxPricePerHour $0.10" in result.err


def test_order_by_price_and_by_stock(user: User, make_world: Callable[..., World]) -> None:
    few = '[[stock]]\ngpu = "NVIDIA L4"\ndata_center = "EU-RO-1"\ncount = 1\n'
    make_world(f'{NOTHING}{few}[[stock]]\ngpu = "NVIDIA A40"\ncount = 24\n')
    user.write_template(gpuPreference=["H100 SXM", "A40", "L4"])

    by_price = [one["gpu"] for one in planned(user, "--order", "price")]
    by_stock = [(one["gpu"], one["stock"]) for one in planned(user, "--order", "stock")]

    # What has none comes last under every order.
    assert by_price == ["NVIDIA A40", "NVIDIA L4", "NVIDIA H100 80GB HBM3"]
    assert by_stock == [("NVIDIA A40", "high"), ("NVIDIA L4", "low"), ("NVIDIA H100 80GB HBM3", "none")]


def test_global_networking_keeps_to_the_data_centers_that_have_it(user: User, empty_world: World) -> None:
    user.write_template(globalNetworking=True, regionPreference=["RO", "AP-JP-1", "NA"])
    networked = {place.id for place in data_centers() if place.global_network}

    document = user.rp("deploy", "sd", "--dry-run", "--json").json

    assert [one["region"] for one in document["candidates"]] == ["RO", "NA"]
    assert all(one["data_centers"] and set(one["data_centers"]) <= networked for one in document["candidates"])
    assert [one["what"] for one in document["dropped"]] == ["AP-JP-1, secure"]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("--race", "3"), "with up to 3 pods racing, each billed until it loses?"),
        (("--wait",), "at $0.74/h, waiting without end for capacity?"),
        (
            ("--replicas", "4", "--alias", "sd-{i}", "--wait", "1h"),
            "secure first, at up to $2.96/h together, waiting up to 1h00m for capacity?",
        ),
    ],
)
def test_the_question_says_what_is_more_than_one_pod_now(
    user: User, empty_world: World, words: tuple[str, ...], asked: str
) -> None:
    user.write_template()
    child = terminal(user, "deploy", "sd", *words, columns=300)

    child.expect_exact(asked)
    child.expect_exact("[Y/n] ")
    child.sendline("n")
    child.wait()

    assert empty_world.pods == []
