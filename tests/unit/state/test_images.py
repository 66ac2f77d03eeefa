from pathlib import Path

import pytest

from rp.domain.image import ImageFacts
from rp.state.images import ImageCache

NOW = 1_800_000_000.0
DAY = 86_400.0


def test_what_was_told_is_known_for_a_day(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "images.json")
    cache.put("a", ImageFacts(download_bytes=5), NOW)
    cache.put("b", ImageFacts(amd64=False), NOW + 10)

    assert cache.get("a", NOW + DAY - 1) == ImageFacts(download_bytes=5)
    assert cache.get("b", NOW + 20) == ImageFacts(amd64=False)
    assert cache.get("a", NOW + DAY) is None
    assert cache.get("a", NOW - 1) is None
    assert cache.get("c", NOW) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"a": 5}', '{"a": {"at": "x"}}', '{"a": {"download_bytes": 5}}', "\0", '{"a": {"at": null}}']
    + [f'{{"a": {{"at": {at}}}}}' for at in ("9" * 400, "9" * 5000, "-" + "9" * 400, "1e999", "NaN")]
    + ['{"\\ud800": {"at": 1800000000}}'],
)
def test_a_broken_file_is_as_if_it_were_not_there(tmp_path: Path, text: str) -> None:
    path = tmp_path / "images.json"
    path.write_text(text)
    cache = ImageCache(path)

    assert cache.get("a", NOW) is None
    cache.put("a", ImageFacts(download_bytes=7), NOW)
    assert cache.get("a", NOW) == ImageFacts(download_bytes=7)


@pytest.mark.parametrize("size", ['"5"', "-1", "true", "1.5", "[]", "9" * 400])
def test_a_size_that_is_none_is_unknown(tmp_path: Path, size: str) -> None:
    path = tmp_path / "images.json"
    path.write_text(f'{{"a": {{"at": {NOW}, "download_bytes": {size}}}}}')

    assert ImageCache(path).get("a", NOW) == ImageFacts()


def test_the_file_stays_small(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "images.json")
    row = '{{"at": {at}, "download_bytes": 1, "amd64": true}}'
    rows = ", ".join(f'"{number}": {row.format(at=NOW + number)}' for number in range(300))
    (tmp_path / "images.json").write_text(f"{{{rows}}}")

    cache.put("new", ImageFacts(), NOW + 1000)

    assert cache.get("new", NOW + 1000) == ImageFacts()
    assert cache.get("299", NOW + 1000) is not None
    assert cache.get("0", NOW + 1000) is None


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ImageCache(tmp_path / "file" / "images.json").put("a", ImageFacts(), NOW)
