"""SSH host keys, and whether the pod's own log vouches for them."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

# What `ssh-keygen -lf` prints, and official images with it into their log at each start.
_FINGERPRINT = re.compile(r"\b\d+ (SHA256:[A-Za-z0-9+/]{43}) .*\((?:ED25519|ECDSA|RSA|DSA)\)")
_KEY_TYPE = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+")


@dataclass(frozen=True)
class HostKey:
    type: str
    base64: str

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(base64.b64decode(self.base64)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def scanned(output: str) -> tuple[HostKey, ...]:
    """The keys in what `ssh-keyscan` printed; lines that are no keys are passed over."""
    keys = []
    for line in output.splitlines():
        words = line.split()
        if len(words) >= 3 and not line.startswith("#") and _KEY_TYPE.fullmatch(words[1]) and _is_base64(words[2]):
            keys.append(HostKey(words[1], words[2]))
    return tuple(keys)


def fingerprints(log_lines: Iterable[str]) -> frozenset[str]:
    """The fingerprints that the container printed."""
    return frozenset(found[1] for line in log_lines if (found := _FINGERPRINT.search(line)))


def vouched(keys: Iterable[HostKey], told: frozenset[str]) -> tuple[HostKey, ...]:
    """The keys that the log knows; all of them where the log tells nothing."""
    return tuple(key for key in keys if not told or key.fingerprint in told)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
