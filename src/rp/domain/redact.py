"""Secrets, and what tells of a person, out of text that others will read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from rp.domain.history import LOG
from rp.domain.secrets import looks_secret

if TYPE_CHECKING:
    from rp.domain.history import History, Step
    from rp.domain.verdict import Check, Report

MARK = "[redacted]"
USER = "[user]"
ADDRESS = "[address]"
EMAIL = "[e-mail]"
MARKS = (MARK, USER, ADDRESS, EMAIL)
# A shorter value stands in too many words to be put out everywhere: of an environment, and of what is surely a secret.
_SHORTEST = 6
_SHORTEST_SURE = 4
# Names of accounts that say nothing about a person, or that are words of every report.
_NOBODY = frozenset(
    (
        *("root", "user", "users", "admin", "administrator", "nobody", "guest", "test", "dev", "home", "data"),
        *("ubuntu", "debian", "fedora", "centos", "runner", "vagrant", "docker", "workspace"),
        *("pod", "pods", "gpu", "gpus", "cuda", "nvidia", "torch", "python", "runpod"),
    )
)
# Variables whose names look like a secret's, and that hold paths.
_PATHS = frozenset(("PWD", "OLDPWD", "SSH_AUTH_SOCK", "XAUTHORITY"))

# The end of a name like HF_TOKEN, apiKey, "aws_secret_access_key": what stands before it does not matter.
_NAME = (
    r"(?:(?:token(?!iz)|secret|passw(?:or)?d|passphrase|passcode|credential|signature|cookie|jwt|key(?!error))s?"
    r"(?:(?-i:(?!Error)[A-Z])\w{0,40})?|(?:(?<![a-z])(?:auth|dsn|pat)|(?<=[_-])(?:pass|pwd))(?![a-z]))"
    r"(?:[_.\-\d][\w.\-]{0,40})?"
)
_IS = r"(?:\\{0,4}[\"'])?[ \t]{0,3}(?:=>|:=|={1,2}|:)[ \t]{0,3}"
# A text in quotes, in quotes inside of a quoted text (four levels: a run without an end must not be searched again at
# each of its characters), or all up to the next space.
_VALUE = (
    r"(?:\\{1,15}[\"'](?:(?!\\{1,15}[\"'])[^\n])*(?:\\{1,15}[\"'])?"
    r"|(?:\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?)"
    r"(?:\\.|\"(?:[^\"\\\n]|\\.)*\"?|'[^'\n]*'?|\w[^\s\"',;}\])]*)*"
    r"|[^\s\"']\S*)"
)
_LINE = re.compile(
    # One line of `env`, of a .env file or of YAML: the value goes on to its end.
    rf"^((?:\d{{4}}-\d\d-\d\d[T ]\S{{0,40}}[ \t]+)?[ \t]{{0,40}}(?:(?:export|declare -x|set|ENV|-|\+)[ \t]+)?"
    rf"[\w.\-]{{0,64}}?{_NAME}[ \t]{{0,3}}[=:][ \t]{{0,3}})([^\s\"'{{\[\\][^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ASSIGNED = re.compile(rf"({_NAME}{_IS})({_VALUE})", re.IGNORECASE)
_COUNT = re.compile(r"[\d.,]+(?:%|[kKM]?(?:/s)?)[,;)\]}]*(?:[\s|]|$)")
_FLAG = re.compile(rf"((?<![\w\-])--?[\w\-]{{0,40}}?{_NAME}[ \t]+)(?!-){_VALUE}", re.IGNORECASE)
_WORDS = (
    re.compile(r"((?:authorization|x-api-key|cookie)[\"']?[ \t]*[:=][ \t]*[\"']?)[^\n\"']+", re.IGNORECASE),
    re.compile(r"(\bbearer[ \t]+[\"']?)[^\s\"',]{4,}", re.IGNORECASE),
    re.compile(r"(\blogin[ \t]+\S{1,200}[ \t]+password[ \t]+)\S+", re.IGNORECASE),
    re.compile(r"((?:\s-u|--user)[ =]+[^\s:]{1,200}:)\S+"),
    # The last @ before a path ends what is secret: passwords may hold one.
    re.compile(r"(\b[a-z][a-z0-9+.\-]{0,20}://)[^\s/\"'<>]{1,500}(?=@)", re.IGNORECASE),
)
_KEY_BEGIN = re.compile(
    r"-----BEGIN[ A-Z0-9]{0,40} PRIVATE KEY.*?(?:-----END[ A-Z0-9]{0,40} PRIVATE KEY(?: BLOCK)?-----|\Z)", re.DOTALL
)
_KEY_END = re.compile(r"-----END[ A-Z0-9]{0,40} PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{16,}\s*$")
# Tokens that are told by their form. An ordinary word after the prefix, as in hf_transfer or sk-learn, is none.
_TOKENS = re.compile(
    r"(?:hf|api_org|rpa|rps|gsk|r8|nvapi|tskey|lin_api|npm|dop_v1|dckr_pat|glpat|wandb_v1|xox[a-z])[_\-](?![a-z_\-]{1,99}(?![\w\-]))[A-Za-z0-9_\-]{8,}"
    r"|gh[a-z]_(?![a-z_]{1,99}(?!\w))[A-Za-z0-9]{8,}|github_pat_[A-Za-z0-9_]{8,}"
    r"|(?<![A-Za-z0-9])(?:sk|pk|rk)[_\-](?![a-z_\-]{1,99}(?![\w\-]))[A-Za-z0-9_\-]{12,}"
    r"|(?<![A-Za-z0-9])A(?:KIA|SIA|GPA|ROA|IDA)[A-Z0-9]{12,}|AIza[A-Za-z0-9_\-]{20,}|ya29\.[A-Za-z0-9_\-]{10,}"
    r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|AGE-SECRET-KEY-[A-Z0-9]+"
    r"|(?<![A-Za-z0-9])eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*)?"
)
_PUBLIC_KEY = re.compile(
    r"\b((?:sk-)?(?:ssh-[a-z0-9]{2,12}|ecdsa-[a-z0-9\-]{2,30})(?:@openssh\.com)?) AAAA\S+(?: \S+@\S+)?"
)
_EMAIL = re.compile(r"(?<![\w.+\-])([\w.+\-]{1,64})@((?:[\w\-]{1,63}\.){1,8}[A-Za-z]{2,24})\b")
# What sshd in the pod writes of who logged in: the address is the user's.
_VISITOR = re.compile(r"\b((?:from|by|user \S{1,64}|invalid user)[ \t]+)([0-9a-fA-F.:%]{3,60})(?=[ \t]+port[ \t]+\d)")
_CLIENT = re.compile(r"(\bSSH_(?:CLIENT|CONNECTION)[\"']?[=:][ \t]*[\"']?)[0-9a-fA-F.:%]{3,60}[ \t]+\d+")


@dataclass(frozen=True)
class Private:
    """What is known to be private. `secrets` go whatever they look like.

    `for_others`: the text leaves this computer, so what tells of a person goes too: `home`, the names `users`,
    e-mail addresses, public keys, and the addresses that logs tell of visitors.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    home: str = ""
    users: tuple[str, ...] = ()
    for_others: bool = False


_NOTHING_KNOWN = Private()


def secrets_of(*envs: Mapping[str, object]) -> tuple[str, ...]:
    """The values in these environments that look like secrets, by their variables' names or their own form."""
    return tuple(
        dict.fromkeys(
            value
            for env in envs
            for name, value in env.items()
            if isinstance(value, str)
            and len(value) >= _SHORTEST
            and name not in _PATHS
            and value.lower() not in ("false", "enabled", "disabled")
            and looks_secret(name, value)
        )
    )


def redacted(text: str, private: Private = _NOTHING_KNOWN) -> str:
    """`text` without what looks like a secret, or is known to be private. What is left out leaves a mark."""
    for secret in _spellings(private.secrets):
        text = text.replace(secret, MARK)
    text = _without_key_ends(_KEY_BEGIN.sub(MARK, text))
    for pattern in _WORDS:
        text = pattern.sub(_after_name, text)
    text = _LINE.sub(_assigned, text)
    text = _FLAG.sub(_after_name, text)
    text = _TOKENS.sub(MARK, _ASSIGNED.sub(_assigned, text))
    return _without_people(text, private) if private.for_others else text


def _without_key_ends(text: str) -> str:
    """Also the end of a private key alone, as where a log was cut, goes."""
    if not _KEY_END.search(text):
        return text
    kept: list[str] = []
    for line in text.split("\n"):
        if end := list(_KEY_END.finditer(line)):
            while kept and _KEY_LINE.search(kept[-1][-200:]):
                kept.pop()
            line = MARK + line[end[-1].end() :]
        kept.append(line)
    return "\n".join(kept)


def _after_name(match: re.Match[str]) -> str:
    return match[1] + MARK


def _assigned(match: re.Match[str]) -> str:
    """Numbers of tokens, as language models count them, are no secrets."""
    is_count = re.search("tokens", match[1], re.IGNORECASE) and _COUNT.match(match[2])
    return match[0] if is_count else match[1] + MARK


def _spellings(secrets: Iterable[str]) -> list[str]:
    """Each secret as it is, in a URL and in JSON; the longest first, since one may be a part of another."""
    known = {secret for secret in secrets if len(secret.strip()) >= _SHORTEST_SURE}
    spelled = known | {quote(secret, safe="") for secret in known}
    spelled |= {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for secret in known for ascii_only in (True, False)}
    return sorted(spelled, key=lambda secret: (-len(secret), secret))


def _without_people(text: str, private: Private) -> str:
    home = private.home.rstrip("/")
    # In a pod everybody's home is /root.
    if home.count("/") >= 1 and home != "/root":
        text = re.sub(re.escape(home) + r"(?![\w.\-])", "~", text)
    text = _PUBLIC_KEY.sub(rf"\1 {MARK}", text)
    text = _EMAIL.sub(_email, text)
    for user in sorted(private.users, key=len, reverse=True):
        if len(user) > 2 and user.lower() not in _NOBODY:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(user)}(?![A-Za-z0-9])", USER, text, flags=re.IGNORECASE)
    return text


def _email(match: re.Match[str]) -> str:
    """`git@github.com` and a pod at ssh.runpod.io are no people, and the latter tells the machine."""
    is_person = match[1] not in ("git", "root") and not match[2].endswith("runpod.io")
    return EMAIL if is_person else match[0]


def history(told: History, private: Private) -> History:
    """The same history, all its texts redacted."""

    def clean(text: str) -> str:
        return redacted(text, private)

    return replace(
        told,
        template=clean(told.template),
        alias=clean(told.alias),
        attempts=tuple(
            replace(attempt, name=clean(attempt.name), reason=clean(attempt.reason)) for attempt in told.attempts
        ),
        steps=tuple(_step(step, private) for step in told.steps),
        looks=tuple(replace(look, report=_report(look.report, private)) for look in told.looks),
    )


def _step(step: Step, private: Private) -> Step:
    text = redacted(step.text, private)
    # Only in a pod's own log: elsewhere such an address is the pod's, and names the machine.
    if private.for_others and step.kind == LOG:
        text = _CLIENT.sub(rf"\1{ADDRESS}", _VISITOR.sub(rf"\1{ADDRESS}", text))
    return replace(step, attempt=redacted(step.attempt, private), text=text)


def _report(report: Report, private: Private) -> Report:
    checks = tuple(_check(check, private) for check in report.checks)
    return replace(report, checks=checks, raw=redacted(report.raw, private))


def _check(check: Check, private: Private) -> Check:
    return replace(
        check,
        sentence=redacted(check.sentence, private),
        measured=redacted(check.measured, private),
        expected=redacted(check.expected, private),
    )
