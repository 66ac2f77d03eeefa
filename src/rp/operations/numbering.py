"""Aliases for pods to come."""

from rp.domain.pod import alias_from_pattern, check_alias
from rp.operations.ports import Ports


def taken(ports: Ports) -> frozenset[str]:
    """The aliases that mean a pod, or are about to."""
    return frozenset(ports.aliases.all()) | ports.journal.live_aliases()


def alias_for(template: str, deployment_id: str, pattern: str | None, taken: frozenset[str]) -> str:
    """The lowest free of `sd-{i}`; without a pattern `rp-<template>-<short id>`. Raises UsageProblem."""
    if pattern is not None:
        return alias_from_pattern(pattern, taken)
    return check_alias(f"rp-{template[:50]}-{deployment_id[:4]}")
