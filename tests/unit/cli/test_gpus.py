"""`rp gpus`: what argparse and the table cannot see."""

import argparse
import io
import os
from pathlib import Path

import pytest

from rp.cli import gpus
from rp.errors import UsageProblem


def checked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    gpus.configure(parser)
    args = parser.parse_args(words)
    gpus._check(args)
    return args


def test_a_preference_is_an_order_of_a_template_alone() -> None:
    assert checked("--for", "sd", "--order", "preference").order == "preference"
    assert checked("--order", "stock").order == "stock"
    with pytest.raises(UsageProblem, match="only a template has a preference"):
        checked("--order", "preference")
    with pytest.raises(UsageProblem, match="this order"):
        checked("--for", "sd", "--order", "vram")


def test_a_reader_that_has_gone_is_noticed_without_a_word_to_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open(writing, "w") as stream:
        assert not gpus.has_no_reader(stream)
        os.close(reading)
        assert gpus.has_no_reader(stream)


def test_what_is_no_pipe_always_has_a_reader(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as stream:
        assert not gpus.has_no_reader(stream)
    assert not gpus.has_no_reader(stream)
    assert not gpus.has_no_reader(io.StringIO())
