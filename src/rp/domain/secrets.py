"""Which environment variables are secrets, and references that stand for them."""

import re
from collections.abc import Mapping

HIDDEN = "(hidden: it looks like a secret)"
_SECRET_KEY = re.compile(
    # Short words count only as words of their own: MONKEY and COMPASS are no secrets, MYTOKEN is one.
    r"(?:^|_)(?:KEY|PASS|PWD|AUTH|PAT|DSN|PRIVATE|JWT|COOKIE)S?\d*(?:_|$)"
    r"|(?:TOKEN|SECRET|PASSWD|CREDENTIAL|(?:API|ACCESS|SECRET|PRIVATE|SSH|AUTH|SIGNING|MY)KEY)S?\d*(?:_|$)"
    r"|PASSWORD|PASSPHRASE|PASSCODE",
    re.IGNORECASE,
)
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]+")
# Values that are secrets whatever their variable is called: provider prefixes, and URLs with a password.
_SECRET_VALUE = re.compile(r"^(hf_|sk-|ghp_|gho_|github_pat_|glpat-|xox[abp]-|AKIA|rpa_|wandb_)|://[^/\s:@]*:[^/\s@]+@")
# Who knows these addresses may write there.
_WEB_HOOK = re.compile(r"//hooks\.slack\.com/(?:services|workflows|triggers)/|//discord(?:app)?\.com/api/webhooks/")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)([^/?#\s\\]+)")
LOCAL_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_RUNPOD_REFERENCE = re.compile(r"\{\{\s*RUNPOD_SECRET_([A-Za-z0-9_]+)\s*\}\}")

# Who may log in to the pod.
PUBLIC_KEYS = ("PUBLIC_KEY", "SSH_PUBLIC_KEY")
MADE_BY_RUNPOD = re.compile(r"RUNPOD_\w+|PUBLIC_KEY|SSH_PUBLIC_KEY|JUPYTER_PASSWORD|RP_TAGS")


def looks_secret(key: str, value: str) -> bool:
    """Whether `value` should not be written down; references are no secrets."""
    if not value or LOCAL_REFERENCE.fullmatch(value) or _RUNPOD_REFERENCE.fullmatch(value):
        return False
    return names_secret(key) or bool(_SECRET_VALUE.search(value)) or holds_secret(value)


def names_secret(key: str) -> bool:
    """Whether what is called `key`, as HF_TOKEN, hfToken or hf-token, is a secret whatever it looks like."""
    return bool(_SECRET_KEY.search(_WORD_BEGINS.sub("_", key)))


def holds_secret(text: str) -> bool:
    """Whether `text` has a secret of a known form in it, anywhere; references are no secrets."""
    # Not at the top: redact needs this module.
    from rp.domain.redact import redacted

    bare = _RUNPOD_REFERENCE.sub("", LOCAL_REFERENCE.sub("", text))
    return bool(_WEB_HOOK.search(bare)) or redacted(bare) != bare


def shown(key: str, value: str) -> str:
    """What a screen may show of a variable: of a secret only the host that it is an address of."""
    if not looks_secret(key, value) or key in PUBLIC_KEYS:
        return value
    address = _ADDRESS.match(value)
    return f"{address[1]}{address[2].rpartition('@')[2]}/… {HIDDEN}" if address else HIDDEN


def local_references(env: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of this machine that `${env:NAME}` in the values read."""
    return tuple(dict.fromkeys(name for value in env.values() for name in LOCAL_REFERENCE.findall(value)))


def runpod_references(env: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets of the RunPod account that `{{ RUNPOD_SECRET_name }}` in the values read."""
    return tuple(dict.fromkeys(name for value in env.values() for name in _RUNPOD_REFERENCE.findall(value)))


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
