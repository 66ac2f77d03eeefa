"""Whether a host is one of the public internet: what strangers name must not lead into the user's own network."""

import ipaddress
import re

_NAME = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*")
# What is unicast and worldwide; outside are addresses that stand for one of IPv4 (RFC 6052), as some inside do, too.
_IPV6 = ipaddress.ip_network("2000::/3")
# Answered by no name server of the public internet (RFC 6761, 6762, 8375, and ICANN's `internal`).
_AT_HOME = ("localhost", "local", "internal", "home.arpa", "localdomain", "lan", "intranet", "home", "corp", "onion")


def is_public(host: str) -> bool:
    """By the look of it, without asking a name server. `host` is without its port, an IPv6 address without brackets.

    Resolvers read more as an address than is one: `127.1`, `0x7f000001`, digits of other scripts. All of it is refused.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _is_public_name(host.lower().removesuffix("."))
    if address.version == 6 and (address not in _IPV6 or address.sixtofour or address.teredo):
        return False
    return address.is_global and not address.is_multicast


def _is_public_name(host: str) -> bool:
    at_home = any(host == one or host.endswith(f".{one}") for one in _AT_HOME)
    return _NAME.fullmatch(host) is not None and not at_home
