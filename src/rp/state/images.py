"""`images.json`: what registries told of images lately. Whatever is wrong with it, they are asked again."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from rp import files
from rp.domain.image import ImageFacts
from rp.errors import Busy, StateUnreadable, StateUnwritable

# Seconds. An image that is there seldom goes, and its size changes only with what is published.
_LASTS = 86_400.0
_MOST = 200
# Bytes: a number beyond that was written by a hand.
_LARGEST = 10**15


class ImageCache:
    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, reference: str, now: float) -> ImageFacts | None:
        """None where it is older than a day, or not known."""
        kept = self._kept(now).get(reference)
        if kept is None:
            return None
        size = kept.get("download_bytes")
        # In Python, true is a number.
        known = type(size) is int and 0 <= size <= _LARGEST
        return ImageFacts(download_bytes=size if known else None, amd64=kept.get("amd64") is not False)

    def put(self, reference: str, facts: ImageFacts, now: float) -> None:
        row = {"at": now, "download_bytes": facts.download_bytes, "amd64": facts.amd64}
        with suppress(StateUnwritable, Busy), files.locked(self._path):
            rows = {**self._kept(now), reference: row}
            latest = sorted(rows, key=lambda one: float(rows[one]["at"]))[-_MOST:]
            files.write_json(self._path, {one: rows[one] for one in latest})

    def _kept(self, now: float) -> dict[str, dict[str, Any]]:
        with suppress(StateUnreadable):
            rows = files.read_json_object(self._path)
            return {reference: row for reference, row in rows.items() if _is_fresh(row, now)}
        return {}


def _is_fresh(row: object, now: float) -> bool:
    at = row.get("at") if isinstance(row, dict) else None
    # Compared, not subtracted: a number of 400 digits has no difference to one with a point.
    return isinstance(at, int | float) and now - _LASTS < at <= now
