"""What targets are called, and where web addresses go."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.notify import targets


@pytest.mark.parametrize(
    ("target", "called"),
    [
        ("desktop", "desktop"),
        ("${env:SLACK_URL}", "${env:SLACK_URL}"),
        ("ntfy://user:pass@topic", "ntfy://…"),
        ("slack://TokenA/TokenB/TokenC", "slack://…"),
        ("tgram://123456:secret/chat", "tgram://…"),
        ("https://user:pass@hooks.example.org/T0/B0?token=x", "https://hooks.example.org"),
        ("JSON://host:99/x", "json://host"),
        ("https://${env:HOST_AND_TOKEN}/x", "https://…"),
        ("https://[bad", "https://…"),
        ("destkop", "destkop"),
        ("xoxb-1234567890-token", "a target without `://`"),
        ("", "a target without `://`"),
    ],
)
def test_a_target_is_called_by_nothing_secret(target: str, called: str) -> None:
    assert targets.called(target) == called


@pytest.mark.parametrize(
    ("address", "webhook"),
    [
        ("http://host/path", "json://host/path"),
        ("https://host", "jsons://host"),
        ("HTTPS://u:p@host:99/a%20b/", "jsons://u:p@host:99/a%20b/"),
        ("https://host/x?token=a%26b&empty=#part", "jsons://host/x?-token=a%26b&-empty="),
        ("http://[::1]:8/x", "json://[::1]:8/x"),
    ],
)
def test_a_web_address_is_a_webhook_that_takes_json(address: str, webhook: str) -> None:
    assert targets.as_webhook(address) == webhook


words = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)


@given(query=st.lists(st.tuples(words, st.text(max_size=8)), max_size=3))
def test_the_query_goes_along_whole(query: list[tuple[str, str]]) -> None:
    from urllib.parse import urlencode

    address = targets.as_webhook(f"https://host/path?{urlencode(query)}")

    assert parse_qsl(urlsplit(address).query, keep_blank_values=True) == [(f"-{name}", text) for name, text in query]


def test_targets_given_come_before_those_of_the_environment() -> None:
    env = {"RP_NOTIFY": " desktop\n ntfy://a  desktop "}

    assert targets.chosen(["ntfy://b", "ntfy://b"], env) == ("ntfy://b",)
    assert targets.chosen([], env) == ("desktop", "ntfy://a")
    assert targets.chosen([], {}) == ()


def test_references_are_replaced_and_the_missing_named() -> None:
    assert targets.resolved("ntfy://${env:USER_}@h/t", {"USER_": "u:p"}) == ("ntfy://u:p@h/t", ())
    assert targets.resolved("${env:A}", {}) == ("", ("A",))
