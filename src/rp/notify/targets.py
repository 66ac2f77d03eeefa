"""Where notifications go: `desktop`, the address of a service such as `ntfy://topic`, or a web address."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from rp.domain.secrets import LOCAL_REFERENCE, resolve

DESKTOP = "desktop"
VARIABLE = "RP_NOTIFY"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE)
# Elsewhere what stands in the host's place is often a token.
_TRUE_HOSTS = ("http", "https", "json", "jsons")


def chosen(given: Sequence[str], env: Mapping[str, str]) -> tuple[str, ...]:
    """Those given, else those of RP_NOTIFY with spaces between them. Each once."""
    return tuple(dict.fromkeys(given or env.get(VARIABLE, "").split()))


def resolved(target: str, env: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The target with `${env:NAME}` replaced, and the variables that are not set."""
    found, missing = resolve({"": target}, env)
    return found[""].strip(), missing


def scheme(target: str) -> str:
    """In lower case; empty where there is none."""
    found = _SCHEME.match(target)
    return found[1].lower() if found else ""


def called(target: str) -> str:
    """What to call it in a text: nothing of it that may be a token, a user or a password."""
    if target == DESKTOP or LOCAL_REFERENCE.fullmatch(target):
        return target
    if not (kind := scheme(target)):
        return target if re.fullmatch(r"[A-Za-z]{1,15}", target) else "a target without `://`"
    try:
        host = urlsplit(target).hostname if kind in _TRUE_HOSTS and "$" not in target else None
    except ValueError:
        host = None
    return f"{kind}://{host or '…'}"


def as_webhook(address: str) -> str:
    """An http(s) address as the service that posts JSON there, with the query going along."""
    parts = urlsplit(address)
    query = urlencode([(f"-{name}", value) for name, value in parse_qsl(parts.query, keep_blank_values=True)])
    kind = "jsons" if parts.scheme.lower() == "https" else "json"
    return urlunsplit((kind, parts.netloc, quote(parts.path, safe="/%"), query, ""))
