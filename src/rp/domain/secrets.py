"""Which environment variables are secrets, and references that stand for them."""

import re
from collections.abc import Mapping

_SECRET_KEY = re.compile(
    r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|PWD|CREDENTIALS?|AUTH|PAT|DSN|PRIVATE)(_|$|S$)|PASSWORD|PASSPHRASE",
    re.IGNORECASE,
)
# Values that are secrets whatever their variable is called: provider prefixes, and URLs with a password.
_SECRET_VALUE = re.compile(r"^(hf_|sk-|ghp_|gho_|github_pat_|glpat-|xox[abp]-|AKIA|rpa_|wandb_)|://[^/\s:@]*:[^/\s@]+@")
LOCAL_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_RUNPOD_REFERENCE = re.compile(r"\{\{\s*RUNPOD_SECRET_[A-Za-z0-9_]+\s*\}\}")

MADE_BY_RUNPOD = re.compile(r"RUNPOD_\w+|PUBLIC_KEY|SSH_PUBLIC_KEY|JUPYTER_PASSWORD|RP_TAGS")


def looks_secret(key: str, value: str) -> bool:
    """Whether `value` should not be written down; references are no secrets."""
    if not value or LOCAL_REFERENCE.fullmatch(value) or _RUNPOD_REFERENCE.fullmatch(value):
        return False
    return bool(_SECRET_KEY.search(key) or _SECRET_VALUE.search(value))


def scrub(env: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Put `${env:KEY}` in the place of each secret; return the rest as it is, and the keys changed."""
    secret = tuple(key for key, value in env.items() if looks_secret(key, value))
    return {key: f"${{env:{key}}}" if key in secret else value for key, value in env.items()}, secret


def resolve(env: Mapping[str, str], local: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Replace `${env:NAME}` by the local variable; return the result and the names that are not set."""
    missing: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name not in local:
            missing.append(name)
            return ""
        return local[name]

    resolved = {key: LOCAL_REFERENCE.sub(value_of, value) for key, value in env.items()}
    return resolved, tuple(dict.fromkeys(missing))
