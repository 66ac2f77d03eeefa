"""A template's start script ⇄ the one string that RunPod calls `args`.

`args` replaces the image's command, and official images start sshd from `/start.sh`: the script runs first
and hands over whatever its status, so that a failing script leaves a pod one can log in to, not a crash loop.
"""

import shlex

_HAND_OVER = (
    'script="${HOME:-/root}/.rp-start"; printf %s "$0" > "$script" && chmod 700 "$script" && "$script" '
    '|| echo "rp: the start script failed with status $?"; '
    "[ ! -x /start.sh ] || exec /start.sh; exec sleep infinity"
)


def to_args(script: str) -> str:
    """The `args` that run `script` and then the image's own start."""
    return shlex.join(["bash", "-c", _HAND_OVER, script]) if script else ""


def from_args(args: str) -> str | None:
    """The script inside `args`; None where `to_args` did not make them."""
    try:
        words = shlex.split(args)
    except ValueError:
        return None
    return words[3] if len(words) == 4 and words[:3] == ["bash", "-c", _HAND_OVER] else None
