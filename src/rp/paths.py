"""Every path that rp reads or writes."""

from collections.abc import Mapping
from pathlib import Path


class Paths:
    def __init__(self, *, home: Path, config: Path, state: Path, user_ssh_config: Path, runtime: Path) -> None:
        self.home = home
        self.config = config
        self.state = state
        self.user_ssh_config = user_ssh_config
        self.runtime = runtime

    @classmethod
    def of(cls, env: Mapping[str, str], uid: int) -> "Paths":
        """The paths under this environment: RP_* first, then XDG_*, then the usual places."""
        home = Path(env.get("HOME") or Path.home())
        runtime = env.get("XDG_RUNTIME_DIR")
        return cls(
            home=home,
            config=_folder(env, "RP_CONFIG_DIR", "XDG_CONFIG_HOME", home / ".config"),
            state=_folder(env, "RP_STATE_DIR", "XDG_STATE_HOME", home / ".local" / "state"),
            user_ssh_config=Path(env.get("RP_SSH_CONFIG") or home / ".ssh" / "config").absolute(),
            # Sockets live here: their paths have to stay below about 100 bytes.
            runtime=Path(runtime) / "rp" if runtime else Path("/tmp") / f"rp-{uid}",  # noqa: S108
        )

    @property
    def aliases(self) -> Path:
        return self.config / "pods.json"

    @property
    def templates(self) -> Path:
        return self.config / "templates.json"

    @property
    def key_file(self) -> Path:
        return self.config / "runpod_api_key"

    @property
    def settings(self) -> Path:
        return self.config / "config.toml"

    @property
    def ssh_config(self) -> Path:
        return self.config / "ssh_config"

    @property
    def setup_local(self) -> Path:
        return self.config / "setup_local.sh"

    @property
    def setup_remote(self) -> Path:
        return self.config / "setup_remote.sh"

    @property
    def runpod_config(self) -> Path:
        return self.home / ".runpod" / "config.toml"

    @property
    def journal(self) -> Path:
        return self.state / "rp.db"

    @property
    def catalog(self) -> Path:
        return self.state / "catalog.json"

    @property
    def images(self) -> Path:
        return self.state / "images.json"

    @property
    def known_hosts(self) -> Path:
        return self.state / "known_hosts"

    @property
    def locks(self) -> Path:
        return self.state / "locks"

    @property
    def simulator(self) -> Path:
        return self.state / "sim"


def _folder(env: Mapping[str, str], own: str, xdg: str, usual: Path) -> Path:
    if env.get(own):
        return Path(env[own]).absolute()
    # XDG says that a relative path is to be ignored.
    base = Path(env.get(xdg) or usual)
    return (base if base.is_absolute() else usual) / "rp"
