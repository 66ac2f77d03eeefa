"""The Host blocks that rp up to 0.4 wrote into the user's own ssh_config, moved into rp's."""

import re
from dataclasses import dataclass

# Exactly what it wrote, and not a line more: whatever follows is the user's.
_BLOCK = re.compile(
    rb"^Host (?P<alias>[A-Za-z0-9][A-Za-z0-9._-]*)\r?\n"
    rb"[ \t]+# rp:managed alias=(?P=alias) pod_id=(?P<pod_id>[A-Za-z0-9_-]+)[^\n]*(?:\n|\Z)"
    rb"(?P<options>(?:[ \t]+(?:HostName|User|Port|IdentitiesOnly|IdentityFile|ForwardAgent)[ \t][^\n]*(?:\n|\Z))*)"
    # A block with lines of the user's own in it stays where it is.
    rb"(?![ \t]+\S)",
    re.MULTILINE,
)
# The agent is no longer forwarded; identities and addresses are carried over as they are.
_CARRIED = ("HostName", "User", "Port", "IdentitiesOnly", "IdentityFile")


@dataclass(frozen=True)
class OlderBlock:
    alias: str
    pod_id: str
    options: tuple[str, ...]


def take_out(text: bytes) -> tuple[bytes, tuple[OlderBlock, ...]]:
    """The text without the blocks, every other byte as it was; and the blocks."""
    found = tuple(
        OlderBlock(
            match["alias"].decode(),
            match["pod_id"].decode(),
            tuple(
                line.strip()
                for line in match["options"].decode("utf-8", "replace").splitlines()
                if line.split()[0] in _CARRIED
            ),
        )
        for match in _BLOCK.finditer(text)
    )
    return _BLOCK.sub(b"", text), found
