import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import host_keys
from rp.domain.host_keys import HostKey

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not on this machine")
KEY = HostKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAILXGDN/SclOozk1xsDztpmhGiKkkrfQB9SKoO8dSIQQZ")


def _keygen(*words: str) -> str:
    return subprocess.run(["ssh-keygen", *words], check=True, capture_output=True, text=True, timeout=30).stdout


@needs_ssh_keygen
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("comment", ["root@host", "", "two words (RSA)"])
def test_the_fingerprint_is_the_one_that_ssh_keygen_prints(tmp_path: Path, kind: str, comment: str) -> None:
    path = tmp_path / "key"
    size = ["-b", "1024"] if kind == "rsa" else []
    _keygen("-q", "-t", kind, *size, "-N", "", "-C", comment, "-f", str(path))
    printed = _keygen("-lf", f"{path}.pub")
    public = path.with_suffix(".pub").read_text()

    (key,) = host_keys.scanned(f"# a comment\n[10.0.0.1]:2222 {public}")

    assert key == HostKey(*public.split()[:2])
    assert host_keys.fingerprints(["Pod Started", printed.rstrip(), ""]) == {key.fingerprint}
    assert host_keys.fingerprints([f"2026-01-01T00:00:00Z {printed}"]) == {key.fingerprint}


def test_only_known_keys_are_vouched_for() -> None:
    other = HostKey("ssh-ed25519", "AAAA")

    assert host_keys.vouched([KEY, other], frozenset({KEY.fingerprint})) == (KEY,)
    assert host_keys.vouched([other], frozenset({KEY.fingerprint})) == ()


def test_all_keys_are_taken_where_the_log_tells_nothing() -> None:
    assert host_keys.vouched([KEY], frozenset()) == (KEY,)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# host SSH-2.0-OpenSSH",
        "host ssh-ed25519",
        "host ssh-ed25519 not*base64",
        "host bogus AAAA",
        "host ssh-ed25519; AAAA",
    ],
)
def test_what_is_no_key_is_passed_over(line: str) -> None:
    assert host_keys.scanned(f"{line}\nhost {KEY.type} {KEY.base64}\n") == (KEY,)


@pytest.mark.parametrize(
    "line",
    [
        "SHA256:abc",
        f"256 SHA256:{'a' * 42} root@x (ED25519)",
        f"SHA256:{'a' * 43} root@x (ED25519)",
        f"256 MD5:{'a' * 43} x (RSA)",
    ],
)
def test_what_is_no_fingerprint_is_passed_over(line: str) -> None:
    assert host_keys.fingerprints([line]) == frozenset()


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    host_keys.fingerprints([text])
    assert all(key.fingerprint.startswith("SHA256:") for key in host_keys.scanned(text))
