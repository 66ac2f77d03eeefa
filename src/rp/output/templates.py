"""Templates, for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from rp.output.table import Column
from rp.output.text import printable

if TYPE_CHECKING:
    from rp.domain.template import Template
    from rp.domain.template_checked import Checked
    from rp.domain.template_diff import Difference

TEMPLATES = (
    Column("NAME"),
    Column("GPUS", shrink=True),
    Column("CLOUD", drop=2),
    Column("REGION", drop=1),
    Column("IMAGE", shrink=True, drop=3),
)
_LABEL = 14
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
        f"{sign} {_one_line(one.key)}: {_value(value)}"
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
    return _one_line(text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)")


def _one_line(text: str) -> str:
    """Whatever is in it, it stays on its line and reads as what it is."""
    return printable(text).replace("\n", "\N{SYMBOL FOR NEWLINE}").replace("\t", " ")


def will_run(template: "Template", local_references: Sequence[str]) -> list[str]:
    """All that a deploy of it runs, opens and takes along: what to read before agreeing to somebody else's template."""
    container = template.container
    lines = ["on the pod:", _line("image", container.image_name)]
    lines += _script("start script", container.start_script)
    lines += _script("args", container.args)
    for command in template.health.smoke_commands:
        lines += _script("smoke command", command)
    if template.health.speed_test.enabled and template.health.speed_test.url:
        lines.append(_line("downloads", template.health.speed_test.url))
    lines += [
        _line("ports", ", ".join(template.ports)),
        _line("env", ", ".join(container.env) or "none"),
        _line("registry", template.registry_auth_id or "none"),
        *_volume(template),
        _line("GPUs", f"{template.gpu_count}x {', '.join(template.gpu_preference)}"),
        _line("price cap", _cap(template)),
        "on this machine:",
        _line("reads", _reads(local_references)),
    ]
    if template.post_deploy.run_local_setup:
        lines.append(_line("runs", "your own setup_local.sh, if there is one"))
    return lines


def _cap(template: "Template") -> str:
    cap = template.max_price_per_hour
    return "none: you pay what the pod costs" if cap is None else f"${cap:g} per hour"


def _reads(references: Sequence[str]) -> str:
    if not references:
        return "no variable of your environment"
    return f"{', '.join(references)} of your environment, and gives it to the pod"


def _volume(template: "Template") -> Iterator[str]:
    if template.network_volume_id:
        yield _line("mounts", f"network volume {template.network_volume_id} at {template.volume_mount_path}")


def _line(label: str, value: str) -> str:
    return f"  {label:{_LABEL}} {_one_line(value)}"


def _script(label: str, text: str) -> list[str]:
    """Whole: what is left out of it would be the line that matters."""
    lines = text.splitlines()
    if not lines:
        return []
    if len(lines) == 1:
        return [_line(label, lines[0])]
    return [f"  {label}, {len(lines)} lines:", *(f"    | {_one_line(line)}" for line in lines)]


def ask(text: str, otherwise: str, stdin: TextIO, stderr: TextIO) -> str | None:
    """One answer; empty for what `otherwise` says, None where the user ended the input (Ctrl-D)."""
    stderr.write(f"{printable(text)}{f' [{printable(otherwise)}]' if otherwise else ''}: ")
    stderr.flush()
    said = stdin.readline()
    if not said.endswith("\n"):
        stderr.write("\n")
        return None
    return said.strip()
