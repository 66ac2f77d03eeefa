"""What is run, as argument lists. Pure: nothing here starts a process."""

from pathlib import Path

from rp.domain.pod import Endpoint

_CONNECT_TIMEOUT = 10


def host_key_alias(pod_id: str) -> str:
    """Addresses are reused by other pods, ids never: host keys are kept under the id."""
    return f"rp-{pod_id}"


def quoted(path: Path) -> str:
    """`path` as ssh_config wants it: OpenSSH replaces `%h` and the like in paths."""
    return '"' + str(path).replace("%", "%%") + '"'


def options(pod_id: str, known_hosts: Path, identity: Path | None) -> list[str]:
    """Options that reach one pod and nobody else, whatever the user's own configuration says."""
    chosen = [
        "BatchMode=yes",
        f"ConnectTimeout={_CONNECT_TIMEOUT}",
        f"HostKeyAlias={host_key_alias(pod_id)}",
        f"UserKnownHostsFile={quoted(known_hosts)}",
        "GlobalKnownHostsFile=none",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "ForwardAgent=no",
        "ServerAliveInterval=15",
        "LogLevel=ERROR",
    ]
    if identity:
        chosen += [f"IdentityFile={quoted(identity)}", "IdentitiesOnly=yes"]
    # OpenSSH finds ~ in the password database, so the user's file is never read by accident.
    return ["-F", "none", *(word for option in chosen for word in ("-o", option))]


def master(endpoint: Endpoint, base: list[str], control_path: Path | None) -> list[str]:
    """A connection that others share, and that ends with its standard input: also when rp is killed."""
    sharing = ["-M", "-S", str(control_path)] if control_path else []
    return ["ssh", *base, *sharing, *_to(endpoint), "echo OK && exec cat > /dev/null"]


def command(endpoint: Endpoint, base: list[str], control_path: Path | None, remote: str) -> list[str]:
    """Run `remote` by the login shell, over the shared connection where there is one."""
    sharing = ["-S", str(control_path)] if control_path else []
    return ["ssh", *base, *sharing, *_to(endpoint), remote]


def keyscan(endpoint: Endpoint) -> list[str]:
    return ["ssh-keyscan", "-T", str(_CONNECT_TIMEOUT), "-p", str(endpoint.port), "--", endpoint.host]


def _to(endpoint: Endpoint) -> list[str]:
    return ["-p", str(endpoint.port), "-l", endpoint.user, "--", endpoint.host]
