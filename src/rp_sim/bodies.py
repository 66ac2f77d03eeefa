"""The shapes of the request bodies, read from the contract by hand (see `validation` for the dialect)."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
STRING: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
BOOLEAN: Schema = {"type": "boolean"}
CUDA: Schema = {"type": "string", "pattern": r"^\d+\.\d+$"}
POSITIVE: Schema = {"type": "integer", "minimum": 1}


def obj(properties: Schema, *required: str, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


CONTAINER = obj(
    {
        "args": STRING,
        "disk": POSITIVE,
        "env": {"type": "object", "values": STRING, "open": True},
        "image": STRING,
        "ports": array(STRING),
    }
)
REGISTRY = obj({"registry": {"type": ["string", "null"]}})
MOUNTS = obj(
    {
        "persistent": obj({"size": {"type": "integer", "minimum": 10}, "path": STRING}, "size", "path"),
        "network": array(obj({"volumeId": STRING, "path": STRING}, "volumeId", "path"), maxItems=1),
    }
)
GPU: Schema = {
    "type": "object",
    "branches": [
        obj({"id": STRING, "count": POSITIVE}, "id"),
        obj({"allowedCudaVersions": array(CUDA), "minCudaVersion": CUDA}),
    ],
}
CPU = obj({"id": NAME, "vcpuCount": {"type": "integer", "minimum": 2}}, "id", "vcpuCount")

CREATE_POD: Schema = {
    "type": "object",
    "required_unless": ("templateId", "image"),
    "branches": [
        CONTAINER,
        REGISTRY,
        obj(
            {
                "name": NAME,
                "cloud": {"type": "string", "enum": ["SECURE", "COMMUNITY"]},
                "cpu": CPU,
                "dataCenterIds": array(STRING),
                "globalNetworking": BOOLEAN,
                "gpu": GPU,
                "mounts": MOUNTS,
                "startJupyter": BOOLEAN,
                "startSsh": BOOLEAN,
                "templateId": NAME,
            },
            "name",
        ),
    ],
}
UPDATE_POD: Schema = {
    "type": "object",
    "branches": [
        CONTAINER,
        REGISTRY,
        obj(
            {
                "globalNetworking": BOOLEAN,
                "locked": BOOLEAN,
                "mounts": MOUNTS,
                "name": NAME,
                "templateId": STRING,
            }
        ),
    ],
}
POD_ACTION = obj(
    {"action": {"type": "string", "enum": ["start", "stop", "restart", "terminate"]}},
    "action",
)
SSH_KEYS = obj(
    {"keys": array({"type": "string", "pattern": r"^(ssh|ecdsa|sk)-[^\s]+ [^\s]+([ \t][^\n\r]*)?$"})},
    "keys",
)
VOLUME_SIZE: Schema = {"type": "integer", "minimum": 10, "maximum": 4096}
CREATE_VOLUME = obj(
    {
        "name": NAME,
        "size": VOLUME_SIZE,
        "dataCenter": NAME,
        "type": {"type": "string", "enum": ["STANDARD", "HIGH_PERFORMANCE"]},
    },
    "name",
    "size",
    "dataCenter",
)
UPDATE_VOLUME = obj({"name": NAME, "size": VOLUME_SIZE}, minProperties=1)
