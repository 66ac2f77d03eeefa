"""Hosts of the public internet, and what only looks like one."""

import pytest

from rp.domain.public_host import is_public


@pytest.mark.parametrize(
    "host",
    [
        "ghcr.io",
        "registry-1.docker.io",
        "GHCR.io.",
        "nvcr.io",
        "xn--bcher-kva.de",
        "8.8.8.8",
        "2606:4700::1111",
    ],
)
def test_a_host_of_the_internet_may_be_asked(host: str) -> None:
    assert is_public(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "localhost",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.0.0.2",
        "127.1",
        "127.0.0.1.",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "\uff11\uff12\uff17.0.0.1",
        "%31%32%37.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "64:ff9b::7f00:1",
        "registry",
        "nas.local",
        "metadata.google.internal",
        "a b.example.com",
    ],
)
def test_a_host_nearby_may_not(host: str) -> None:
    assert not is_public(host)
