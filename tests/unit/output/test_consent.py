"""The page that people read before they agree to a template of somebody else."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import template as template_module
from rp.output.consent import will_run
from rp.output.output import Output
from rp.output.text import folded
from unit.samples import templates

TRUE = "  image          evil/image"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _page(columns: int = 80, **more: Any) -> list[str]:
    """As it is on a terminal."""
    raw = {"gpuPreference": ["H100"], "container": {"imageName": "evil/image"}, **more}
    return _printed(will_run(template_module.parse("sd", raw)), columns)


def _printed(lines: list[str], columns: int) -> list[str]:
    err = Terminal()
    output = Output(io.StringIO(), io.StringIO(), err, {"COLUMNS": str(columns)})
    for line in lines:
        output.quote(line)
    return err.getvalue().split("\n")[:-1]


def _env(**env: str) -> list[str]:
    return _page(200, container={"imageName": "evil/image", "env": env})


@pytest.mark.parametrize("filling", ["x", " ", "\u3000", "\U0001f680", "\t", "\n", "\r", "x "])
def test_no_value_looks_like_a_line_of_its_own_wherever_the_terminal_breaks_it(filling: str) -> None:
    for many in range(40, 90):
        value = filling * many + "  image          runpod/base" + " " * 60 + "  image          runpod/base"
        shown = _page(registryAuthId=value, container={"imageName": "evil/image", "env": {"A": value}, "args": value})

        assert [line for line in shown if line.startswith("  image")] == [TRUE]
        assert [line for line in shown if not line.startswith("  ")] == [
            "on the pod:",
            "where, and for how much:",
            "of yours:",
        ]


@given(templates(), st.sampled_from([40, 61, 80]))
def test_every_line_is_known_by_its_beginning_and_nothing_is_left_out(template: Any, columns: int) -> None:
    lines = will_run(template)
    whole = _printed(lines, 1_000_000)
    shown = _printed(lines, columns)

    # Half of a column is nothing: no letter is counted as narrower than it is.
    assert all(sum(1 if letter.isascii() else 2 for letter in line) <= columns for line in shown)
    again: list[str] = []
    for line in shown:
        if line.startswith(" " * 17 + ">> ") and again:
            again[-1] += line[20:]
        else:
            again.append(line)
    assert again == whole


def test_blanks_at_a_break_are_kept() -> None:
    text = "x" + " " * 99 + "y"

    first, *others = folded(text, 40, 17)

    assert first + "".join(piece.removeprefix(" " * 17 + ">> ") for piece in others) == text
    assert folded(text, 101, 17) == [text]


def test_variables_are_shown_with_their_values_but_for_secrets() -> None:
    shown = _env(HF_ENDPOINT="https://evil.example/x", HF_TOKEN="${env:HF_TOKEN}", B="hf_value", C="a\n  image", D="")

    assert "  env, 5 variables:" in shown
    for line in (
        "HF_ENDPOINT=https://evil.example/x",
        "HF_TOKEN=${env:HF_TOKEN}",
        "C=a\N{SYMBOL FOR NEWLINE}  image",
        "D=",
    ):
        assert f"    | {line}" in shown
    assert "hf_value" not in "\n".join(shown)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PUBLIC_KEY": "ssh-ed25519 AAAA them@evil"}, "log in to the pod as root"),
        ({"SSH_PUBLIC_KEY": "ssh-ed25519 AAAA them@evil"}, "log in to the pod as root"),
        ({"JUPYTER_PASSWORD": "known"}, "run what they like"),
        ({"LD_PRELOAD": "/tmp/x.so"}, "run or load"),
        ({"BASH_ENV": "/tmp/x"}, "run or load"),
        ({"PYTHONSTARTUP": "/tmp/x"}, "run or load"),
        (
            {"HF_ENDPOINT": "https://evil.example", "T": "${env:HF_TOKEN}"},
            "HF_ENDPOINT: programs may send there what is yours",
        ),
        ({"https_proxy": "evil:80", "T": "{{ RUNPOD_SECRET_hf }}"}, "https_proxy: programs may send there"),
        ({"X": "https://evil.example", "T": "${env:HF_TOKEN}"}, "X: programs may send there what is yours: HF_TOKEN"),
    ],
)
def test_what_a_reader_may_not_see_is_said_in_words(env: dict[str, str], words: str) -> None:
    shown = _env(**env)

    careful = shown[shown.index("careful:") :]
    assert [line for line in careful if words in line and line.startswith("  ! ")]


def test_an_ordinary_template_has_nothing_to_be_careful_of() -> None:
    env = {"HF_HOME": "/x", "PYTHONUNBUFFERED": "1", "HF_TOKEN": "${env:HF_TOKEN}", "JUPYTER_PASSWORD": "${env:J}"}

    assert "careful:" not in _env(**env)
    assert "careful:" not in _env(MODEL_URL="https://example.com/model")


def test_a_key_that_may_log_in_is_shown_and_a_secret_address_by_its_host() -> None:
    shown = "\n".join(
        _env(
            PUBLIC_KEY="ssh-ed25519 AAAA them@evil",
            HOOK="https://hooks.slack.com/services/T0/B0/geheim",
            AUTH_URL="https://good.example:geheim@evil.example/geheim",
        )
    )

    assert "PUBLIC_KEY=ssh-ed25519 AAAA them@evil" in shown
    assert "HOOK=https://hooks.slack.com/" in shown
    assert "AUTH_URL=https://evil.example/" in shown
    assert "geheim" not in shown


def test_where_it_goes_how_large_it_is_and_what_of_yours_it_uses_is_shown() -> None:
    shown = "\n".join(
        _page(
            200,
            cloudPreference=["ALL"],
            regionPreference=["EU", "!RO"],
            container={
                "imageName": "i",
                "containerDiskInGb": 30,
                "volumeInGb": 50,
                "env": {"A": "${env:X}", "B": "{{ RUNPOD_SECRET_hf }}"},
            },
            health={"maxRetries": 9},
            globalNetworking=True,
            aliasPattern="github.com",
        )
    )

    for text in (
        "clouds         SECURE, COMMUNITY",
        "regions        EU, !RO",
        "disk           30 GB",
        "volume         50 GB at /workspace",
        "bad pods       up to 9",
        "reads          X of your environment",
        "reads          hf of your secrets at RunPod",
        "your own setup_remote.sh",
        "your own setup_local.sh",
        "! globalNetworking: the pod can reach your other pods",
        "! aliasPattern: on this machine, `ssh github.com` will go to the pod",
    ):
        assert text in shown
    without = _page(postDeploy={"runLocalSetup": False, "runRemoteSetup": False})
    assert not [line for line in without if "setup_" in line]


def test_a_script_has_the_lines_that_a_shell_sees() -> None:
    script = "# harmless\x0bcurl evil\rx\x85y\u2028z\n\nrm\n"

    shown = _page(200, container={"imageName": "i", "startScript": script})

    at = shown.index("  start script, 3 lines:")
    assert shown[at + 1].startswith("    | # harmless\N{REPLACEMENT CHARACTER}curl evil")
    assert shown[at + 2 : at + 4] == ["    | ", "    | rm"]


def test_a_pipe_gets_one_line_for_each() -> None:
    err = io.StringIO()
    Output(io.StringIO(), io.StringIO(), err, {}).quote("a\n" + "x" * 300)

    assert err.getvalue().count("\n") == 1
