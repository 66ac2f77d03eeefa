"""What `rp deploy` finds out before it asks RunPod for anything that costs."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from conftest import User, World
from unit.registry.fake import Registry, registry

GB = 10**9
LATENCY = 1.0


@pytest.fixture
def images(user: User) -> Iterator[Registry]:
    """A registry that `user` asks about images."""
    del user.env["RP_IMAGE_CHECK"]
    with registry() as found:
        yield found


def test_everything_is_asked_within_one_round_trip(user: User, make_world: Callable[..., World]) -> None:
    """All calls begin before the first of them can have ended, however slow this machine is."""
    world = make_world(
        f'[api]\nlatency_s = {LATENCY}\n[[account.volume]]\nid = "vol1"\nname = "data"\ndata_center = "EU-RO-1"\n'
    )
    user.write_template(networkVolumeId="vol1", gpuPreference=["2xL4", "NVIDIA GeForce RTX 4090"])

    user.rp("deploy", "sd", "--dry-run")

    calls = world.ledger["calls"]
    began = [datetime.fromisoformat(call["time"]).timestamp() for call in calls]
    assert sorted(call["operation"] for call in calls) == [
        "getNetworkVolume",
        "getSshKeys",
        "listDataCenters",
        "listGpuTypes",
        "listGpuTypes",
    ]
    assert max(began) - min(began) < LATENCY


def test_all_problems_are_told_at_once_each_with_its_remedy(user: User, empty_world: World) -> None:
    for key in (user.home / ".ssh").iterdir():
        key.unlink()
    user.write_template(
        gpuPreference=["H1OO"],
        regionPreference=["US-TX-33"],
        networkVolumeId="vol-none",
        cloudPreference=["COMMUNITY"],
        stopAfter="2h",
        container={"imageName": "me/x:1", "env": {"T": "${env:UNSET_HERE}"}},
    )

    result = user.rp("deploy", "sd", "--alias", "a b", code=2)

    assert "8 things are in the way of this deploy" in result.err
    for problem, remedy in [
        ("${env:UNSET_HERE}", "export UNSET_HERE=…"),
        ("sd.stopAfter", "rp template edit sd"),
        ("secure cloud only", "--cloud SECURE"),
        ("`a b` cannot be an alias", "use letters"),
        ("SSH key", "ssh-keygen"),
        ("no network volume `vol-none`", "rp template edit sd"),
        ("no GPU is called `H1OO`", "did you mean"),
        ("no data center is in region `US-TX-33`", "US-TX-3"),
    ]:
        [line] = [line for line in result.err.splitlines() if problem in line]
        assert remedy in line
    assert empty_world.alive == []


def test_a_wrong_key_is_told_with_the_other_problems(user: User, empty_world: World) -> None:
    user.write_template(container={"imageName": "me/x:1", "env": {"T": "${env:UNSET_HERE}"}})

    result = user.rp("deploy", "sd", code=4, RUNPOD_API_KEY="wrong-key-123")

    assert "rp login" in result.err
    assert "export UNSET_HERE=…" in result.err
    assert result.err.count("401") == 1


def test_a_disk_that_cannot_hold_the_image_is_refused(user: User, empty_world: World, images: Registry) -> None:
    user.write_template(container={"imageName": images.image("big", "1", 30 * GB), "containerDiskInGb": 25})

    refused = user.rp("deploy", "sd", "--dry-run", code=2)
    tight = user.rp("deploy", "sd", "--dry-run", "--container-disk", "40")
    roomy = user.rp("deploy", "sd", "--dry-run", "--container-disk", "60")

    assert "sd.container.containerDiskInGb: 25 GB cannot hold" in refused.err
    assert "it is 30 GB to download" in refused.err
    assert "--container-disk 60" in refused.err
    assert "40 GB may be too small" in tight.err
    assert "too small" not in roomy.err
    # The second and the third deploy knew it from the first.
    assert len(images.asked) == 1


def test_an_image_that_is_gone_is_a_warning_once_and_beside_the_document(
    user: User, empty_world: World, images: Registry
) -> None:
    gone = f"{images.address}/me/gone:1"
    user.write_template(container={"imageName": gone})

    result = user.rp("deploy", "sd", "--dry-run", "--json")

    assert result.json["candidates"]
    assert result.err.count(f"its registry has no `{gone}`") == 1
    assert "`rp template edit sd`" in result.err


def test_no_registry_is_asked_where_that_is_off(user: User, empty_world: World, images: Registry) -> None:
    user.write_template(container={"imageName": f"{images.address}/me/gone:1"})

    result = user.rp("deploy", "sd", "--dry-run", RP_IMAGE_CHECK="off")

    assert images.asked == []
    assert result.err == ""


def test_what_drifted_is_told_with_the_command_that_mends_it(user: User, empty_world: World) -> None:
    user.write_template(
        gpuPreference=["RTX 4O90", "L4"], container={"imageName": "me/x"}, registryAuthId="no-such-route-here"
    )

    drifted = user.rp("deploy", "sd", "--dry-run")
    mistyped = user.rp("deploy", "sd", "--dry-run", "--gpu", "L44,L4", code=6)

    assert [row.split("\t")[1] for row in drifted.out.splitlines()] == ["L4"]
    [gone] = [line for line in drifted.err.splitlines() if "`RTX 4O90`" in line]
    assert "did you mean `RTX 4090`" in gone
    assert "`rp template edit sd`" in gone
    assert "`me/x` is no fixed version" in drifted.err
    assert "no-such-route-here" not in drifted.err
    assert "no GPU is called `L44`" in mistyped.err


def test_the_error_tells_where_else_there_is_one_and_that_the_driver_may_be_the_reason(
    user: User, make_world: Callable[..., World]
) -> None:
    make_world(
        '[[stock]]\ngpu = "NVIDIA GeForce RTX 4090"\ncount = "none"\n'
        '[[stock]]\ngpu = "NVIDIA GeForce RTX 4090"\ndata_center = "EU-RO-1"\n'
        '[[stock]]\ngpu = "NVIDIA L4"\ncuda = ["12.4"]\n'
    )
    user.write_template(regionPreference=["US"])

    outside = user.rp("deploy", "sd", code=3)
    driver = user.rp("deploy", "sd", "--gpu", "L4", "--region", "anywhere", code=3)

    assert "outside the wanted regions, RTX 4090 (secure) is offered in EU-RO-1 (high): --region EU-RO-1" in outside.err
    assert "none free for CUDA 12.8 or newer (from the image's tag): --min-cuda" in driver.err
