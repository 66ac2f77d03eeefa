"""An empty home with one SSH key, and rp's environment in it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RP = str(Path(sys.executable).with_name("rp"))


@contextmanager
def home() -> Iterator[tuple[Path, dict[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="rp-bench-") as folder:
        path = Path(folder)
        (path / ".ssh").mkdir(mode=0o700)
        key = path / ".ssh" / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        yield (
            path,
            {
                "HOME": folder,
                "PATH": os.environ["PATH"],
                "RP_SSH_CONFIG": str(path / ".ssh" / "config"),
                "XDG_RUNTIME_DIR": folder,
                "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
                "RP_IMAGE_CHECK": "off",
            },
        )
