"""What the template asked for: environment, ports, the volume, a CUDA version; and what its image brings along."""

from __future__ import annotations

import itertools
import re

from rp.domain.verdict import Owner
from rp.health.judges.reading import num, text, version
from rp.health.judges.seen import Seen
from rp.health.judges.sheet import Sheet

_FULL = re.compile("No space|quota", re.IGNORECASE)
_DENIED = re.compile("ermission denied|not permitted", re.IGNORECASE)
_AVOID = "set minCudaVersion in the template to avoid such machines"


def judge(seen: Seen, sheet: Sheet) -> None:
    section = seen.get("asked")
    if section is not None and not (section.timed_out and not section.text):
        pairs = list(section.pairs())
        _environment(seen, sheet, pairs)
        _ports(seen, sheet, pairs)
        if seen.asked.volume_path:
            _volume(seen, sheet, dict(pairs))
    elif seen.asked.volume_path:
        sheet.unknown("volume.mounted", "The probe could not tell whether the volume is mounted.")
    if not seen.is_amd and (seen.expects_gpus or seen.smi):
        _cuda(seen, sheet)
        _poison(seen, sheet)


def _environment(seen: Seen, sheet: Sheet, pairs: list[tuple[str, str]]) -> None:
    asked = set(seen.asked.env)
    absent = [name for key, name in pairs if key == "env_absent" and name in asked]
    if absent:
        said = f"The pod does not have the environment variable {', '.join(sorted(absent)[:5])} of the template."
        sheet.fail("asked.env", said, measured=f"{len(absent)} missing", expected="all set", owner=Owner.IMAGE)
    elif asked and asked <= {name for key, name in pairs if key == "env_present"}:
        sheet.passed("asked.env", "The template's environment variables are set.")
    elif asked:
        sheet.unknown("asked.env", "The pod does not let its environment be read.")


def _ports(seen: Seen, sheet: Sheet, pairs: list[tuple[str, str]]) -> None:
    states = {port: state for key, value in pairs if key == "listen" for port, _, state in [value.partition(" ")]}
    asked = {str(port): states.get(str(port), "unknown") for port in seen.asked.ports}
    silent = [port for port, state in asked.items() if state == "no"]
    if silent:
        said = f"Nothing listens on port {', '.join(silent[:5])} yet."
        sheet.warn("asked.port", said, measured=f"{len(silent)} of {len(asked)} silent", owner=Owner.IMAGE)
    elif asked and set(asked.values()) == {"yes"}:
        sheet.passed("asked.port", "The template's ports are listened on.")
    elif asked:
        sheet.unknown("asked.port", "The pod does not tell what listens on its ports.")


def _volume(seen: Seen, sheet: Sheet, pairs: dict[str, str]) -> None:
    path = seen.asked.volume_path
    state = pairs.get("mount", "").rpartition(" ")[2]
    if state in ("absent", "not-a-mount"):
        said = f"The volume is not mounted at {path}: what is written there will be lost."
        sheet.fail("volume.mounted", said, measured=state, expected="mounted")
        return
    if state != "mounted":
        sheet.unknown("volume.mounted", "The probe could not tell whether the volume is mounted.")
        return
    sheet.passed("volume.mounted", f"The volume is mounted at {path}.", measured=state)
    options, wrote = pairs.get("mount_options", "").split(","), pairs.get("mount_write", "")
    if "ro" in options:
        sheet.fail("volume.writable", f"The volume at {path} is read-only.", measured="ro", expected="rw")
    elif wrote.startswith("FAILED"):
        why = wrote.removeprefix("FAILED").strip()[:80] or "no reason given"
        is_own = bool(_FULL.search(why) or (_DENIED.search(why) and seen.sys.get("uid", "0") != "0"))
        owner = Owner.IMAGE if is_own else Owner.MACHINE
        said = f"The volume at {path} cannot be written to: {why}."
        sheet.fail("volume.writable", said, measured="failed", expected="ok", owner=owner)
    elif wrote == "ok":
        sheet.passed("volume.writable", "The volume can be written to.", measured="ok")
    else:
        sheet.unknown("volume.writable", "Writing to the volume was not tested.")


def _cuda(seen: Seen, sheet: Sheet) -> None:
    found = _driver_cuda(seen)
    floor, image = version(seen.asked.min_cuda), version(seen.sys.get("CUDA_VERSION"))
    if found is None:
        if floor:
            sheet.unknown("driver.cuda_floor", "The driver does not tell its CUDA version.")
        if image:
            sheet.unknown("driver.image_cuda", "The driver does not tell its CUDA version.")
        return
    measured = _dotted(found)
    if floor:
        expected = f"at least {_dotted(floor)}"
        if found < floor:
            said = f"The driver offers CUDA {measured}, the template asks for {_dotted(floor)} or later."
            sheet.fail("driver.cuda_floor", said, measured=measured, expected=expected)
        else:
            good = "The driver offers the CUDA that the template asks for."
            sheet.passed("driver.cuda_floor", good, measured=measured, expected=expected)
    if image:
        _image_cuda(sheet, found, image)


def _image_cuda(sheet: Sheet, found: tuple[int, int], image: tuple[int, int]) -> None:
    measured, expected = _dotted(found), f"at least {_dotted(image)}"
    said = f"The driver offers CUDA {measured}, the image is built for {_dotted(image)}"
    if found[0] < image[0]:
        said = f"{said}: CUDA will not start; {_AVOID}."
        sheet.fail("driver.image_cuda", said, measured=measured, expected=expected)
    elif found < image:
        said = f"{said}: most programs work, those that compile kernels may not; {_AVOID}."
        sheet.warn("driver.image_cuda", said, measured=measured, expected=expected)
    else:
        good = "The driver is new enough for the image's CUDA."
        sheet.passed("driver.image_cuda", good, measured=measured, expected=expected)


def _driver_cuda(seen: Seen) -> tuple[int, int] | None:
    """The newest CUDA that was seen: an image may bring a newer libcuda that works with an older driver."""
    found = [version(seen.smi.cuda)] if seen.smi else []
    if seen.cuda and num(seen.cuda, "rc") in (None, 0.0):
        found.append(version(text(seen.cuda, "driver_cuda")))
    known = [one for one in found if one]
    return max(known) if known else None


def _dotted(one: tuple[int, int]) -> str:
    return f"{one[0]}.{one[1]}"


def _poison(seen: Seen, sheet: Sheet) -> None:
    """Variables on DCGM's list of those that spoil tests, and on ours."""
    if not seen.get("sys"):
        return
    env = seen.sys
    wrong = []
    if any("/compat" in path for path in env.get("LD_LIBRARY_PATH", "").split(":")):
        wrong.append("LD_LIBRARY_PATH prefers a libcuda of the image to the machine's")
    if env.get("CUDA_INJECTION64_PATH"):
        wrong.append("CUDA_INJECTION64_PATH loads a tool into each CUDA program")
    if hides_gpus(env.get("CUDA_VISIBLE_DEVICES"), seen.gpu_count, gpus_there(seen)):
        wrong.append("CUDA_VISIBLE_DEVICES hides GPUs")
    if env.get("CUDA_LAUNCH_BLOCKING", "0") not in ("", "0"):
        wrong.append("CUDA_LAUNCH_BLOCKING makes each kernel wait")
    if lacks_compute(env.get("NVIDIA_DRIVER_CAPABILITIES")):
        wrong.append("NVIDIA_DRIVER_CAPABILITIES leaves out compute")
    if wrong:
        names = ", ".join(problem.split()[0] for problem in wrong)
        said = f"In the image's environment {'; '.join(wrong)}."
        sheet.warn("env", said, measured=names, expected="not set", owner=Owner.IMAGE)
    else:
        sheet.passed("env", "No environment variable gets in CUDA's way.")


def gpus_there(seen: Seen) -> int:
    """GPUs of the pod, as far as anything but CUDA tells; 0 where nothing does."""
    return max(seen.gpu_count, len(seen.smi.gpus) if seen.smi else 0)


def hides_gpus(visible: str | None, wanted: int, there: int) -> bool:
    """Whether CUDA_VISIBLE_DEVICES leaves fewer GPUs than wanted, of those that are there; 0: it is not known."""
    if visible is None or visible.lower() == "all":
        return False
    # CUDA stops at the first word that is no GPU.
    shown = itertools.takewhile(lambda word: _is_gpu(word.strip(), there), visible.split(","))
    return len(list(shown)) < max(1, wanted)


def _is_gpu(word: str, there: int) -> bool:
    if word.isascii() and word.isdigit():
        return not there or (len(word) < 5 and int(word) < there)
    return bool(word) and not word.startswith("-") and word.lower() not in ("none", "void", "nodevfiles")


def lacks_compute(capabilities: str | None) -> bool:
    """Not set, or empty, is the driver's default, which has compute in it."""
    words = {word.strip() for word in (capabilities or "").split(",")} - {""}
    return bool(words) and not words & {"all", "compute"}
