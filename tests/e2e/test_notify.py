"""`rp notify` and where it sends to."""

from conftest import User
from webhook import webhook


def test_a_message_goes_to_those_that_are_named_else_to_those_configured(user: User) -> None:
    with webhook() as named, webhook() as exported, webhook() as configured:
        user.write_config("config.toml", f'notify = ["http://{configured.host}/c"]\n').chmod(0o600)
        said = user.rp(
            "notify", f"http://{named.host}/n", "${env:HOOK}", "--message", "hi", HOOK=f"json://{named.host}/h"
        )
        user.rp("notify", RP_NOTIFY=f"http://{exported.host}/e")
        user.rp("notify")

    assert said.out == "sent to 2 targets\n"
    assert sorted(path for path, _ in named.posted) == ["/h", "/n"]
    assert {posted["message"] for _, posted in named.posted} == {"hi"}
    assert [path for path, _ in exported.posted] == ["/e"]
    assert [path for path, _ in configured.posted] == ["/c"]


def test_what_failed_is_told_without_secrets(user: User) -> None:
    with webhook(status=404) as hook:
        one = user.rp("notify", f"http://u:hush@{hook.host}/s3cr3t", code=1)
        two = user.rp("notify", "${env:HOOK}", "slakc://s3cr3t", code=1, HOOK=f"json://{hook.host}/s3cr3t")

    assert one.err == "error: http://127.0.0.1: the service answered with HTTP 404; check the address and its token\n"
    assert two.err.splitlines() == [
        "error: 2 of 2 notifications failed",
        "  ${env:HOOK}: the service answered with HTTP 404; check the address and its token",
        "  slakc://…: no service has addresses that begin with `slakc://`; did you mean `slack://`?",
    ]


def test_nobody_named_and_a_file_that_cannot_be_read(user: User) -> None:
    nobody = user.rp("notify", code=2)
    path = user.write_config("config.toml", "notify = [")
    broken = user.rp("notify", code=1)

    assert "nobody is named" in nobody.err
    assert str(path) in nobody.err
    assert f"cannot read {path}: line 1, column " in broken.err
