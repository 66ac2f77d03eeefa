"""Image references as docker reads them, and what a registry tells of an image."""

import re
from dataclasses import dataclass

DEFAULT_TAG = "latest"

_HUB = "docker.io"
# Docker Hub's name in references is not the host that speaks the registry protocol.
_HUB_HOST = "registry-1.docker.io"
_HUB_NAMES = (_HUB, "index.docker.io", _HUB_HOST)

# The grammar of github.com/distribution/reference: what docker and containerd take.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,128}")
_LONGEST = 600
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[::1\]")


@dataclass(frozen=True)
class Reference:
    """`host` speaks the registry protocol, with the port where one is given; a digest is stronger than a tag."""

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.repository}{tag}{digest}"

    @property
    def manifest(self) -> str:
        """What the registry is asked for."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def moves(self) -> bool:
        """Whether it is another image whenever somebody publishes one."""
        return self.digest is None and self.tag in (None, DEFAULT_TAG)

    @property
    def scheme(self) -> str:
        """As docker does it: unencrypted on this machine alone."""
        return "http" if is_loopback(self.host) else "https"


@dataclass(frozen=True)
class ImageFacts:
    """`download_bytes` is the sum of the compressed layers, None where it is not told.

    `amd64` is False where the registry lists the platforms it has, and linux/amd64 is none of them.
    """

    exists: bool = True
    download_bytes: int | None = None
    amd64: bool = True


def parse(text: str) -> Reference | None:
    """None where docker would not take it: `NVIDIA/cuda`, `image:`, `https://…`."""
    if len(text) > _LONGEST:
        return None
    name, at, digest = text.partition("@")
    if at and not is_digest(digest):
        return None
    name, tag = _split_tag(name)
    if tag is not None and not _TAG.fullmatch(tag):
        return None
    host, path = _split_host(name)
    if not _HOST.fullmatch(host) or not _REPOSITORY.fullmatch(path):
        return None
    if host in _HUB_NAMES:
        host, path = _HUB_HOST, path if "/" in path else f"library/{path}"
    return Reference(host, path, tag, digest or None)


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1 and localhost, with a port or without."""
    return _LOOPBACK.fullmatch(re.sub(r":\d+$", "", host) if not host.endswith("]") else host) is not None


def _split_tag(name: str) -> tuple[str, str | None]:
    """A colon behind the last slash begins a tag; one before it, a port."""
    slash, colon = name.rfind("/"), name.rfind(":")
    return (name[:colon], name[colon + 1 :]) if colon > slash else (name, None)


def _split_host(name: str) -> tuple[str, str]:
    """The first part is a host where it looks like one: `localhost`, a dot, a port, a capital letter."""
    first, slash, rest = name.partition("/")
    looks_like_host = first == "localhost" or any(mark in first for mark in ".:") or first != first.lower()
    return (first, rest) if slash and looks_like_host else (_HUB, name)
