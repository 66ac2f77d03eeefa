"""The API's contract, and validators for what goes over the wire in both directions."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SPEC = Path(__file__).parent / "runpod-v2-openapi.json"
JSON_TYPES = ("application/json", "application/problem+json")


@cache
def spec() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SPEC.read_text(encoding="utf-8"))
    return loaded


@cache
def operations() -> dict[str, tuple[str, str]]:
    """operationId -> (METHOD, path)."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, item in spec()["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and "operationId" in operation
    }


def _operation(operation_id: str) -> dict[str, Any]:
    method, path = operations()[operation_id]
    found: dict[str, Any] = spec()["paths"][path][method.lower()]
    return found


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = spec()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


@cache
def _validator(schema: str) -> Draft202012Validator:
    # The components travel along, so that the references inside the file resolve.
    whole = {**json.loads(schema), "components": spec()["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return _validator(json.dumps(schema, sort_keys=True))


def request_schema(operation_id: str) -> dict[str, Any]:
    schema: dict[str, Any] = _operation(operation_id)["requestBody"]["content"]["application/json"]["schema"]
    return schema


def request_problems(operation_id: str, body: object) -> list[str]:
    return [error.message for error in validator(request_schema(operation_id)).iter_errors(body)]


def response_problems(operation_id: str, status: int, content_type: str, body: object) -> list[str]:
    """What is wrong with an answer. A status without an entry falls under `default`, which is an error."""
    responses = _operation(operation_id)["responses"]
    entry = _resolve(responses.get(str(status), responses["default"]))
    if str(status) not in responses and status < 400:
        return [f"{operation_id} does not answer {status}"]
    content = entry.get("content", {})
    if not content:
        return [] if body is None else [f"{operation_id} {status} has no body"]
    if content_type not in content:
        return [f"{operation_id} {status}: content type {content_type!r}, expected {', '.join(content)}"]
    if content_type not in JSON_TYPES:
        return []
    return [error.message for error in validator(content[content_type]["schema"]).iter_errors(body)]
