"""Tells people that something is done, where they are."""

import threading
from collections.abc import Callable, Mapping, Sequence

from rp.notify import desktop, services, targets

_PATIENCE = 10.0
_LONGEST = 4000  # characters; services have limits of their own

Send = Callable[[str, str], str | None]


class Notifier:
    """`env` resolves `${env:NAME}` in targets; `patience` is in seconds, for all targets together."""

    def __init__(self, env: Mapping[str, str], monotonic: Callable[[], float], *, patience: float = _PATIENCE) -> None:
        self._env = env
        self._monotonic = monotonic
        self._patience = patience

    def problem(self, target: str) -> str | None:
        """A sentence with the remedy where nothing can be sent to `target`. Contacts nobody."""
        ready = self._prepared(target)
        return ready if isinstance(ready, str) else None

    def send(self, targets: Sequence[str], title: str, body: str) -> list[str]:
        """Send to each target once, all at the same time; a sentence for each that failed, in their order.

        Raises nothing, and names no token. A target that takes too long is given up, and no longer waited for.
        """
        title = _line(title) or "rp"
        body = _lines(body).strip() or title  # services refuse an empty one
        wanted = list(dict.fromkeys(targets))
        problems: dict[str, str | None] = {}
        threads: dict[str, threading.Thread] = {}
        for target in wanted:
            ready = self._prepared(target)
            if isinstance(ready, str):
                problems[target] = ready
            else:
                threads[target] = threading.Thread(
                    target=_deliver, args=(ready, target, title, body, problems), daemon=True
                )
        self._wait(list(threads.values()))
        # A thread that still runs may yet write to `problems`; what it says then is not told.
        told = dict(problems)
        return [problem for target in wanted if (problem := told.get(target, self._late(target)))]

    def _wait(self, threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            thread.start()
        until = self._monotonic() + self._patience
        for thread in threads:
            thread.join(max(0.0, until - self._monotonic()))

    def _late(self, target: str) -> str:
        return f"{targets.called(target)}: no answer within {self._patience:g} s; it may have arrived all the same"

    def _prepared(self, target: str) -> Send | str:
        called = targets.called(target)
        address, missing = targets.resolved(target, self._env)
        if missing:
            return f"{called}: {' and '.join(missing)} is not set; export {missing[0]}=… first"
        if address == targets.DESKTOP:
            if problem := desktop.missing(self._env):
                return problem
            # It has to end while somebody waits for it: what is given up stays behind.
            return lambda title, body: desktop.send(self._env, title, body, 0.9 * self._patience)
        ready = services.prepared(address, called)
        return ready if isinstance(ready, str) else ready.send


def _deliver(send: Send, target: str, title: str, body: str, problems: dict[str, str | None]) -> None:
    try:
        problems[target] = send(title, body)
    except Exception as error:  # noqa: BLE001 - other people's code: that it failed is all that may be told
        problems[target] = f"{targets.called(target)}: it could not be sent ({type(error).__name__})"


def _line(text: str) -> str:
    """Without line breaks and what could steer a terminal or a header."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:_LONGEST]


def _lines(text: str) -> str:
    return "\n".join("".join(char for char in line if char.isprintable()) for line in text.split("\n"))[:_LONGEST]
