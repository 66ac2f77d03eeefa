"""PATCH on a pod: whole-value replacement of what the body names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rp_sim.orders import check_size
from rp_sim.problems import bad_request, not_found

if TYPE_CHECKING:
    from rp_sim.pod import Pod

PLAIN = {
    "name": "name",
    "image": "image",
    "args": "args",
    "disk": "disk",
    "ports": "ports",
    "env": "env",
    "registry": "registry",
    "locked": "locked",
    "globalNetworking": "global_networking",
}
# A change to these means a new container; everything outside the volume is lost.
RESETTING = ("image", "args", "disk", "ports", "env")


def edit_pod(pod: Pod, body: dict[str, Any]) -> bool:
    """Applies the body; True when a running container has to be replaced for it."""
    if "templateId" in body:
        raise not_found("template")
    check_size(body)
    mounts = _new_mounts(pod, body.get("mounts", {}))
    resets = any(key in body and body[key] != getattr(pod, PLAIN[key]) for key in RESETTING)
    for key, attribute in PLAIN.items():
        if key in body:
            setattr(pod, attribute, int(body[key]) if key == "disk" else body[key])
    pod.mounts = mounts
    return resets


def _new_mounts(pod: Pod, mounts: dict[str, Any]) -> dict[str, Any]:
    if not mounts:
        return pod.mounts
    if "network" in mounts and not mounts["network"]:
        raise bad_request("mounts cannot be cleared")
    if any(kind not in pod.mounts for kind in mounts):
        raise bad_request("the kind of mount is fixed when the pod is created")
    if "network" in mounts and mounts["network"][0]["volumeId"] != pod.volume_id:
        raise bad_request("the volumeId of a network mount cannot be changed")
    if "persistent" in mounts and mounts["persistent"]["size"] < pod.volume_gb:
        raise bad_request("the size of a persistent mount cannot be reduced")
    return mounts
