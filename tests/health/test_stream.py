"""The form of the stream, and what is not let through."""

from __future__ import annotations

from health.pods import Pod, section
from rp.health import stream
from rp.health.stream import Stream, merged, parse


def test_sections() -> None:
    found = parse("motd\n@@ probe 0 3\n v=1\n level=basic\n@@ sys 0 12\n a=1\n\tnot ours\n b = 2\n  c\n@@ end 0 900\n")
    assert found.complete
    assert found.level == "basic"
    assert found.sections["sys"] == stream.Section("sys", "0", 12, "a=1\nb = 2\n c")
    assert list(found.sections["sys"].pairs()) == [("a", "1")]
    assert found.get("smi") is None
    assert found.get("probe") is not None


def test_a_stream_that_breaks_off_is_not_complete() -> None:
    whole = Pod().text()
    cut = parse(whole[: whole.index("@@ cuda") + 200])
    assert not cut.complete
    assert cut.get("smi") is not None
    assert parse("") == Stream()
    # A number without its end is another number.
    assert parse("@@ sys 0 1\n uid=0\n now=17900").sections["sys"].text == "uid=0"


def test_bytes_line_ends_and_the_last_of_two() -> None:
    found = parse(b"@@ sys 0 1\r\n a=1\r\n@@ sys 0 2\r\n a=2 \xff\r\n")
    assert found.sections["sys"].text == "a=2 \ufffd"


def test_unknown_names_and_forms_are_dropped() -> None:
    odd = (
        "@@ evil 0 1",
        "@@ sys 256 1",
        "@@ sys -1 1",
        "@@ sys 0 1 x",
        "@@ SYS 0 1",
        "@@ sys 0 99999999999",
        "@@ alive 0 1",
    )
    for header in odd:
        assert parse(f"{header}\n x=1\n").sections == {}, header
    # A line of a section that looks like a header has its space before it.
    assert parse("@@ sys 0 1\n @@ smi 0 1\n").sections["sys"].text == "@@ smi 0 1"


def test_nothing_steers_a_terminal() -> None:
    found = parse("@@ sys 0 1\n a=\x1b[31mred\x07\x9b2J\u202egnp\u200b\u2028\x00\ttab\n").sections["sys"].text
    assert found == "a=\ufffd[31mred\ufffd\ufffd2J\ufffdgnp\ufffd\ufffd\ufffd\ttab"


def test_sizes_are_bounded() -> None:
    long_line = parse("@@ sys 0 1\n " + "x" * 1_000_000 + "\n").sections["sys"].text
    assert len(long_line) == stream.LONGEST_LINE
    many = parse("@@ sys 0 1\n" + " 0123456789\n" * 100_000).sections["sys"].text
    assert len(many) == stream.LONGEST_SECTION


def test_rendered_is_parsed_again() -> None:
    found = parse(Pod(level="deep").text())
    assert parse(found.rendered()) == found
    assert Stream().rendered() == ""


def test_merged() -> None:
    first = parse("@@ probe 0 1\n level=basic\n@@ sys 0 1\n a=1\n@@ smi timeout 8000\n@@ end 0 1\n")
    second = parse("@@ probe 0 1\n level=basic limit=40\n" + section("smi", "0", 30000, "x") + "@@ end 0 2\n")
    both = merged(first, second)
    assert both.sections["smi"].text == "x"
    assert both.sections["sys"].text == "a=1"
    assert both.sections["probe"].text == "level=basic"
    assert both.complete
    assert merged(Stream(), second).sections == second.sections
    assert not merged(parse("@@ sys 0 1\n"), parse("@@ smi 0 1\n")).complete
