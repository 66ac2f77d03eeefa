"""`templates.json`: name → template. Keys that rp does not know survive."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rp import files
from rp.domain import names
from rp.errors import NotFound, RpError, UsageProblem

if TYPE_CHECKING:
    from rp.domain.template import Template

# What a template is made of is loaded where one is read: a list of names does not need it.


class Templates:
    def __init__(self, path: Path) -> None:
        self._path = path

    def raw(self) -> dict[str, Any]:
        """Every template as the file has it; raises StateUnreadable."""
        return files.read_json_object(self._path)

    def names(self) -> tuple[str, ...]:
        """Sorted; a `$schema` for editors is no template."""
        return tuple(sorted(name for name in self.raw() if not name.startswith("$")))

    def get(self, name: str) -> "Template":
        """Raises NotFound with the nearest names, and Invalid with every problem."""
        from rp.domain import decode
        from rp.domain import template as templates

        try:
            return templates.parse(name, self.raw_of(name))
        except decode.Invalid as invalid:
            invalid.hint = f"`rp template edit {name}`, or mend it in {self._path}"
            raise

    def raw_of(self, name: str) -> Any:
        """One template as the file has it; raises NotFound with the nearest names."""
        return _found(name, self.raw())

    def unknown_keys(self, name: str) -> tuple[str, ...]:
        """`path: unknown key` for what this program does not act on; often a typing mistake."""
        from rp.domain import decode
        from rp.domain.template import Template

        return tuple(decode.unknown_keys(Template, self.raw_of(name), name))

    def check_free(self, names: Iterable[str]) -> None:
        """Raises UsageProblem for names that are taken."""
        _check_free(names, self.raw())

    def put(self, template: "Template", *, replace: bool) -> None:
        """Raises UsageProblem where the name is taken and `replace` is not set."""
        from rp.domain import template as templates

        self.put_raw({template.name: templates.to_json(template)}, replace=replace)

    def put_raw(self, documents: Mapping[str, Any], *, replace: bool) -> None:
        """All of them or none; raises UsageProblem for names that are impossible, or taken without `replace`."""
        from rp.domain import template_document
        from rp.domain.template import check_name

        for name, document in documents.items():
            check_name(name)
            template_document.check(document, f"template `{name}` cannot be stored")
        with files.locked(self._path):
            stored = files.read_json_object(self._path)
            if not replace:
                _check_free(documents, stored)
            files.write_json(self._path, {**stored, **documents})

    def swap(self, name: str, was: Any, becomes: Any) -> None:
        """Replace one template; raises RpError where it is no longer what it was, NotFound where it is gone."""
        from rp.domain import template_document

        template_document.check(becomes, f"template `{name}` cannot be stored")
        with files.locked(self._path):
            stored = files.read_json_object(self._path)
            if _found(name, stored) != was:
                raise RpError(f"template `{name}` was changed meanwhile, in another terminal or by hand")
            files.write_json(self._path, {**stored, name: becomes})

    def copy(self, name: str, to: str, *, replace: bool) -> None:
        """Unknown keys included. Raises NotFound, and UsageProblem where `to` is impossible or taken."""
        self._transfer(name, to, replace=replace, keep=True)

    def rename(self, name: str, to: str, *, replace: bool) -> None:
        """Like `copy`, and `name` is free afterwards."""
        self._transfer(name, to, replace=replace, keep=False)

    def _transfer(self, name: str, to: str, *, replace: bool, keep: bool) -> None:
        from rp.domain import template_document
        from rp.domain.template import check_name

        check_name(to)
        with files.locked(self._path):
            stored = files.read_json_object(self._path)
            raw = _found(name, stored)
            if name == to:
                raise UsageProblem(f"`{name}` is its name already")
            if not replace:
                _check_free([to], stored)
            if not keep:
                del stored[name]
            files.write_json(self._path, {**stored, to: template_document.renamed(raw, to)})

    def delete(self, name: str) -> None:
        """Raises NotFound with the nearest names."""
        with files.locked(self._path):
            stored = files.read_json_object(self._path)
            _found(name, stored)
            del stored[name]
            files.write_json(self._path, stored)

    def needs_consent(self, name: str) -> bool:
        """Whether it was imported, and nobody has agreed yet to what it runs. Raises NotFound."""
        from rp.domain import template_document

        return template_document.wants_consent(self.raw_of(name))

    def give_consent(self, name: str, shown: Any) -> None:
        """The user agreed to `shown`, as `raw_of` gave it; raises RpError where it is something else by now."""
        from rp.domain import template_document

        self.swap(name, shown, template_document.agreed(shown))


def _check_free(names: Iterable[str], stored: Mapping[str, Any]) -> None:
    taken = [f"`{name}`" for name in names if name in stored]
    if taken:
        what = f"template {taken[0]} exists" if len(taken) == 1 else f"templates {', '.join(taken)} exist"
        raise UsageProblem(what, hint="replace it with --force, or choose another name")


def _found(name: str, stored: Mapping[str, Any]) -> Any:
    if name not in stored or name.startswith("$"):
        raise _unknown(name, [one for one in stored if not one.startswith("$")])
    return stored[name]


def _unknown(name: str, stored: list[str]) -> NotFound:
    if near := names.nearest(name, stored):
        hint = names.did_you_mean(near)
    elif stored:
        hint = "there are " + ", ".join(f"`{one}`" for one in sorted(stored)[:8])
    else:
        hint = "`rp template create` makes one, `rp template derive <name> --from <pod id>` makes one from a pod"
    return NotFound(f"no template is called `{name}`", hint=hint)
