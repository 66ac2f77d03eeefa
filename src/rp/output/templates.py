"""Templates, for people."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from rp.output.table import Column
from rp.output.text import one_line, printable

if TYPE_CHECKING:
    from rp.domain.template_checked import Checked
    from rp.domain.template_diff import Difference

TEMPLATES = (
    Column("NAME"),
    Column("GPUS", shrink=True),
    Column("CLOUD", drop=2),
    Column("REGION", drop=1),
    Column("IMAGE", shrink=True, drop=3),
)
_LONGEST_VALUE = 200


def row(name: str, raw: Any) -> tuple[str, ...]:
    """From what the file has, valid or not: `rp template show` and each deploy tell what is wrong with it."""
    template: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    container = template.get("container")
    image = container.get("imageName") if isinstance(container, Mapping) else None
    count = template.get("gpuCount", 1)
    return (
        name,
        (f"{count}x " if count != 1 else "") + _listed(template.get("gpuPreference"), "?"),
        _listed(template.get("cloudPreference"), "secure").lower(),
        _listed(template.get("regionPreference"), "anywhere"),
        str(image or "?"),
    )


def _listed(value: Any, otherwise: str) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) and value else otherwise


def verdict(checked: "Checked") -> list[str]:
    """`sd: valid`, or each problem of it; warnings after that."""
    lines = [f"{checked.name}: valid"] if checked.is_valid else [f"{checked.name}: not valid"]
    lines += [f"  {problem}" for problem in checked.problems]
    return [*lines, *(f"  warning: {warning}" for warning in checked.warnings)]


def verdict_document(checked: "Checked") -> dict[str, Any]:
    return {
        "name": checked.name,
        "valid": checked.is_valid,
        "problems": list(checked.problems),
        "warnings": list(checked.warnings),
    }


def differences(found: Sequence["Difference"], absent: object) -> list[str]:
    """`- key: value` of the first, `+ key: value` of the second."""
    return [
        f"{sign} {one_line(one.key)}: {_value(value)}"
        for one in found
        for sign, value in (("-", one.left), ("+", one.right))
        if value is not absent
    ]


def differences_document(found: Sequence["Difference"], absent: object) -> dict[str, Any]:
    """A side that does not have the key is left out."""
    return {
        "equal": not found,
        "differences": [
            {"key": one.key}
            | ({} if one.left is absent else {"left": one.left})
            | ({} if one.right is absent else {"right": one.right})
            for one in found
        ],
    }


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return one_line(text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)")


def ask(text: str, otherwise: str, stdin: TextIO, stderr: TextIO) -> str | None:
    """One answer; empty for what `otherwise` says, None where the user ended the input (Ctrl-D)."""
    stderr.write(f"{printable(text)}{f' [{printable(otherwise)}]' if otherwise else ''}: ")
    stderr.flush()
    said = stdin.readline()
    if not said.endswith("\n"):
        stderr.write("\n")
        return None
    return said.strip()
