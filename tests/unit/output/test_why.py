import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rp.domain.redact import Private
from rp.domain.verdict import Owner, Verdict
from rp.errors import NotFound
from rp.output import why, why_page
from rp.state.journal import Journal
from rp.state.looks import Looks
from unit.output import stories


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _text(state: Path, *, width: int | None = None, colour: bool = False) -> list[str]:
    stream = io.StringIO() if width is None else Terminal()
    why.show(stories.told(state), stream, {"COLUMNS": str(width)}, colour=colour)
    return stream.getvalue().splitlines()


def test_each_attempt_is_told_with_its_times_verdicts_and_logs(tmp_path: Path) -> None:
    stories.write(tmp_path)

    lines = _text(tmp_path)

    assert lines[:3] == [
        "my-pod: ready after 50s",
        "template sd, deployment mxeshdgr, 2026-11-24 09:12:03 UTC",
        "3 attempts: 1 refused, 1 terminated, 1 kept; $0.0103 for pods that were not kept",
    ]
    second = lines[lines.index("2  A100 PCIe, EU, secure: terminated") : lines.index("3  A100 PCIe, EU, secure: kept")]
    assert second[1:4] == [
        f"   {stories.REASON}",
        "   pod wucvbhueptuuyd (rp-sd-mxeshdgr-2), $1.39/h, 26.7 s, $0.0103",
        f"   machine: public address 194.68.245.17; proxy 64410d2f; {stories.GPU}",
    ]
    start = second.index("     +17.9 s  checking the machine (basic, at most 8s)")
    assert second[start + 1 : start + 8] == [
        "     +24.0 s  health (basic, 6.2 s): 1 fail, 1 warn, 2 pass, 1 unknown",
        f"     FAIL     gpu.ecc_uncorrected of GPU 0: {stories.REASON}",
        "              measured 3 errors, expected 0 errors",
        "     WARN     net.down: Downloads are slow.",
        "              measured 180 Mbit/s, expected 200 Mbit/s",
        "     UNKNOWN  xid: The pod does not let its kernel log be read.",
        "     +24.1 s  bad: ending it",
    ]
    assert "   system log, the last 15 of 20 lines:" in second
    assert "   | worker line 19" in second
    assert "   | worker line 4" not in second


def test_a_pull_is_told_by_its_first_and_last_step(tmp_path: Path) -> None:
    stories.write(tmp_path)

    pulls = [line.split("  ")[-1] for line in _text(tmp_path) if "pulling" in line]

    assert pulls == ["pulling the image: 0 of 8 layers", "pulling the image: 7 of 8 layers"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_gets_no_longer_line_and_no_word_less(tmp_path: Path, width: int) -> None:
    stories.write(tmp_path)

    lines = _text(tmp_path, width=width)

    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == " ".join(" ".join(_text(tmp_path)).split())


def test_colour_is_asked_for_and_hostile_text_never_steers(tmp_path: Path) -> None:
    stories.write(tmp_path)

    plain, coloured = "\n".join(_text(tmp_path)), "\n".join(_text(tmp_path, width=80, colour=True))

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", plain)
    assert "[2J" in plain
    assert set(re.findall("\x1b[^m]*m", coloured)) == {"\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[33m", "\x1b[2m"}
    assert "\x1b[2J" not in coloured


def test_a_journal_without_steps_is_told_from_its_attempts(tmp_path: Path) -> None:
    stories.write(tmp_path, with_steps=False)

    text, told = "\n".join(_text(tmp_path)), why.document(stories.told(tmp_path))

    assert stories.REASON in text
    assert [(phase["kind"], phase["seconds"]) for phase in told["attempts"][1]["phases"]] == [
        ("create", 1.2),
        ("boot", 25.5),
    ]
    assert "<svg" in why_page.page(stories.told(tmp_path))


def test_the_document_has_everything(tmp_path: Path) -> None:
    stories.write(tmp_path)

    told = json.loads(json.dumps(why.document(stories.told(tmp_path))))

    bad = told["attempts"][1]
    assert (told["deployment"], told["outcome"], told["seconds"]) == ("mxeshdgr", "ready", 50.2)
    assert told["started_at"] == "2026-11-24T09:12:03.000+00:00"
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["refused", "terminated", "kept"]
    assert [attempt["bad"] for attempt in told["attempts"]] == [False, True, False]
    assert [phase["kind"] for phase in bad["phases"]] == ["create", "boot", "pull", "boot", "ssh", "check", "end"]
    assert sum(phase["seconds"] for phase in bad["phases"]) == pytest.approx(26.7)
    assert bad["machine"] == {"address": "194.68.245.17", "proxy": "64410d2f", "gpus": [stories.GPU]}
    assert [log["source"] for log in bad["logs"]] == ["system", "container"]
    assert len(bad["logs"][0]["lines"]) == 20
    assert len(bad["looks"][0]["checks"]) == 5
    assert "@@ smi 0 310" in bad["looks"][0]["probe_output"]
    assert stories.SECRET not in json.dumps(told)


def test_a_pod_its_alias_and_its_deployment_mean_the_same(tmp_path: Path) -> None:
    stories.write(tmp_path)
    (tmp_path / "pods.json").write_text(json.dumps({"later": stories.GOOD}))

    documents = [
        why.document(stories.told(tmp_path, target))
        for target in ("mxeshdgr", "my-pod", stories.BAD, stories.GOOD, "later")
    ]

    assert all(one == documents[0] for one in documents)


@pytest.mark.parametrize(("target", "near"), [("my-pd", "my-pod"), ("wucvbhueptuuyx", stories.BAD), ("latr", "later")])
def test_an_unknown_name_gets_the_nearest(tmp_path: Path, target: str, near: str) -> None:
    stories.write(tmp_path)
    (tmp_path / "pods.json").write_text(json.dumps({"later": "p9"}))

    with pytest.raises(NotFound) as unknown:
        stories.told(tmp_path, target)

    assert f"`{near}`" in str(unknown.value.hint)


def test_a_pod_that_was_not_deployed_here_is_told_by_its_looks(tmp_path: Path) -> None:
    looks = Looks(Journal(tmp_path / "rp.db", tmp_path / "locks"))
    looks.add("p9", stories.BAD_REPORT, 1000.0)

    told = stories.told(tmp_path, "p9")

    assert _lines(why.lines(told))[0] == "p9: not deployed by this rp; what its health checks found"
    assert why.document(told)["attempts"][0]["looks"][0]["verdict"] == "fail"
    assert stories.REASON in why_page.page(told)


def _lines(lines: Any) -> list[str]:
    return [line.text for line in lines]


@pytest.mark.parametrize(
    ("verdict", "owner", "is_bad"),
    [
        (Verdict.FAIL, Owner.MACHINE, True),
        (Verdict.FAIL, Owner.IMAGE, False),
        (Verdict.WARN, Owner.MACHINE, False),
    ],
)
def test_what_there_is_to_complain_of(tmp_path: Path, verdict: Verdict, owner: Owner, is_bad: bool) -> None:
    """The kept pod: its machine may turn out bad later."""
    stories.write(tmp_path)
    Looks(Journal(tmp_path / "rp.db", tmp_path / "locks")).add(stories.GOOD, stories.bad_check(verdict, owner), 2e9)

    assert stories.told(tmp_path).parts[2].is_bad is is_bad


class Elements(HTMLParser):
    """Every element and attribute of a page; fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_stands_alone_and_runs_nothing(tmp_path: Path) -> None:
    stories.write(tmp_path, alias="my-pod")

    text = why_page.page(stories.told(tmp_path))
    page = Elements()
    page.feed(text)

    assert page.open == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "xlink:href", "style", "srcset"}
    assert not [name for name in names if name.startswith("on")]
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme:dark" in text
    assert "<script>alert(1)</script>" in "".join(page.text)
    assert stories.SECRET not in text


def test_the_drawing_has_a_lane_for_each_attempt_within_its_frame(tmp_path: Path) -> None:
    stories.write(tmp_path)

    text = why_page.page(stories.told(tmp_path))

    blocks = re.findall(r'<rect class="k-(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', text)
    assert len({top for _, _, top, _ in blocks}) == 3
    assert [kind for kind, *_ in blocks][:2] == ["create", "create"]
    assert all(float(x) + float(width) <= 1000 for _, x, _, width in blocks)
    assert ">image 9.2 s</text>" in text
    assert '<li><i class="k-pull"></i>image</li>' in text


def test_a_name_of_a_person_leaves_only_where_it_must(tmp_path: Path) -> None:
    stories.write(tmp_path, alias="alice-pod")

    page = why_page.page(stories.told(tmp_path, private=Private((), "/home/alice", ("alice",), for_others=True)))

    assert "alice" not in page
    assert "203.0.113.9" not in page
    assert "194.68.245.17" in page
