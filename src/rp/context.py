"""The outside of one run of rp: environment, streams, clock, and the adapters, built when first used."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property

from rp.errors import NotAllowed, StateUnreadable, UsageProblem
from rp.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import TextIO

    from rp.documents import Documents
    from rp.domain.key import Key
    from rp.editor import Editor
    from rp.notify.notifier import Notifier
    from rp.operations.ports import Ports
    from rp.operations.template_check import NameProblems
    from rp.output.output import Output
    from rp.registry.registries import Registries
    from rp.remote.remote import OpenSsh
    from rp.runpod.client import RunPod
    from rp.state.aliases import Aliases
    from rp.state.catalog import CatalogCache
    from rp.state.config import Config
    from rp.state.credentials import Credentials
    from rp.state.hosts import Hosts
    from rp.state.journal import Journal
    from rp.state.looks import Looks
    from rp.state.templates import Templates
    from rp.threads import Threads

_ADDRESS = "https://api.runpod.io"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Context:
    """Adapters are attributes that build themselves: a command loads what it uses and nothing else."""

    def __init__(
        self, env: Mapping[str, str], stdin: "TextIO", stdout: "TextIO", stderr: "TextIO", *, wants_json: bool
    ) -> None:
        self.env = env
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.wants_json = wants_json
        self.clock = SystemClock()

    @cached_property
    def paths(self) -> Paths:
        return Paths.of(self.env, os.geteuid())

    @cached_property
    def output(self) -> "Output":
        from rp.output.output import Output

        return Output(self.stdin, self.stdout, self.stderr, self.env, wants_json=self.wants_json)

    @cached_property
    def templates(self) -> "Templates":
        from rp.state.templates import Templates

        self._carry_over()
        return Templates(self.paths.templates)

    @cached_property
    def documents(self) -> "Documents":
        from rp.documents import Documents

        return Documents(self.stdin)

    @cached_property
    def editor(self) -> "Editor":
        from rp.editor import Editor

        return Editor(self.env, on_terminal=self.output.is_interactive)

    @cached_property
    def aliases(self) -> "Aliases":
        from rp.state.aliases import Aliases

        self._carry_over()
        return Aliases(self.paths.aliases)

    def _carry_over(self) -> None:
        """What the older rp left: read once, when the first of its files is wanted."""
        from rp import files
        from rp.state.migrations import from_0_4

        # A file that cannot be read is told by the command that needs it.
        with suppress(StateUnreadable):
            if from_0_4.is_older(files.read_json_object(self.paths.aliases)):
                from_0_4.carry_over(self.paths.aliases, self.paths.templates)

    @cached_property
    def journal(self) -> "Journal":
        from rp.state.journal import Journal

        return Journal(self.paths.journal, self.paths.locks)

    @cached_property
    def looks(self) -> "Looks":
        from rp.state.looks import Looks

        return Looks(self.journal)

    @cached_property
    def hosts(self) -> "Hosts":
        from rp.state.hosts import Hosts

        return Hosts(self.journal)

    @cached_property
    def workers(self) -> "Threads":
        from rp.threads import Threads

        return Threads()

    @cached_property
    def catalogs(self) -> "CatalogCache":
        from rp.state.catalog import CatalogCache

        return CatalogCache(self.paths.catalog, self.address)

    @cached_property
    def images(self) -> "Registries":
        from rp.registry.registries import Registries
        from rp.state.images import ImageCache

        asks = self.env.get("RP_IMAGE_CHECK", "").lower() != "off"
        return Registries(ImageCache(self.paths.images), monotonic=self.clock.monotonic, asks=asks)

    @property
    def name_problems(self) -> "NameProblems":
        from rp.operations.template_names import name_problems

        return name_problems(self.catalogs, self.clock)

    @cached_property
    def credentials(self) -> "Credentials":
        from rp.state.credentials import Credentials

        return Credentials(self.env, self.paths.key_file, self.paths.runpod_config)

    @cached_property
    def config(self) -> "Config":
        """What config.toml says; what is odd in it is told once. Raises StateUnreadable."""
        from rp.state import config

        found = config.read(self.paths.settings)
        for warning in found.warnings:
            self.output.warn(warning)
        return found

    @cached_property
    def notifier(self) -> "Notifier":
        from rp.notify.notifier import Notifier

        return Notifier(self.env, self.clock.monotonic)

    def notify_targets(self, given: Sequence[str]) -> tuple[str, ...]:
        """Those given, else RP_NOTIFY's, else config.toml's. Raises StateUnreadable."""
        from rp.notify import targets

        return targets.chosen(given, self.env) or self.config.notify

    @cached_property
    def remote(self) -> "OpenSsh":
        from rp.remote.remote import OpenSsh

        return OpenSsh(self.paths, self.env)

    @cached_property
    def cloud(self) -> "RunPod":
        """RunPod with the key that is found, or typed in on a terminal. Raises NotAllowed without one."""
        return self.cloud_with(self.key)

    @cached_property
    def key(self) -> "Key":
        return self.credentials.find() or self._asked_key()

    @property
    def account(self) -> str:
        """Tells this key at this address from others, without telling the key."""
        import hashlib

        return hashlib.sha256(f"{self.address} {self.key}".encode()).hexdigest()[:16]

    @cached_property
    def ports(self) -> "Ports":
        from rp.operations.ports import Ports

        return Ports(
            account=self.account,
            cloud=self.cloud,
            remote=self.remote,
            aliases=self.aliases,
            templates=self.templates,
            journal=self.journal,
            looks=self.looks,
            hosts=self.hosts,
            clock=self.clock,
            workers=self.workers,
            catalogs=self.catalogs,
            images=self.images,
        )

    def cloud_with(self, key: "Key") -> "RunPod":
        from rp.runpod.client import RunPod

        return RunPod(self.address, key, sleep=self.clock.sleep, monotonic=self.clock.monotonic)

    def _asked_key(self) -> "Key":
        from rp.domain.key import checked

        if not self.output.is_interactive:
            raise NotAllowed("there is no RunPod API key", hint="`rp login` stores one, or export RUNPOD_API_KEY=…")
        self.output.note("There is no RunPod API key yet: https://console.runpod.io/user/settings makes one.")
        return checked(self.output.ask_secret("RunPod API key"), "what was typed")

    @property
    def address(self) -> str:
        """RunPod's, or RP_API_URL's; raises UsageProblem where the key would travel unencrypted."""
        from urllib.parse import urlsplit

        address = self.env.get("RP_API_URL") or _ADDRESS
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise UsageProblem(
                f"RP_API_URL is `{address}`, and the API key must not go there",
                hint=f"use https, as in {_ADDRESS}",
            )
        return address.rstrip("/").removesuffix("/v2")

    def today(self) -> "datetime":
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self.clock.now(), UTC)
