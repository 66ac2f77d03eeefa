"""Disks: size, room, speed, and whether they keep what is written to them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rp.domain.verdict import Owner, Verdict
from rp.health.judges.reading import number
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet

_SHM = "/dev/shm"  # noqa: S108 - that of the pod
_GIB = 1 << 20
_MIB = 1 << 10
_COPIED = re.compile(r"([0-9]{1,15}) bytes\b.{0,60}?copied, *([0-9.]{1,15}(?:e[+-]?[0-9]{1,2})?) *s", re.ASCII)
_DENIED = re.compile("ermission denied|not permitted|Read-only", re.IGNORECASE)
_FULL = re.compile("No space|quota", re.IGNORECASE)


@dataclass(frozen=True)
class Room:
    """One line of `df`, in KiB or in inodes."""

    size: float
    free: float


def judge(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("space")
    if section is not None:
        blocks, _, rest = section.text.partition("\n\n")
        room, inodes = _rooms(blocks), _rooms(rest.partition("\n\n")[0])
        if "/" in room:
            _root(seen, sheet, room["/"])
        if "/" in inodes and inodes["/"].size > 0:
            _inodes(seen, sheet, inodes["/"])
        if _SHM in room:
            _shared_memory(seen, sheet, room[_SHM])
        path = (seen.asked.volume_path or "").rstrip("/")
        if path in room and path:
            _volume(seen, sheet, room[path])
    _speeds(seen, sheet)


def _rooms(text: str) -> dict[str, Room]:
    """Mount point → room, of one table of `df -P`."""
    found: dict[str, Room] = {}
    for line in text.splitlines()[:100]:
        words = line[:1000].split()
        for at in range(4, len(words) - 1):
            size, free = number(words[at - 3]), number(words[at - 1])
            if re.fullmatch(r"\d{1,3}%|-", words[at]) and size is not None and free is not None:
                found[" ".join(words[at + 1 :])] = Room(size, free)
                break
    return found


def _root(seen: Seen, sheet: Sheet, room: Room) -> None:
    asked, free, size = seen.asked.disk_gb, room.free / _GIB, room.size / _GIB
    if asked:
        bad = f"The container disk has {size:.0f} GiB, {asked} were asked for."
        good = "The container disk has the size that was asked for."
        sheet.rate("disk.size", size / asked, good=good, bad=bad, measured=f"{size:.0f} of {asked} GiB")
    bad = f"Only {free:.1f} GiB of the container disk are free."
    good, shown = "The container disk has room.", f"{free:.1f} GiB free"
    # A pod at work may have filled its own disk.
    most = Verdict.FAIL if seen.asked.fresh else Verdict.WARN
    sheet.rate("disk.full", free, good=good, bad=bad, most=most, measured=shown)
    if seen.asked.fresh and room.size > 0:
        if asked and free >= 0.9 * asked:
            sheet.passed("disk.free", good, measured=shown)
        else:
            sheet.rate("disk.free", room.free / room.size, good=good, bad=bad, measured=f"{shown} of {size:.0f}")


def _inodes(seen: Seen, sheet: Sheet, room: Room) -> None:
    if seen.asked.fresh:
        share = room.free / room.size
        bad = f"Only {room.free:.0f} more files fit on the container disk, though it may have room."
        sheet.rate("disk.inodes", share, good="The disk has room for many files.", bad=bad)


def _shared_memory(seen: Seen, sheet: Sheet, room: Room) -> None:
    size = room.size / _MIB
    gpus = seen.gpu_count or (len(seen.smi.gpus) if seen.smi else 0)
    bad = f"{_SHM} has only {size:.0f} MiB: data loaders and NCCL will crash."
    shown = f"{size:.0f} MiB"
    if gpus > 1 and sheet.verdict("shm", size) is Verdict.WARN:
        sheet.fail("shm", bad, measured=shown, expected=sheet.expected("shm"))
    else:
        sheet.rate("shm", size, good=f"{_SHM} is large enough.", bad=bad, measured=shown)


def _volume(seen: Seen, sheet: Sheet, room: Room) -> None:
    asked, size = seen.asked.volume_gb, room.size / _GIB
    if asked:
        bad = f"The volume has {size:.0f} GiB, {asked} were asked for."
        good = "The volume has the size that was asked for."
        sheet.rate("volume.size", size / asked, good=good, bad=bad, measured=f"{size:.0f} of {asked} GiB")


def _speeds(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("disk")
    if section is None:
        return
    if section.timed_out and "_write:" not in section.text:
        sheet.unknown("disk.write", "Writing to the container disk was not over in time.")
        return
    said = {name: rest.strip() for name, mark, rest in (line.partition(":") for line in section.lines) if mark}
    for label, check, what in (("root", "disk", "container disk"), ("mount", "volume", "volume")):
        if f"{label}_write" in said:
            _write(seen, sheet, f"{check}.write", what, said[f"{label}_write"])
    if "root_write" not in said:
        sheet.unknown("disk.write", "Writing to the container disk was not tested.")
    speed = megabytes_a_second(said.get("root_read", ""))
    if speed is not None:
        bad = f"The container disk is read at {speed:.0f} MB/s only."
        good = "The container disk is read quickly."
        sheet.rate("disk.read", speed, good=good, bad=bad, measured=f"{speed:.0f} MB/s")
    elif "root_read" in said:
        sheet.unknown("disk.read", "This disk cannot be read past the cache, so its speed is not known.")
    _compare(sheet, dict(section.pairs()))


def _compare(sheet: Sheet, pairs: dict[str, str]) -> None:
    for label, what in (("root_cmp", "container disk"), ("mount_cmp", "volume")):
        if pairs.get(label) == "DIFFERENT":
            said = f"The {what} gave back other bytes than were written to it."
            sheet.fail("disk.cmp", said, measured="different", expected="same")
        elif pairs.get(label) == "same":
            sheet.passed("disk.cmp", "What is written can be read again.", measured="same")
    spent = number(pairs.get("files_ms"))
    if spent is not None:
        bad = f"Writing 200 small files took {spent / 1000:.0f} s: installing packages will be slow."
        sheet.rate("disk.files", spent / 1000, good="Small files are written quickly.", bad=bad)


def _write(seen: Seen, sheet: Sheet, check: str, what: str, said: str) -> None:
    if said.startswith("FAILED"):
        why = said.removeprefix("FAILED").strip()[:80] or "no reason given"
        # A full volume, or a user who may not write, is the same on each machine.
        is_own = bool(_FULL.search(why) and what == "volume") or bool(
            _DENIED.search(why) and seen.sys.get("uid", "0") != "0"
        )
        owner = Owner.IMAGE if is_own else Owner.MACHINE
        sheet.fail(check, f"Writing to the {what} fails: {why}.", measured="failed", owner=owner)
        return
    speed = megabytes_a_second(said)
    if speed is None:
        sheet.unknown(check, f"The speed of writing to the {what} could not be read.")
        return
    most = Verdict.FAIL if seen.asked.fresh else Verdict.WARN
    bad = f"The {what} is written at {speed:.1f} MB/s only."
    good = f"The {what} is written quickly."
    sheet.rate(check, speed, good=good, bad=bad, most=most, measured=f"{speed:.0f} MB/s")


def megabytes_a_second(said: str) -> float | None:
    """The speed that `dd` tells, computed from its bytes and seconds: its own words differ from system to system."""
    match = _COPIED.search(said[:1000])
    if not match:
        return None
    try:
        seconds = float(match[2])
    except ValueError:
        return None
    return float(match[1]) / max(seconds, 1e-6) / 1e6
