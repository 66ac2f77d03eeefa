"""`templates.json`: name → template. Keys that rp does not know survive."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rp import files
from rp.domain import names
from rp.errors import NotFound, UsageProblem

if TYPE_CHECKING:
    from rp.domain.template import Template

# What a template is made of is loaded where one is read: a list of names does not need it.


class Templates:
    def __init__(self, path: Path) -> None:
        self._path = path

    def raw(self) -> dict[str, Any]:
        """Every template as the file has it; raises StateUnreadable."""
        return files.read_json_object(self._path)

    def get(self, name: str) -> "Template":
        """Raises NotFound with the nearest names, and Invalid with every problem."""
        from rp.domain import decode
        from rp.domain import template as templates

        try:
            return templates.parse(name, self.raw_of(name))
        except decode.Invalid as invalid:
            invalid.hint = f"mend it in {self._path}"
            raise

    def raw_of(self, name: str) -> Any:
        """One template as the file has it; raises NotFound with the nearest names."""
        stored = self.raw()
        if name not in stored:
            raise _unknown(name, list(stored))
        return stored[name]

    def unknown_keys(self, name: str) -> tuple[str, ...]:
        """`path: unknown key` for what this program does not act on; often a typing mistake."""
        from rp.domain import decode
        from rp.domain.template import Template

        return tuple(decode.unknown_keys(Template, self.raw_of(name), name))

    def put(self, template: "Template", *, replace: bool) -> None:
        """Raises UsageProblem where the name is taken and `replace` is not set."""
        from rp.domain import template as templates

        with files.locked(self._path):
            stored = files.read_json_object(self._path)
            if template.name in stored and not replace:
                raise UsageProblem(
                    f"template `{template.name}` exists",
                    hint="replace it with --force, or choose another name",
                )
            files.write_json(self._path, {**stored, template.name: templates.to_json(template)})

    def delete(self, name: str) -> None:
        """Raises NotFound with the nearest names."""
        with files.locked(self._path):
            stored = files.read_json_object(self._path)
            if name not in stored:
                raise _unknown(name, list(stored))
            del stored[name]
            files.write_json(self._path, stored)


def _unknown(name: str, stored: list[str]) -> NotFound:
    if near := names.nearest(name, stored):
        hint = names.did_you_mean(near)
    elif stored:
        hint = "there are " + ", ".join(f"`{one}`" for one in sorted(stored)[:8])
    else:
        hint = "`rp template derive <name> --from <pod id>` makes one from a pod"
    return NotFound(f"no template is called `{name}`", hint=hint)
