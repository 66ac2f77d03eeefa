"""Manifests of the registry protocol, taken apart: whatever a registry says, no surprise comes of it."""

from collections.abc import Mapping
from typing import Any

from rp.domain import image

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
# A sum beyond this is no image, and no number to show.
_MOST_BYTES = 10**15
# The codes of "there is none": of the protocol, and of Harbor.
_GONE = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})


def is_index(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("manifests"), list)


def of_amd64(index: Mapping[str, Any]) -> str | None:
    """The digest of the image for linux/amd64; None where there is none."""
    for entry in index["manifests"]:
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if not isinstance(platform, dict):
            continue
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            digest = entry.get("digest")
            return digest if isinstance(digest, str) and image.is_digest(digest) else None
    return None


def lacks_amd64(index: Mapping[str, Any]) -> bool:
    """Whether it names platforms, and linux/amd64 is none of them."""
    named = set()
    for entry in index["manifests"]:
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if isinstance(platform, dict):
            named.add((platform.get("os"), platform.get("architecture")))
    # Attestations are entries of an unknown platform.
    return bool(named - {("unknown", "unknown")}) and ("linux", "amd64") not in named


def download_bytes(manifest: Mapping[str, Any]) -> int | None:
    """The sum of the compressed layers; None where it is not all told."""
    layers = manifest.get("layers")
    if not isinstance(layers, list) or not layers:
        return None
    total = 0
    for layer in layers:
        size = layer.get("size") if isinstance(layer, dict) else None
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            return None
        total += size
    return total if total <= _MOST_BYTES else None


def says_gone(document: object) -> bool:
    """Whether an answer of 404 is a registry's word on the image; any web server knows a 404."""
    entries = document.get("errors") if isinstance(document, dict) else None
    return isinstance(entries, list) and any(isinstance(one, dict) and one.get("code") in _GONE for one in entries)
