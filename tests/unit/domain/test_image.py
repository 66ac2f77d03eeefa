import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import image
from rp.domain.image import Reference

HUB = "registry-1.docker.io"
DIGEST = "sha256:" + "0a" * 32

names = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?(/[a-z0-9]{1,8})?", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ubuntu", Reference(HUB, "library/ubuntu")),
        ("ubuntu:22.04", Reference(HUB, "library/ubuntu", "22.04")),
        ("runpod/pytorch:2.8.0-cu1281", Reference(HUB, "runpod/pytorch", "2.8.0-cu1281")),
        ("docker.io/ubuntu", Reference(HUB, "library/ubuntu")),
        ("index.docker.io/me/x:1", Reference(HUB, "me/x", "1")),
        ("ghcr.io/me/team/x:1", Reference("ghcr.io", "me/team/x", "1")),
        ("registry.example.com:5000/x", Reference("registry.example.com:5000", "x")),
        ("localhost/x", Reference("localhost", "x")),
        ("localhost:5000/x:5000", Reference("localhost:5000", "x", "5000")),
        ("[::1]:5000/x", Reference("[::1]:5000", "x")),
        ("Registry/x", Reference("Registry", "x")),
        (f"ubuntu@{DIGEST}", Reference(HUB, "library/ubuntu", None, DIGEST)),
        (f"ghcr.io/x:1@{DIGEST}", Reference("ghcr.io", "x", "1", DIGEST)),
        ("a__b/c---d:1", Reference(HUB, "a__b/c---d", "1")),
        ("host.io:50000x/y", None),
        ("Ubuntu", None),
        ("ubuntu:", None),
        ("ubuntu:a b", None),
        ("ubuntu:-x", None),
        ("ubuntu@sha256:short", None),
        ("ubuntu@", None),
        ("https://ghcr.io/x", None),
        ("me//x", None),
        ("me/x/", None),
        ("/x", None),
        ("me/../x", None),
        ("x?y=1", None),
        ("", None),
        ("a" * 700, None),
    ],
)
def test_references_are_read_as_docker_reads_them(text: str, reference: Reference | None) -> None:
    assert image.parse(text) == reference


@pytest.mark.parametrize(
    ("text", "moves"),
    [("x", True), ("x:latest", True), ("x:1", False), (f"x@{DIGEST}", False), (f"x:latest@{DIGEST}", False)],
)
def test_without_a_tag_of_its_own_an_image_moves(text: str, moves: bool) -> None:
    reference = image.parse(text)

    assert reference is not None
    assert reference.moves is moves


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("127.8.9.1:443", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("127.example.com", False),
        ("localhost.example.com", False),
        ("10.0.0.1:5000", False),
        ("ghcr.io", False),
        ("", False),
    ],
)
def test_this_machine_is_told_from_others(host: str, local: bool) -> None:
    assert image.is_loopback(host) is local


@given(names, st.none() | tags, st.none() | st.just(DIGEST))
def test_a_reference_written_out_is_the_same_one(name: str, tag: str | None, digest: str | None) -> None:
    text = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    reference = image.parse(text)

    assert reference is not None
    assert (reference.tag, reference.digest) == (tag, digest)
    assert image.parse(str(reference)) == reference


@given(st.text(string.printable, max_size=60))
def test_no_text_makes_an_address_of_more_than_one_line_or_path(text: str) -> None:
    reference = image.parse(text)
    if reference is not None:
        spelled = f"{reference.host}{reference.repository}{reference.manifest}"
        assert not set(spelled) & set(" \t\r\n?#%\\@\v\f") or "@" not in spelled
        assert ".." not in reference.repository.split("/")
