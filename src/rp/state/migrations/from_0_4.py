"""rp 0.4 kept aliases, settings and templates in `pods.json`; today that file is a flat map again."""

import re
from pathlib import Path
from typing import Any

from rp import files

_IMAGE = "runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04"
_COUNTED = re.compile(r"(?:(\d+)\s*x\s*)?(.+)", re.IGNORECASE)
_SIZE = re.compile(r"(\d+)\s*(TB|TIB|GB|GIB)?", re.IGNORECASE)


def is_older(document: dict[str, Any]) -> bool:
    return any(isinstance(document.get(key), dict) for key in ("aliases", "pod_metadata", "pod_templates"))


def carry_over(pods: Path, templates: Path) -> None:
    """Make `pods` flat, move its templates into `templates`, and keep what there was beside it."""
    with files.locked(pods):
        document = files.read_json_object(pods)
        if not is_older(document):
            return
        flat = aliases(document, pods)
        with files.locked(templates):
            kept = document.get("pod_templates") or {}
            carried = {name: template(raw) for name, raw in kept.items() if isinstance(raw, dict)}
            stored = files.read_json_object(templates)
            if carried:
                files.write_json(templates, carried | stored)
        files.write_json(pods.with_name(f"{pods.name}.0.4"), document)
        files.write_json(pods, flat)


def aliases(document: dict[str, Any], path: Path) -> dict[str, str]:
    """alias → pod id; raises StateUnreadable for what is neither an older file nor a flat one."""
    flat, described = document.get("aliases") or {}, document.get("pod_metadata") or {}
    for key, section in (("aliases", flat), ("pod_metadata", described)):
        if not isinstance(section, dict):
            raise files.unreadable(path, f"{key}: expected an object")
    for alias, entry in described.items():
        if not isinstance(entry, dict):
            raise files.unreadable(path, f"pod_metadata.{alias}: expected an object")
    found = {**flat, **{alias: entry.get("pod_id") for alias, entry in described.items()}}
    for alias, pod_id in found.items():
        if not isinstance(pod_id, str):
            raise files.unreadable(path, f"{alias}: expected a pod id")
    return found


def template(raw: dict[str, Any]) -> dict[str, Any]:
    """Its GPU, sizes, image and alias pattern; the ports are the ones it always opened."""
    counted = _COUNTED.fullmatch(str(raw.get("gpu_spec") or "").strip())
    container = {
        "imageName": raw.get("image") or _IMAGE,
        "containerDiskInGb": _gb(raw.get("container_disk_spec")) or 20,
        "volumeInGb": _gb(raw.get("storage_spec")) or 0,
        "ports": [22, 8888],
    }
    return {
        "gpuPreference": [counted[2]] if counted else [],
        "gpuCount": int(counted[1] or 1) if counted else 1,
        "cloudPreference": ["ALL"],
        "container": container,
        "aliasPattern": raw.get("alias_template"),
    }


def _gb(size: Any) -> int:
    found = _SIZE.fullmatch(str(size or "").strip())
    if not found:
        return 0
    return int(found[1]) * (1000 if (found[2] or "GB").upper().startswith("T") else 1)
