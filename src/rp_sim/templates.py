"""RunPod's own templates: those of the account, and the public catalog."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from rp_sim.inventory import DATA
from rp_sim.problems import not_found

if TYPE_CHECKING:
    from rp_sim.scenario.model import Template

Json = dict[str, Any]
SOURCES = ("official", "verified", "community")
# What a row of the data file leaves out.
DEFAULTS: Json = {
    "args": "",
    "disk": 50,
    "mounts": {},
    "ports": [],
    "env": {},
    "registry": None,
    "serverless": False,
    "public": True,
    "category": "NVIDIA",
    "startSsh": True,
    "startJupyter": True,
    "allowedCudaVersions": [],
}


@cache
def _catalog() -> dict[str, list[Json]]:
    rows: list[Json] = json.loads((DATA / "templates.json").read_text(encoding="utf-8"))["rows"]
    found: dict[str, list[Json]] = {source: [] for source in SOURCES}
    for row in rows:
        found[row["source"]].append({**DEFAULTS, **row["template"]})
    return found


def public(source: str) -> list[Json]:
    """One slice of the public catalog, as the API shows it."""
    return _catalog()[source]


def own(row: Template, template_id: str) -> Json:
    """A template of the account, as the API shows it."""
    mounts = {"persistent": {"size": row.volume, "path": row.mount_path}} if row.volume else {}
    return {
        "id": template_id,
        "name": row.name,
        "image": row.image,
        "args": row.args,
        "disk": row.disk,
        "mounts": mounts,
        "ports": list(row.ports),
        "env": dict(row.env),
        "registry": row.registry or None,
        "serverless": row.serverless,
        "public": row.public,
        "category": row.category,
        "startSsh": row.start_ssh,
        "startJupyter": row.start_jupyter,
        "allowedCudaVersions": list(row.allowed_cuda),
    }


def find(template_id: str, owned: dict[str, Json]) -> Json:
    """One that the account may read: its own before those of the catalog."""
    for template in (*owned.values(), *(row for source in SOURCES for row in public(source))):
        if template["id"] == template_id:
            return template
    raise not_found("template")
