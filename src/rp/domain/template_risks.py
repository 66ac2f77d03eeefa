"""What a template of somebody else could do that its reader may not see: each as a sentence."""

import re
from collections.abc import Iterator

from rp.domain import secrets
from rp.domain.template import Template

# Programs take these from the environment, and run or load what they name.
_HOOKS = re.compile(
    r"LD_\w+|BASH_ENV|ENV|PROMPT_COMMAND|BASH_FUNC_\w*|SHELLOPTS|PS4|PATH|IFS|PERL5\w+|RUBY(?:OPT|LIB)|NODE_(?:OPTIONS|PATH)"
    r"|PYTHON(?!UNBUFFERED|DONTWRITEBYTECODE|HASHSEED|IOENCODING|UTF8|FAULTHANDLER)\w+|JAVA_TOOL_OPTIONS"
    r"|GIT_(?:SSH\w*|ASKPASS|EXEC_PATH|CONFIG\w*|PROXY_COMMAND|EDITOR|PAGER)|SSH_ASKPASS|EDITOR|VISUAL|PAGER|LESSOPEN"
    r"|GCONV_PATH|CUDA_INJECTION\w*"
)
# What programs send data, and the secrets that go with it, to.
_PLACES = re.compile(
    r"(?:^|_)(?:ENDPOINTS?|PROXY|URLS?|URI|HOST|HOSTNAME|SERVER|API_BASE|INDEX|REGISTRY|MIRROR|ORIGIN)(?:_|$)",
    re.IGNORECASE,
)


def risks(template: Template) -> tuple[str, ...]:
    """Of its variables and settings; what its image and scripts do nobody can tell."""
    return (*_logins(template), *_hooks(template), *_leaks(template), *_reach(template))


def _literal(value: str) -> bool:
    """Whether somebody who wrote the template knows the value."""
    return bool(value) and not secrets.LOCAL_REFERENCE.fullmatch(value)


def _logins(template: Template) -> Iterator[str]:
    env = template.container.env
    for key in secrets.PUBLIC_KEYS:
        if _literal(env.get(key, "")):
            yield f"{key} lets whoever has that key log in to the pod as root, beside you"
    for key in ("JUPYTER_PASSWORD", "JUPYTER_TOKEN"):
        if _literal(env.get(key, "")):
            yield f"{key} is known to whoever wrote this: it lets them run what they like on the pod"


def _hooks(template: Template) -> Iterator[str]:
    found = [key for key in template.container.env if _HOOKS.fullmatch(key)]
    if found:
        yield f"{', '.join(found)}: programs on the pod run or load what that says"


def _leaks(template: Template) -> Iterator[str]:
    """Addresses beside values of the user's own: a token may go to where the other variable says."""
    env = template.container.env
    own = (*secrets.local_references(env), *secrets.runpod_references(env))
    places = [key for key, value in env.items() if _literal(value) and ("://" in value or _PLACES.search(key)) and own]
    if places:
        yield f"{', '.join(places)}: programs may send there what is yours: {', '.join(own)}"


def _reach(template: Template) -> Iterator[str]:
    if template.global_networking:
        yield "globalNetworking: the pod can reach your other pods by RunPod's private network"
    if template.network_volume_id:
        yield "networkVolumeId: the pod can read and change everything on that volume"
    pattern = template.alias_pattern or ""
    if pattern and "{i}" not in pattern:
        yield f"aliasPattern: on this machine, `ssh {pattern}` will go to the pod"
