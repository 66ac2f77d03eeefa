"""What image registries tell of an image, to anybody who asks: without credentials, in two seconds at most."""

import queue
import threading
from collections.abc import Callable
from typing import Protocol

from rp.domain.image import ImageFacts, Reference

# Seconds for all of it: names, redirects, a token, and a server that trickles.
PATIENCE = 2.0


class Kept(Protocol):
    """What registries told lately."""

    def get(self, reference: str, now: float) -> ImageFacts | None: ...
    def put(self, reference: str, facts: ImageFacts, now: float) -> None: ...


class Registries:
    """The registry protocol of docker, read only. With `asks` off nobody is asked anything."""

    def __init__(self, kept: Kept, *, monotonic: Callable[[], float], asks: bool, patience: float = PATIENCE) -> None:
        self._kept = kept
        self._monotonic = monotonic
        self._asks = asks
        self._patience = patience

    def facts(self, reference: Reference, now: float) -> ImageFacts | None:
        """None where the registry does not tell: a private image, no answer in time, or anything odd."""
        if not self._asks:
            return None
        known = self._kept.get(str(reference), now)
        if known is not None:
            return known
        found = self._asked(reference)
        # That there is none may change any moment: somebody pushes it.
        if found is not None and found.exists:
            self._kept.put(str(reference), found, now)
        return found

    def _asked(self, reference: Reference) -> ImageFacts | None:
        """In a thread of its own: no limit of one read ends a slow name server, or one that trickles."""
        answers: queue.SimpleQueue[ImageFacts | None] = queue.SimpleQueue()
        deadline = self._monotonic() + self._patience

        def ask() -> None:
            answers.put(_answer(reference, lambda: deadline - self._monotonic()))

        threading.Thread(target=ask, daemon=True).start()
        try:
            return answers.get(timeout=self._patience)
        except queue.Empty:
            return None


def _answer(reference: Reference, left: Callable[[], float]) -> ImageFacts | None:
    try:
        from rp.registry.conversation import Conversation

        with Conversation(reference, left) as conversation:
            return conversation.facts()
    except Exception:  # noqa: BLE001 - whatever a registry answers, the deploy goes on without it
        return None
