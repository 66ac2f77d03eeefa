"""What happened in a deployment as a .tar.gz for RunPod's support: the same bytes for the same history."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterable

from rp.domain.redact import MARKS
from rp.domain.story import Part, Story
from rp.output import why, why_page, why_ticket
from rp.output.text import printable

README = "README.txt"


def name(story: Story) -> str:
    """Of files and folders, without an ending; the deployment's id tells no more than that."""
    known = story.history.deployment_id or next((part.pod_id for part in story.parts if part.pod_id), "")
    return f"rp-why-{_plain(known or 'pod')}"


def archive(story: Story) -> bytes:
    """`story` is redacted already."""
    texts = {file: printable(text) for file, text in _files(story)}
    marks = sum(text.count(mark) for text in texts.values() for mark in MARKS)
    texts = {README: printable(why_ticket.readme(story, [README, *texts], marks)), **texts}
    return _packed({f"{name(story)}/{file}": text for file, text in texts.items()}, int(story.history.started_at))


def _files(story: Story) -> Iterable[tuple[str, str]]:
    yield "report.html", why_page.page(story)
    yield "report.json", _json(why.document(story, with_raw=False))
    for part in story.parts:
        if part.pod_id:
            folder = f"pods/{part.number}-{_plain(part.pod_id)}"
            yield from ((f"{folder}/{file}", text) for file, text in _pod_files(part, story))


def _pod_files(part: Part, story: Story) -> Iterable[tuple[str, str]]:
    if part.looks:
        looks = [why.look_document(look, story.history, with_raw=False) for look in part.looks]
        yield "checks.json", _json(looks)
    for number, look in enumerate(part.looks, 1):
        if look.report.raw:
            yield f"probe-output{_number(number)}.txt", f"{look.report.raw.rstrip()}\n"
    seen: dict[str, int] = {}
    for log in part.logs:
        source = _plain(log.source) or "pod"
        seen[source] = seen.get(source, 0) + 1
        yield f"log-{source}{_number(seen[source])}.txt", "".join(f"{line}\n" for line in log.lines)


def _number(number: int) -> str:
    return f"-{number}" if number > 1 else ""


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def _plain(text: str) -> str:
    """What may be the name of a file: ids come from outside."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)[:64]


def _packed(texts: dict[str, str], at: int) -> bytes:
    """Without the user's name, and without the time at which it was made."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=at) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file, text in texts.items():
            data = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(file)
            entry.size, entry.mtime, entry.mode = len(data), at, 0o644
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
