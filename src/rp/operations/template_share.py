"""Templates that go to other people, and that come from them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from rp.domain import decode, redact, secrets, template_diff, template_document, template_secrets
from rp.domain import template as templates
from rp.domain.spec import Overrides, Spec
from rp.domain.template import Template, check_name
from rp.domain.template_checked import Checked
from rp.domain.template_diff import Difference, Side
from rp.domain.template_secrets import Cleaned
from rp.errors import UsageProblem
from rp.operations import template_check
from rp.operations.template_check import NameProblems


@dataclass(frozen=True)
class Exported:
    """`notes` tell what was changed, and what to look at before it is sent."""

    document: dict[str, Any]
    notes: tuple[str, ...]


def export(name: str, raw: Any, *, include_env: bool | None) -> Exported:
    """A document of its own; raises Invalid for a template that is none.

    `include_env` False drops all variables, True keeps all values, None puts references for secrets. Secrets in tags
    and the like are taken out but for True; those in what runs are told.
    """
    template_check.checked(name, raw)
    cleaned = template_secrets.clean(template_document.unmarked(raw))
    document = template_document.unmarked(raw) if include_env else cleaned.raw
    document.pop("name", None)
    pointer = {"$schema": document.pop("$schema")} if "$schema" in document else {}
    env, notes = _env(document["container"].get("env") or {}, include_env)
    container = {**document["container"], "env": env}
    if not env:
        del container["env"]
    whole = {**pointer, "name": name, **document, "container": container}
    notes += _others(cleaned, as_asked=bool(include_env))
    return Exported(whole, (*notes, *_of_this_account(whole), *_told(cleaned)))


def _env(env: Mapping[str, str], include_env: bool | None) -> tuple[dict[str, str], list[str]]:
    if include_env is False:
        return {}, [f"left out {len(env)} environment variables, as asked"] if env else []
    scrubbed, secret = secrets.scrub(env)
    if include_env:
        return dict(env), [f"{key} looks like a secret, and is in the document as asked" for key in secret]
    return scrubbed, [
        f"{key} looks like a secret: the document has ${{env:{key}}} in its place, so that each deploy reads it from "
        "the environment of whoever deploys"
        for key in secret
    ]


def _of_this_account(raw: Mapping[str, Any]) -> Iterator[str]:
    for key, what in (("networkVolumeId", "network volume"), ("registryAuthId", "registry login")):
        if raw.get(key):
            yield f"{key} names a {what} of your account: other accounts have to change it"


def _others(cleaned: Cleaned, *, as_asked: bool) -> Iterator[str]:
    for path in cleaned.replaced:
        what = "is in the document as asked" if as_asked else f"the document has {redact.MARK} in its place"
        yield f"{path} looks like a secret{', and ' if as_asked else ': '}{what}"


def _told(cleaned: Cleaned) -> Iterator[str]:
    """Secrets of known forms in what runs: nothing but a person can take them out."""
    for path in cleaned.left:
        yield f"{path} may hold a secret: look at it before you send this to anybody"


@dataclass(frozen=True)
class Incoming:
    """A template of somebody else: valid, not stored, and not agreed to."""

    template: Template
    raw: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.template.name


def incoming(
    text: str, where: str, as_name: str | None, name_problems: NameProblems | None = None
) -> tuple[Incoming, ...]:
    """The templates of an exported document, or of a whole `templates.json`.

    Raises Invalid with every problem of all of them, UsageProblem for names that are impossible.
    """
    documents = template_document.split(template_document.load(text, where), name_of(where))
    if as_name is not None:
        if len(documents) > 1:
            listed = ", ".join(sorted(documents)[:8])
            raise UsageProblem(f"--as names one template, and {where} has {len(documents)}: {listed}")
        [raw] = documents.values()
        documents = {as_name: raw}
    for name in documents:
        _check_name(name)
    found = [template_check.check(name, raw, name_problems) for name, raw in documents.items()]
    _raise_all(where, found)
    return tuple(
        Incoming(
            templates.parse(one.name, documents[one.name]),
            template_document.renamed(dict(documents[one.name]), one.name),
            one.warnings,
        )
        for one in found
    )


def _check_name(name: str) -> None:
    try:
        check_name(name)
    except UsageProblem as impossible:
        impossible.hint = f"{impossible.hint}; --as gives one template another name"
        raise


def _raise_all(where: str, found: list[Checked]) -> None:
    problems = [problem for one in found for problem in one.problems]
    if problems:
        what = f"the template in {where} is not valid" if len(found) == 1 else f"not every template in {where} is valid"
        raise decode.Invalid(what, problems, hint="nothing was stored")


def name_of(where: str) -> str:
    """`…/sd.json` → `sd`: what a document that tells no name is called."""
    return PurePosixPath(where).name.removesuffix(".json") or "template"


def to_store(found: tuple[Incoming, ...], origin: str, at: str) -> dict[str, dict[str, Any]]:
    """What goes into the file: each with the mark that makes its first deploy ask. `at` is a time, ISO 8601."""
    return {one.name: template_document.marked(one.raw, origin, at) for one in found}


def stored(name: str, raw: Any) -> Template:
    """The template that a stored document is; raises Invalid with every problem."""
    try:
        return templates.parse(name, raw)
    except decode.Invalid as invalid:
        invalid.hint = f"`rp template edit {name}`"
        raise


def changes(before: Template, spec: Spec, overrides: Overrides) -> tuple[Difference, ...]:
    """What the options of a command change, for that command alone: nobody agrees to that for good."""
    env = {**before.container.env, **overrides.env}
    after = replace(spec.template, container=replace(spec.template.container, env=env))
    return template_diff.compare(*(Side(one, templates.to_json(one)) for one in (before, after)))
