"""Chats, push services and webhooks, through the library apprise, which rp does without until it is needed."""

from __future__ import annotations

import inspect
import logging
import re
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rp.domain import names
from rp.notify import targets

if TYPE_CHECKING:
    from apprise import Apprise, AppriseAsset

_EXAMPLES = "ntfy://topic, slack://… or https://host/path"
_REFUSED = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True)
class Service:
    """One that can be sent to; `called` is how it may be called in a text."""

    called: str
    _apprise: Apprise

    def send(self, title: str, body: str) -> str | None:
        """A sentence where it failed."""
        from apprise import NotifyFormat

        with _Heard() as heard:
            if self._apprise.notify(title=title, body=body, body_format=NotifyFormat.TEXT):
                return None
        return f"{self.called}: {_why(heard.lines)}"


def prepared(address: str, called: str) -> Service | str:
    """The service at `address`, or a sentence with the remedy. Contacts nobody."""
    kind = targets.scheme(address)
    if not kind:
        near = names.nearest(address.lower(), [targets.DESKTOP], most=1, cutoff=0.6)
        hint = names.did_you_mean(near) if near else f"use `{targets.DESKTOP}`, or an address such as {_EXAMPLES}"
        return f"{called}: this is no target; {hint}"
    try:
        _load()
    except ImportError:
        return f"{called}: it needs the library apprise; install rp with the extra `notify`, as in `rp[notify]`"
    from apprise import Apprise

    known = [*_plugins().schemas(), "http", "https"]
    if kind not in known:
        near = names.nearest(kind, known, most=1, cutoff=0.6)
        hint = names.did_you_mean(f"{one}://" for one in near) if near else f"known are {_EXAMPLES}, and many more"
        return f"{called}: no service has addresses that begin with `{kind}://`; {hint}"
    try:
        return _service(Apprise(asset=_asset()), address, called, kind)
    except Exception:  # noqa: BLE001 - other people's code, on what a person typed
        return f"{called}: the address is not well formed"


def _service(apprise: Apprise, address: str, called: str, kind: str) -> Service | str:
    """An https address may be one that a service gives out itself, such as Slack; else it is a webhook."""
    is_web = kind in ("http", "https")
    if apprise.add(address) or (is_web and apprise.add(targets.as_webhook(address))):
        return Service(called, apprise)
    return f"{called}: the address is not complete; {_form(kind)}"


def _form(kind: str) -> str:
    if kind in ("http", "https"):
        return f"it has the form {kind}://host/path"
    forms = getattr(_plugins()[kind], "templates", None) or ("{schema}://…",)
    return f"it has the form {next(iter(forms)).replace('{schema}', kind)}"


def _load() -> None:
    """Raises ImportError where apprise is not installed."""
    with warnings.catch_warnings():
        # What its many plugins import is no business of rp's user.
        warnings.simplefilter("ignore")
        _plugins().schemas()
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _plugins() -> Any:
    """One registry for all. Not typed by apprise."""
    import apprise

    registry: Any = apprise.NotificationManager
    return registry()


def _asset() -> AppriseAsset:
    from apprise import AppriseAsset

    own: dict[str, Any] = {"app_id": "rp", "app_desc": "rp", "async_mode": False}
    if "service_timeout" in inspect.signature(AppriseAsset.__init__).parameters:
        # With a limit of its own it works in threads for which Python waits at the end; rp's own limit does not.
        own["service_timeout"] = 0
    return AppriseAsset(**own)


class _Heard(logging.Handler):
    """What apprise has to say in this thread. It may hold addresses, so nothing of it is shown as it is."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> _Heard:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def _why(lines: list[str]) -> str:
    text = "\n".join(lines)
    if refused := _REFUSED.search(text):
        return f"the service answered with HTTP {refused[1]}; check the address and its token"
    if re.search("connection error", text, re.IGNORECASE):
        return "the service could not be reached; check the address and the network"
    return "the service did not take it; check the address and its token"
