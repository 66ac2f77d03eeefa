"""The README of the archive of `rp why`, and what can be pasted into a ticket to RunPod's support."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rp.domain.attempt import State
from rp.domain.story import Part, Story
from rp.domain.units import usd
from rp.domain.verdict import Owner, Verdict
from rp.output import why_words as words

_WIDTH = 78
# What is measured of the failed checks; more than these are in the report.
_MOST_CHECKS = 6


def paragraph(story: Story) -> str:
    """About the pods that there is something to complain of; empty where there is none."""
    pods = story.bad
    if not pods:
        return ""
    said = [_complaint(part) for part in pods]
    cost = sum(part.attempt.cost for part in pods if part.attempt)
    many = len(pods) > 1
    wish = "check these machines" if many else "check this machine"
    if cost:
        wish = f"refund {'what they cost, together' if many else 'what it cost,'} {usd(cost)}, and {wish}"
    evidence = "The attached archive has the timeline, every measurement with its time, and the logs."
    return " ".join([*said, f"Please {wish}.", evidence])


def _complaint(part: Part) -> str:
    attempt, said = part.attempt, [f"Pod {part.pod_id}"]
    if attempt:
        said[0] += f" ({attempt.what})"
        said[0] += f" was created at {words.day(attempt.started_at)}"
        if attempt.ended_at is not None and attempt.state is not State.KEPT:
            said[0] += f", was terminated at {words.day(attempt.ended_at)} and cost {usd(attempt.cost)}"
    # The template's own commands are no checks to RunPod; where they failed, the reason says it.
    failed = [
        check
        for look in part.looks
        for check in look.report.of(Verdict.FAIL)
        if check.owner is Owner.MACHINE and not check.id.startswith("smoke.")
    ]
    if failed:
        found = []
        for check in failed[:_MOST_CHECKS]:
            values = f" (measured {_flat(check.measured)}" if check.measured else ""
            values += f", expected {_flat(check.expected)}" if values and check.expected else ""
            found.append(_flat(check.sentence).rstrip(".") + (f"{values})" if values else ""))
        said.append("A health check inside the pod found: " + "; ".join(dict.fromkeys(found)))
    elif attempt and attempt.reason:
        said.append(f"It did not work: {_flat(attempt.reason).rstrip('.')}")
    if marks := words.machine(part.marks):
        said.append(f"The machine: {marks}")
    return ". ".join(said) + "."


def _flat(text: str) -> str:
    return " ".join(text.split())


def readme(story: Story, files: list[str], marks: int) -> str:
    """`files` are the names in the archive; `marks` is how often something was left out."""
    return "\n".join(_readme(story, files, marks)) + "\n"


def _readme(story: Story, files: list[str], marks: int) -> Iterator[str]:
    history = story.history
    yield "WHAT HAPPENED IN A DEPLOYMENT ON RUNPOD"
    yield ""
    yield from _wrapped(words.headline(story))
    if history.deployment_id:
        yield from _wrapped(f"Deployment {history.deployment_id}, started {words.day(history.started_at)}.")
        yield from _wrapped(f"{words.tally(story)}.")
    yield from _wrapped("Times are UTC. Costs are price times seconds, by the clock of the computer that deployed.")
    yield ""
    yield "FOR THE TICKET"
    yield ""
    yield from _wrapped(paragraph(story) or "No pod of this deployment was found to be bad.")
    yield ""
    yield "ATTEMPTS"
    yield ""
    for part in story.parts:
        yield from _pod(part)
    yield "FILES"
    yield ""
    yield from (f"  {name}" for name in files)
    yield ""
    yield "WHAT IS LEFT OUT"
    yield ""
    yield from _wrapped(
        "Left out, with a mark in each place: keys, tokens, passwords and private keys that are known by their form,"
        " by the name before them, or from the environment and the templates of the sender; e-mail addresses, SSH"
        " public keys, the sender's user name, home folder and address. Public addresses of pods, pod ids and GPU"
        f" serials stay, since they name the machine. Places marked in this archive: {marks}."
    )
    yield from _wrapped(
        "A secret of a form that nobody knows may be left, most likely in a log: look through the logs and"
        " probe-output.txt before you send this."
    )


def _pod(part: Part) -> Iterator[str]:
    if part.pod_id is None:
        reason = f": {_flat(part.attempt.reason)}" if part.attempt and part.attempt.reason else ""
        yield from _wrapped(f"- {words.title(part)}{reason}", "  ")
        yield ""
        return
    yield from _wrapped(f"- pod {part.pod_id}: {words.title(part)}", "  ")
    attempt = part.attempt
    if attempt:
        ended = f" to {words.day(attempt.ended_at)}" if attempt.ended_at is not None else ", no end so far"
        yield f"  {words.day(attempt.started_at)}{ended}"
        yield from _wrapped(f"  {words.facts_line(part)}", "  ")
        if attempt.reason:
            yield from _wrapped(f"  {_flat(attempt.reason)}", "  ")
    yield from _wrapped(f"  machine: {words.machine(part.marks) or 'nothing is known of it'}", "    ")
    yield ""


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
