"""The JSON Schema of a template, made from the types that read one: editors complete and check with it."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rp.domain.decode import key_of
from rp.domain.order import ORDERS
from rp.domain.template import Template
from rp.domain.verdict import LEVELS
from rp.domain.wishes import LONGEST_GPU

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean"}
# No number of a template has a larger smallest value.
_SMALLEST = (0, 1)

# What each key means: docs/templates.md says more, of the same keys.
DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "name": "The template's name; the key in templates.json counts, this one is ignored there.",
        "gpuPreference": "GPU types, the best first: ids, display names, or what people say, as H100, A100 80gb, 4090.",
        "gpuCount": "GPUs of the pod.",
        "cloudPreference": "SECURE, COMMUNITY, or ALL for both, secure first.",
        "regionPreference": "Continents (NA SA EU AS ME AF OC), countries (US, RO) or data centers (US-TX-3).",
        "order": "Which placements come first: in the order of the preferences, the cheapest, or those in stock.",
        "container": "What runs in the pod.",
        "container.imageName": "The image.",
        "container.containerDiskInGb": "The container disk in GB, lost at each stop.",
        "container.volumeInGb": "A volume on the pod's host in GB, at least 10; 0 is none.",
        "container.ports": "22 is 22/tcp, another number N/http, 5000/tcp as it is; 22 is always added.",
        "container.env": "Variables of the pod; ${env:NAME} is read here at each deploy.",
        "container.startScript": "Runs at each start of the container, before the image's own start.",
        "container.args": "Replaces the image's command; excludes startScript.",
        "network": "The pod's network.",
        "network.allowPublicIp": "Read, and without effect: rp needs SSH by a public port.",
        "health": "How a new pod is proved.",
        "health.sshTimeoutSeconds": "How long SSH may take once the pod is RUNNING.",
        "health.smokeCommands": "Run on the pod in order; one that fails condemns the pod.",
        "health.speedTest": "A download that shows how fast the pod's network is.",
        "health.speedTest.enabled": "Whether it is made.",
        "health.speedTest.url": "What is downloaded, by http or https.",
        "health.speedTest.minMbps": "Megabits per second it should reach.",
        "health.maxRetries": "Bad pods to put up with; refused creates do not count.",
        "health.retryBackoffSeconds": "Pause after a bad pod.",
        "health.level": "How thoroughly a new pod is looked at.",
        "health.checks": "Per check: off, warn, or thresholds.",
        "postDeploy": "What runs once the pod is ready.",
        "postDeploy.runLocalSetup": "Whether setup_local.sh runs on this machine.",
        "postDeploy.runRemoteSetup": "Whether setup_remote.sh runs on the pod.",
        "tags": "Kept in the journal, and given to the pod as RP_TAGS.",
        "volumeMountPath": "Where the volume is mounted.",
        "networkVolumeId": "A network volume instead of one on the host.",
        "minCudaVersion": "The least CUDA version that the host's driver must support.",
        "allowedCudaVersions": "The CUDA versions that the host's driver may have.",
        "registryAuthId": "The registry login of the RunPod account that pulls the image.",
        "globalNetworking": "Whether the pod gets an address in RunPod's global network.",
        "maxPricePerHour": "USD for the whole pod; dearer placements are not tried.",
        "minVramInGb": "Memory that each GPU must have at least, in GB.",
        "aliasPattern": "sd-{i} takes the lowest free number.",
        "stopAfter": "Refused at deploy: nothing would stop the pod.",
        "idleStopAfter": "Refused at deploy: nothing would stop the pod.",
    }
)
_NAME_OF_VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"
_CUDA = "^[0-9]+\\.[0-9]+$"
# What the types do not say, and a schema can.
_RULES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "gpuPreference": {"minItems": 1, "items": {"type": "string", "pattern": "\\S", "maxLength": LONGEST_GPU}},
        "cloudPreference": {
            "minItems": 1,
            "items": {
                "type": "string",
                "pattern": "^([Ss][Ee][Cc][Uu][Rr][Ee]|[Cc][Oo][Mm][Mm][Uu][Nn][Ii][Tt][Yy]|[Aa][Ll][Ll])$",
                "examples": ["SECURE", "COMMUNITY", "ALL"],
            },
        },
        "container.imageName": {"pattern": "^\\s*\\S+\\s*$"},
        "container.volumeInGb": {"anyOf": [{"const": 0}, {"minimum": 10}]},
        "container.ports": {
            "items": {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 999_999_999},
                    {"type": "string", "pattern": "^0{0,9}[1-9][0-9]{0,8}(/(tcp|http))?$"},
                ]
            }
        },
        "container.env": {
            "propertyNames": {"pattern": _NAME_OF_VARIABLE},
            "additionalProperties": {
                "type": "string",
                "pattern": "^((?!\\$\\{env:)[\\s\\S]|\\$\\{env:[A-Za-z_][A-Za-z0-9_]*\\})*$",
            },
        },
        "health.level": {"enum": list(LEVELS)},
        "order": {"enum": list(ORDERS)},
        "health.speedTest.url": {"pattern": "^(https?://[^\\s'\"\\\\`]+)?$"},
        "volumeMountPath": {"pattern": "^/+[^/]"},
        "minCudaVersion": {"pattern": _CUDA},
        "allowedCudaVersions": {"items": {"type": "string", "pattern": _CUDA}},
    }
)
_TEXT: Mapping[str, Any] = MappingProxyType({"type": "string", "minLength": 1})
_SOME: Mapping[str, Any] = MappingProxyType({"minItems": 1})
_ABOVE_0: Mapping[str, Any] = MappingProxyType({"type": "integer", "minimum": 1})


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. A key that rp does not know is wrong in it, but for those that begin with `$`."""
    document = _object(Template, "")
    # In a file the name is the key; in an exported document it stands beside the rest.
    document["required"].remove("name")
    document["allOf"] = [
        _not_both({"container": _has("startScript", _TEXT)}, {"container": _has("args", _TEXT)}),
        _not_both(_has("networkVolumeId", _TEXT)["properties"], {"container": _has("volumeInGb", _ABOVE_0)}),
        _not_both(_has("minCudaVersion", _TEXT)["properties"], _has("allowedCudaVersions", _SOME)["properties"]),
    ]
    return {"$schema": DIALECT, "title": "A template of rp", **document}


def _has(key: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": {key: dict(value)}, "required": [key]}


def _not_both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    sides = [{"properties": side, "required": list(side)} for side in (one, other)]
    return {"not": {"allOf": sides}}


def _object(cls: Any, path: str) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    properties = {}
    required = []
    for field in dataclasses.fields(cls):
        key = key_of(field.name)
        where = f"{path}.{key}" if path else key
        properties[key] = {**_described(where), **_value(hints[field.name], field, where)}
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(key)
        elif isinstance(field.default, str | int | float | bool) and field.default != "":
            properties[key]["default"] = field.default
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "patternProperties": {"^\\$": {}},
        "additionalProperties": False,
    }


def _described(where: str) -> dict[str, str]:
    return {"description": DESCRIPTIONS[where]} if where in DESCRIPTIONS else {}


def _value(hint: Any, field: "dataclasses.Field[Any]", where: str) -> dict[str, Any]:
    members = [one for one in typing.get_args(hint) if one is not type(None)]
    if isinstance(hint, types.UnionType) and len(members) == 1:
        inner = _value(members[0], field, where)
        return {**inner, "type": [inner["type"], "null"]}
    if dataclasses.is_dataclass(hint):
        return _object(hint, where)
    rules = dict(_RULES.get(where, {}))
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _scalar(members[0]), **rules}
    if typing.get_origin(hint) is Mapping:
        values = _scalar(members[1]) if members[1] in _KINDS else {}
        return {"type": "object", "additionalProperties": values, **rules}
    return {**_scalar(hint), **_smallest(hint, field), **rules}


def _scalar(hint: Any) -> dict[str, Any]:
    if isinstance(hint, types.UnionType):
        return {"type": [_KINDS[one] for one in typing.get_args(hint)]}
    return {"type": _KINDS[hint]}


def _smallest(hint: Any, field: "dataclasses.Field[Any]") -> dict[str, Any]:
    """The least number that the field's own check accepts: so it is written in one place."""
    check = field.metadata.get("check")
    if hint not in (int, float) or check is None or check(-1) is None:
        return {}
    return {"minimum": next(number for number in _SMALLEST if check(number) is None)}
