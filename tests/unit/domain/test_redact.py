import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import redact
from rp.domain.history import LOG, NOTE, History, Look, Step
from rp.domain.redact import ADDRESS, EMAIL, MARK, USER, Private, redacted
from rp.domain.verdict import Check, Report, Verdict

_LETTERS = string.ascii_letters + string.digits
# Long and mixed enough to be nothing else.
words = st.text(_LETTERS, min_size=24, max_size=40).filter(lambda text: not text.islower() and not text.isdigit())
# What a generated password has: no space, and none of the quotes that end it where it stands.
passwords = st.text(_LETTERS + "!#$%&()*+,-./:;<=>?@[]^_{|}~", min_size=12, max_size=40)
# Anything but an end of line: for places that go on to it.
phrases = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=8, max_size=40).filter(
    lambda text: text == text.strip() and text[0] not in "\"'{[\\" and len(set(text)) > 4
)
names = st.sampled_from(
    [
        *("HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "JUPYTER_PASSWORD", "DB_PASS", "hfToken", "apikey"),
        *("api-key", "client_secret", "MY_APP_KEY_2", "accessKeyId", "SSH_PRIVATE_KEY", "GITHUB_PAT", "passphrase"),
    ]
)
around = st.text(st.sampled_from("abc XYZ\n.,:=/'\"{}()0123"), max_size=20)
# By their form alone, whatever stands around them.
FORMS = ("hf_{}", "rpa_{}", "ghp_{}", "github_pat_{}", "sk-proj-{}", "sk-ant-{}", "glpat-{}", "xoxb-{}", "nvapi-{}")


@given(around, st.sampled_from(FORMS), words, around)
def test_no_token_of_a_known_form_survives(before: str, form: str, word: str, after: str) -> None:
    assert word not in redacted(f"{before} {form.format(word)} {after}")


@given(
    names,
    st.sampled_from(
        [
            "run {}={} next",
            '{{"a": 1, "{}": "{}", "b": 2}}',
            "{{'{}': '{}'}}",
            '"{{\\"{}\\": \\"{}\\"}}"',
            "cmd --{} {} --other",
            "docker run -e {}={}",
            "https://host.example/path?x=1&{}={}",
            "2026-11-24T09:12:03Z {}={}",
        ]
    ),
    passwords.filter(lambda text: not text.startswith("-") and "\\" not in text),
)
def test_no_value_of_a_secret_name_survives(name: str, form: str, secret: str) -> None:
    left = redacted(form.format(name, secret))

    assert not [secret[at : at + 5] for at in range(len(secret) - 4) if secret[at : at + 5] in left]


@given(names, st.sampled_from(["{}={}", "export {}={}", "{}: {}", "  - {}={}", "2026-11-24T09:12:03Z {}={}"]), phrases)
def test_the_value_of_a_line_goes_on_to_its_end(name: str, form: str, secret: str) -> None:
    text = redacted(f"before\n{form.format(name, secret)}\nafter")

    assert text == f"before\n{form.format(name, MARK)}\nafter"


@given(st.text(min_size=4, max_size=30).filter(lambda text: len(text.strip()) > 3), around, around)
def test_what_is_known_goes_whatever_it_looks_like(secret: str, before: str, after: str) -> None:
    text = redacted(f"{before}|{secret}|{after}|{secret}{secret}", Private((secret,)))

    assert secret not in text.replace(MARK, "")


def test_a_known_secret_goes_from_urls_and_json_too() -> None:
    secret = 'p&s "w/örd'
    texts = ("x=p%26s%20%22w%2F%C3%B6rd", '{"x": "p&s \\"w/\\u00f6rd"}', '{"x": "p&s \\"w/örd"}')

    assert [redacted(text, Private((secret,))).count(MARK) for text in texts] == [1, 1, 1]


@given(st.lists(st.text("ABCDabcd0123+/", min_size=64, max_size=64), min_size=2, max_size=6), st.booleans())
def test_a_private_key_goes_whole_and_in_part(lines: list[str], is_cut: bool) -> None:
    whole = ["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----"]
    for text in ("\n".join(whole), "\\n".join(whole), "\n".join(whole[:-1]), "\n".join(whole[1:])):
        left = redacted(f"before\n{text}")
        assert not [line for line in lines if line in left]
        assert left.startswith("before")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("curl -H 'Authorization: Bearer abc.def' x", "curl -H 'Authorization: [redacted]' x"),
        ("authorization: Basic YWJjOmRlZg==", "authorization: [redacted]"),
        ("https://me:p@ss@host.example/x", "https://[redacted]@host.example/x"),
        ("git clone https://ghtoken@github.com/a/b", "git clone https://[redacted]@github.com/a/b"),
        ("curl -u me:pass x", "curl -u me:[redacted] x"),
        ("machine h login me password pa55 x", "machine h login me password [redacted] x"),
        ("AKIAIOSFODNN7EXAMPLE here", "[redacted] here"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln.", "jwt [redacted]."),
        (
            "smoke command `HF_TOKEN=abc python x` ended with status 1: boom",
            "smoke command `HF_TOKEN=[redacted] python x` ended with status 1: boom",
        ),
    ],
)
def test_the_rest_of_the_line_is_kept(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'model.layers.0'",
        "max_tokens=4096, batched tokens: 8,192 tokens/s: 51.3",
        "tokenizer_config.json: 100%",
        "from huggingface_hub import hf_hub_download, hf_transfer; sk-learn task-1234567890abcdef",
        "PWD=/workspace PATH=/usr/bin:/bin listen=8888 no env_present=HF_TOKEN",
        "its host key is not the one that the pod's log shows: somebody else answers there",
        "pod wucvbhueptuuyd at 194.68.245.17:22017, GPU-5e0e4cb5-8c31-9a3f-1d1c-6f2f6a1b77aa, sha256:9f86d081884c7d65",
        "ssh root@194.68.245.17 -p 22017: Permission denied (publickey,password).",
        "checking: basic health checks of the password file",
        "NVRM: Xid (PCI:0000:c1:00): 79, pid='<unknown>', GPU has fallen off the bus.",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text
    assert redacted(text, Private(("no-such-key",), "/home/nobody-here", ("mallory",), for_others=True)) == text


@given(st.text(max_size=200))
def test_doing_it_again_changes_nothing_more(text: str) -> None:
    once = redacted(text)

    assert redacted(once) == once


PRIVATE = Private(("key-of-this-user",), "/home/alice", ("alice", "root", "al"), for_others=True)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("open /home/alice/x, /home/alicia", "open ~/x, /home/alicia"),
        ("rp-alice-2, Alice's, alicent", f"rp-{USER}-2, {USER}'s, alicent"),
        ("root al", "root al"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1 me@laptop ok", "ssh-ed25519 [redacted] ok"),
        ("mail bob.b@mail.example.org now", f"mail {EMAIL} now"),
        ("git@github.com wucv-64410d2f@ssh.runpod.io", "git@github.com wucv-64410d2f@ssh.runpod.io"),
    ],
)
def test_what_leaves_tells_of_no_person(text: str, left: str) -> None:
    assert redacted(text, PRIVATE) == left
    assert redacted(text, replace(PRIVATE, for_others=False)) == text


def test_a_root_home_is_every_pods_home() -> None:
    assert redacted("/root/x /y", Private((), "/root", (), for_others=True)) == "/root/x /y"
    assert redacted("/root/x /y", Private((), "/", (), for_others=True)) == "/root/x /y"


def test_a_history_is_redacted_all_through() -> None:
    visit = "Accepted publickey for root from 203.0.113.9 port 51112 ssh2"
    failed = "ssh: connect to host 194.68.245.17: by 194.68.245.17 port 22017"
    secret = PRIVATE.secrets[0]
    check = Check("a", Verdict.FAIL, secret, secret, secret)
    told = History(
        "d1",
        "t",
        f"alice-{secret}",
        "failed",
        0.0,
        1.0,
        steps=(
            Step(0.0, "p1", LOG, f"container\n{visit}\nSSH_CLIENT=203.0.113.9 51112 22"),
            Step(0.0, "p1", NOTE, failed),
        ),
        looks=(Look(0.0, "p1", Report("basic", (check,), raw=f"x {secret}")),),
    )

    clean = redact.history(told, PRIVATE)

    assert secret not in repr(clean) + repr(clean.looks)
    assert "203.0.113.9" not in repr(clean)
    assert clean.steps[0].text.count(ADDRESS) == 2
    assert clean.steps[1].text == failed
    assert clean.alias == f"{USER}-{MARK}"


def test_the_secrets_of_an_environment_are_found_by_name_and_form() -> None:
    env = {
        "HF_TOKEN": "whatever-it-is",
        "PLAIN": "ghp_0123456789",
        "EDITOR": "vim-is-long-enough",
        "PWD": "/home/alice/x",
        "SSH_AUTH_SOCK": "/tmp/agent.1",
        "SHORT_KEY": "abc",
        "REFERRED_TOKEN": "${env:HF_TOKEN}",
        "ODD_KEY": 7,
    }

    assert redact.secrets_of(env, {"X_SECRET": "other-one"}) == ("whatever-it-is", "ghp_0123456789", "other-one")
    assert "whatever" not in repr(Private(("whatever",)))


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "key",
            "token ",
            "-",
            "://",
            "a@",
            "-----END",
            "-----BEGIN X PRIVATE KEY",
            "A" * 40 + "\n",
            "eyJ",
            "hf_",
        ),
        *('\\"', 'key="', "user x ", "0.", " ", "\n", "login a password ", "2026-01-01T", "sk-", "key:'\\\\", "\\\\"),
    ],
)
def test_hostile_text_takes_no_long_time(piece: str) -> None:
    """What takes the square of the length would take minutes here, and the test has a limit."""
    redacted(piece * (400_000 // len(piece)), PRIVATE)
