"""What the log of a starting pod tells: how far it is, and why it will not come up.

The `system` lines are RunPod's agent's and docker's own words. Their wording is from public logs (dstack#2729,
OneTrainer#981 and #1160, runpod/containers#98, nimble-miner-docker#3) and from RunPod's own image tests.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import islice

from rp.domain.boot_causes import MOST_CHARACTERS, Cause, Symptom, quoted, symptom

# More than RunPod sends for one request; the largest images have 127 layers.
MOST_LINES = 5000
MOST_LAYERS = 256
# A container that began that often and cannot be reached is not going to stay up.
CRASH_LOOP = 3

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{5,20}Z?\s+")
_LAYER = re.compile(r"(?:sha256:)?([0-9a-f]{12,64}):? +(\S.*)")
_BYTES = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) ?([kKMGT]?)B/(\d{1,6}(?:\.\d{1,6})?) ?([kKMGT]?)B\b")
_UNIT = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_GB = 1e9


class Stage(IntEnum):
    """How far a pod is. Its container has begun at STARTED; what comes before is the machine's work."""

    UNKNOWN = 0
    CREATING = 1
    PULLING = 2
    PULLED = 3
    STARTED = 4


class Step(IntEnum):
    """How far one layer of the image is."""

    WAITING = 0
    DOWNLOADING = 1
    DOWNLOADED = 2
    UNPACKING = 3
    DONE = 4


@dataclass(frozen=True, order=True)
class Layer:
    """`done` is the bytes of the step that is under way."""

    step: Step
    done: float = 0.0
    size: float = 0.0


# What a line that is no error begins with or holds → the stage that it proves. An image's name may hold any word,
# so these come before the search for errors.
_STAGES = (
    (re.compile(r"start container for .*: begin$"), Stage.STARTED),
    (re.compile(r"Status: (?:Downloaded newer image|Image is up to date) for "), Stage.PULLED),
    (re.compile(r"Digest: sha256:"), Stage.PULLING),
    (re.compile(r"\S+ Pulling from "), Stage.PULLING),
    (re.compile(r"(?:error creating container: )?(?:image pull: \S+: pending|pending image pull )"), Stage.PULLING),
    (re.compile(r"create (?:container|pod) "), Stage.CREATING),
    (re.compile(r"(?:stop|remove|restart) container\b"), Stage.UNKNOWN),
)
_STEPS = (
    ("Already exists", Step.DONE),
    ("Pull complete", Step.DONE),
    ("Extracting", Step.UNPACKING),
    ("Download complete", Step.DOWNLOADED),
    ("Verifying Checksum", Step.DOWNLOADED),
    ("Downloading", Step.DOWNLOADING),
    ("Pulling fs layer", Step.WAITING),
    ("Waiting", Step.WAITING),
    ("Retrying", Step.WAITING),
)


@dataclass(frozen=True)
class BootLog:
    """`starts`: how often the container began. `trouble`: the last error, which need not be the end."""

    stage: Stage = Stage.UNKNOWN
    layers: Mapping[str, Layer] = field(default_factory=dict)
    starts: int = 0
    cause: Cause | None = None
    trouble: str = ""

    @property
    def tells(self) -> bool:
        return self.stage is not Stage.UNKNOWN

    @property
    def is_preparing(self) -> bool:
        """Whether the machine is still at work on the image."""
        return Stage.UNKNOWN < self.stage < Stage.STARTED

    def is_beyond(self, before: "BootLog") -> bool:
        """Whether more is done than ever before; a pull that begins anew is no progress until it overtakes itself."""
        return self.stage > before.stage or any(
            name not in before.layers or layer > before.layers[name] for name, layer in self.layers.items()
        )

    def words(self) -> str:
        """What goes on from PULLING on, as `pulling the image: 12 of 20 layers, 4 GB so far`."""
        if self.stage is not Stage.PULLING:
            return "starting the container"
        return f"{self._pull()}, after an error: {self.trouble}" if self.trouble else self._pull()

    def _pull(self) -> str:
        layers = self.layers.values()
        if not layers:
            return "pulling the image"
        here = sum(layer.step >= Step.DOWNLOADED for layer in layers)
        if here == len(layers):
            done = sum(layer.step is Step.DONE for layer in layers)
            return f"unpacking the image: {done} of {len(layers)} layers"
        loaded = sum(layer.size if layer.step > Step.DOWNLOADING else layer.done for layer in layers)
        size = f", {int(loaded / _GB)} GB so far" if loaded >= _GB else ""
        return f"pulling the image: {here} of {len(layers)} layers{size}"


def read(lines: Iterable[str], before: BootLog | None = None) -> BootLog:
    """What the lines tell, on top of what was known; they may be lines that were read before."""
    known = before or BootLog()
    stage, layers, starts = known.stage, dict(known.layers), 0
    pull: list[Symptom] = []
    start: list[Symptom] = []
    for raw in islice(lines, MOST_LINES):
        line = _plain(raw)
        if (found := _layer(line)) is not None:
            name, layer = found
            if name in layers or len(layers) < MOST_LAYERS:
                layers[name] = _further(layers.get(name), layer)
            stage = max(stage, Stage.PULLING)
        elif (reached := _stage(line)) is not None:
            stage, starts = max(stage, reached), starts + (reached is Stage.STARTED)
            # The pull went well in the end.
            pull = [] if reached >= Stage.PULLED else pull
        elif (seen := symptom(line)) is not None:
            (pull if seen.is_pull else start).append(seen)
            stage = max(stage, Stage.CREATING)
    starts = max(starts, known.starts)
    cause = _cause([*pull, *start], starts)
    trouble = (start or pull)[-1].told if start or pull else ""
    return BootLog(stage, layers, starts, cause, trouble)


def _plain(raw: str) -> str:
    line = str(raw)[:MOST_CHARACTERS].strip()
    return line[time.end() :] if (time := _TIME.match(line)) else line


def _stage(line: str) -> Stage | None:
    return next((stage for pattern, stage in _STAGES if pattern.match(line)), None)


def _layer(line: str) -> tuple[str, Layer] | None:
    found = _LAYER.match(line)
    if found is None:
        return None
    step = next((step for word, step in _STEPS if found[2].startswith(word)), None)
    if step is None:
        return None
    done, size = _bytes(found[2])
    return found[1], Layer(step, done, size)


def _bytes(text: str) -> tuple[float, float]:
    """Bytes done, and bytes in all; 0 where they are not told."""
    found = _BYTES.search(text)
    return (float(found[1]) * _UNIT[found[2]], float(found[3]) * _UNIT[found[4]]) if found else (0.0, 0.0)


def _further(before: Layer | None, now: Layer) -> Layer:
    """The further of two; only some lines tell the size."""
    if before is None:
        return now
    size = max(before.size, now.size)
    return replace(max((before, now), key=lambda layer: (layer.step, layer.done)), size=size)


def _cause(symptoms: list[Symptom], starts: int) -> Cause | None:
    """The most telling cause of those that were seen often enough."""
    often = [one for one in symptoms if sum(other.rank == one.rank for other in symptoms) >= one.times]
    if often:
        return min(often, key=lambda one: one.rank).cause
    if starts >= CRASH_LOOP:
        return crash_loop(starts)
    return None


def crash_loop(starts: int, last_words: str = "") -> Cause:
    """A container that begins again and again; `last_words` are the container's own."""
    said = f"; it last said: {quoted(last_words)}" if last_words else ""
    return Cause.of_image(f"its container ends and is begun again, {starts} times so far{said}")
