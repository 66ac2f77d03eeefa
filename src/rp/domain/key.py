"""The RunPod API key: a secret."""

import re

from rp.errors import NotAllowed

KEY_VARIABLE = "RUNPOD_API_KEY"


class Key(str):
    """A secret text: it shows itself nowhere but where it is sent."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Key(…)"


def checked(text: str, where: str) -> Key:
    """Raises NotAllowed for what could not stand in a header, without repeating it."""
    key = text.strip()
    if not key:
        raise NotAllowed(f"there is no API key in {where}")
    if not re.fullmatch(r"[!-~]+", key):
        raise NotAllowed(f"the API key in {where} has characters that no key has", hint="`rp login` stores a new one")
    return Key(key)
