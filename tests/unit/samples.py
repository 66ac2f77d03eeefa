"""The catalog that RunPod really has, and what property tests draw from."""

import json
import string
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from rp.domain.catalog import Catalog, DataCenter, GpuType, Offer
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.order import ORDERS
from rp.domain.template import Container, Health, Network, PostDeploy, SpeedTest, Template
from rp.domain.verdict import LEVELS

_DATA = Path(__file__).parents[2] / "src" / "rp_sim" / "data"


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_DATA / name).read_text("utf-8"))["rows"]
    return rows


def _gpu(row: dict[str, Any]) -> GpuType:
    prices = ((SECURE, row.get("securePrice")), (COMMUNITY, row.get("communityPrice")))
    most = {SECURE: row.get("maxGpuCountSecure"), COMMUNITY: row.get("maxGpuCountCommunity")}
    offers = {cloud: Offer(float(price), int(most[cloud] or 0)) for cloud, price in prices if price}
    name, maker = row.get("displayName") or row["id"], row.get("manufacturer") or "NVIDIA"
    return GpuType(row["id"], name, int(row.get("memoryInGb") or 0), offers, maker)


GPUS = tuple(_gpu(row) for row in _rows("gpu_types.json") if row["id"] != "unknown")
# Some ids exist twice, once with two spaces or letters run together; rows without a name are such leftovers.
NAMED_GPUS = tuple(_gpu(row) for row in _rows("gpu_types.json") if row.get("displayName") not in (None, "unknown"))
DATA_CENTERS = tuple(
    DataCenter(row["id"], row["id"], row["regionEnum"], row["globalNetworking"]) for row in _rows("data_centers.json")
)
COUNTRY_OF = {row["id"]: row["countryCode"] for row in _rows("data_centers.json")}
CATALOG = Catalog(NAMED_GPUS, DATA_CENTERS)

EXAMPLE = {
    "name": "sd-a100",
    "cloudPreference": ["SECURE", "COMMUNITY"],
    "regionPreference": ["NA", "EU"],
    "gpuPreference": ["NVIDIA H100 80GB", "NVIDIA A100 80GB", "NVIDIA A5000 24GB"],
    "gpuCount": 1,
    "container": {
        "imageName": "runpod/pytorch:latest",
        "containerDiskInGb": 20,
        "volumeInGb": 50,
        "ports": [22, 7860],
        "env": {"HF_HOME": "/root/.cache/huggingface"},
        "startScript": "#!/bin/bash\nset -euo pipefail\necho booting...",
    },
    "network": {"allowPublicIp": True},
    "health": {
        "sshTimeoutSeconds": 180,
        "smokeCommands": ["echo OK"],
        "speedTest": {"enabled": False, "url": "https://speed.hetzner.de/100MB.bin", "minMbps": 100},
        "maxRetries": 2,
        "retryBackoffSeconds": 10,
    },
    "postDeploy": {"runLocalSetup": True, "runRemoteSetup": True},
    "tags": {"rp": "true", "purpose": "sd"},
}

# Any text that JSON and argument lists can carry: no half surrogates, no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
words = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)
_gpu_names = words.filter(lambda word: "x" not in word.lower())
gpu_wishes = st.one_of(_gpu_names, st.tuples(st.integers(1, 16), _gpu_names).map(lambda one: f"{one[0]}x {one[1]}"))
region_wishes = st.one_of(words, words.map(lambda word: f"!{word}"))
variables = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
cuda_versions = st.from_regex(r"1[0-9]\.[0-9]", fullmatch=True)
ports = st.tuples(st.integers(1, 65535), st.sampled_from(["tcp", "http"])).map(lambda pair: f"{pair[0]}/{pair[1]}")
paths = words.map(lambda word: f"/{word}")
amounts = st.floats(0, 1e6, allow_nan=False)
seconds = st.one_of(st.integers(1, 10_000), st.floats(1, 1e6))


@st.composite
def containers(draw: st.DrawFn, *, has_volume: bool = True) -> Container:
    has_script = draw(st.booleans())
    return Container(
        image_name=draw(words),
        container_disk_in_gb=draw(st.integers(1, 5000)),
        volume_in_gb=draw(st.one_of(st.just(0), st.integers(10, 5000))) if has_volume else 0,
        ports=tuple(draw(st.lists(st.one_of(st.integers(1, 70_000), ports), max_size=4))),
        env=draw(st.dictionaries(variables, texts, max_size=4)),
        start_script=draw(texts) if has_script else "",
        args="" if has_script else draw(texts),
    )


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Any template that is valid."""
    volume = draw(st.sampled_from([None, "host", "network"]))
    cuda = draw(st.sampled_from([None, "floor", "list"]))
    return Template(
        name=draw(words),
        gpu_preference=tuple(draw(st.lists(gpu_wishes, min_size=1, max_size=3))),
        container=draw(containers(has_volume=volume == "host")),
        cloud_preference=tuple(
            draw(st.lists(st.sampled_from(["SECURE", "COMMUNITY", "ALL", "all"]), min_size=1, max_size=3))
        ),
        region_preference=tuple(draw(st.lists(region_wishes, max_size=3))),
        gpu_count=draw(st.integers(1, 16)),
        network=Network(draw(st.booleans())),
        health=draw(
            st.builds(
                Health,
                ssh_timeout_seconds=seconds,
                smoke_commands=st.lists(texts, max_size=2).map(tuple),
                speed_test=st.builds(
                    SpeedTest,
                    enabled=st.booleans(),
                    url=st.sampled_from(["", "https://speed.hetzner.de/100MB.bin", "http://[::1]:8000/file"]),
                    min_mbps=amounts,
                ),
                level=st.sampled_from(LEVELS),
                checks=st.dictionaries(words, st.one_of(st.just("off"), st.just({"warn": 1.5}))),
                max_retries=st.integers(0, 20),
                retry_backoff_seconds=amounts,
            )
        ),
        post_deploy=draw(st.builds(PostDeploy, st.booleans(), st.booleans())),
        tags=draw(st.dictionaries(texts, texts, max_size=3)),
        volume_mount_path=draw(paths),
        network_volume_id=draw(words) if volume == "network" else None,
        min_cuda_version=draw(cuda_versions) if cuda == "floor" else None,
        allowed_cuda_versions=tuple(draw(st.lists(cuda_versions, min_size=1, max_size=3))) if cuda == "list" else (),
        registry_auth_id=draw(st.one_of(st.none(), words)),
        global_networking=draw(st.booleans()),
        order=draw(st.sampled_from(ORDERS)),
        min_vram_in_gb=draw(st.one_of(st.none(), st.integers(1, 300))),
        max_price_per_hour=draw(st.one_of(st.none(), amounts)),
        alias_pattern=draw(st.one_of(st.none(), words)),
        stop_after=draw(st.one_of(st.none(), words)),
        idle_stop_after=draw(st.one_of(st.none(), words)),
    )
