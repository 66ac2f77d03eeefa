import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import secrets
from unit.samples import texts, variables


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("HF_TOKEN", "abc"),
        ("hf_token", "abc"),
        ("WANDB_API_KEY", "abc"),
        ("APIKEY", "abc"),
        ("OPENAI_API_KEY", "abc"),
        ("AWS_SECRET_ACCESS_KEY", "abc"),
        ("AWS_ACCESS_KEY_ID", "abc"),
        ("DB_PASSWORD", "abc"),
        ("PGPASSWORD", "abc"),
        ("SSH_PASSPHRASE", "abc"),
        ("MYSQL_PWD", "abc"),
        ("GITHUB_PAT", "abc"),
        ("SENTRY_DSN", "abc"),
        ("GOOGLE_CREDENTIALS", "{}"),
        ("BASIC_AUTH", "me:pw"),
        ("HF_TOKENS", "a,b"),
        ("ANYTHING", "hf_abcdef"),
        ("ANYTHING", "sk-abcdef"),
        ("ANYTHING", "ghp_abcdef"),
        ("ANYTHING", "rpa_abcdef"),
        ("DATABASE_URL", "postgres://me:pw@host/db"),
        ("REDIS_URL", "redis://:pw@host/0"),
        ("HF_TOKEN", "prefix ${env:HF_TOKEN}"),
        ("MYTOKEN", "abc"),
        ("HF_TOKEN2", "abc"),
        ("API_KEY_2", "abc"),
        ("sshkey", "abc"),
        ("hfToken", "abc"),
        ("api-key", "abc"),
        ("accessKeyId", "abc"),
        ("ANYTHING", "r8_Abcdefgh12345678"),
        ("ANYTHING", "gsk_abcdEFGH1234567890"),
        ("ANYTHING", "nvapi-Abcdefgh1234"),
        ("ANYTHING", "AIzaSyA1234567890abcdefghij"),
        ("ANYTHING", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        ("ANYTHING", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\n"),
        ("ANYTHING", "https://hooks.slack.com/services/T0/B0/abcdef"),
        ("ANYTHING", "Bearer abcdef123456"),
        ("ANYTHING", "https://example.com/x?token=abc"),
        ("ANYTHING", "--verbose --api-key abc"),
    ],
)
def test_what_looks_secret(key: str, value: str) -> None:
    assert secrets.looks_secret(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("HF_HOME", "/root/.cache"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("KEYBOARD", "us"),
        ("MONKEY", "george"),
        ("COMPASS", "north"),
        ("AUTHOR", "me"),
        ("PATH", "/usr/bin"),
        ("MODEL_URL", "https://example.com/a"),
        ("PROXY", "http://proxy:8080"),
        ("HF_TOKEN", ""),
        ("HF_TOKEN", "${env:HF_TOKEN}"),
        ("HF_TOKEN", "{{ RUNPOD_SECRET_hf }}"),
        ("HF_TOKEN", "{{RUNPOD_SECRET_hf}}"),
        ("HEADER", "Bearer ${env:HF_TOKEN}"),
        ("ARGS", "--token ${env:HF_TOKEN} --api-key {{ RUNPOD_SECRET_x }}"),
        ("HF_HUB_ENABLE_HF_TRANSFER", "1"),
        ("HOTKEYS_FILE", "/x"),
    ],
)
def test_what_does_not_look_secret(key: str, value: str) -> None:
    assert not secrets.looks_secret(key, value)


def test_scrub_puts_a_reference_in_the_place_of_each_secret() -> None:
    env = {"HF_HOME": "/x", "HF_TOKEN": "a", "ANY": "sk-1", "REF": "${env:REF}"}

    assert secrets.scrub(env) == (
        {"HF_HOME": "/x", "HF_TOKEN": "${env:HF_TOKEN}", "ANY": "${env:ANY}", "REF": "${env:REF}"},
        ("HF_TOKEN", "ANY"),
    )


@given(st.dictionaries(variables, texts, max_size=5))
def test_what_scrub_took_out_comes_back_from_the_environment(env: dict[str, str]) -> None:
    scrubbed, taken = secrets.scrub(env)

    assert list(scrubbed) == list(env)
    assert all(not secrets.looks_secret(key, value) for key, value in scrubbed.items())
    assert {key: value for key, value in env.items() if key not in taken}.items() <= scrubbed.items()
    taken_back, missing = secrets.resolve({key: scrubbed[key] for key in taken}, env)
    assert taken_back == {key: env[key] for key in taken}
    assert missing == ()


def test_names_that_are_not_set_are_told_once() -> None:
    resolved, missing = secrets.resolve({"A": "${env:X}${env:Y}", "B": "${env:X}"}, {})

    assert resolved == {"A": "", "B": ""}
    assert missing == ("X", "Y")


def test_a_variable_that_is_set_and_empty_is_not_missing() -> None:
    assert secrets.resolve({"A": "${env:X}"}, {"X": ""}) == ({"A": ""}, ())


@given(texts)
def test_a_local_value_is_never_read_as_a_reference_itself(value: str) -> None:
    assert secrets.resolve({"A": "${env:X}"}, {"X": value, "Y": "no"})[0] == {"A": value}


@pytest.mark.parametrize("name", ["RUNPOD_POD_ID", "RUNPOD_API_KEY", "PUBLIC_KEY", "JUPYTER_PASSWORD", "RP_TAGS"])
def test_runpod_makes_some_variables_itself(name: str) -> None:
    assert secrets.MADE_BY_RUNPOD.fullmatch(name)
    assert not secrets.MADE_BY_RUNPOD.fullmatch(f"MY_{name}")


@pytest.mark.parametrize("text", ['key=\\"' + "\\" * 20_000, "https://" * 5000, "token " * 5000, "eyJ" * 9000])
def test_a_long_value_of_somebody_else_is_judged_at_once(text: str) -> None:
    before = time.process_time()
    secrets.shown("A", text)

    # A fraction of a second; where each place is searched to the end it would be many.
    assert time.process_time() - before < 3
