"""`pods.json`: alias → pod id, a flat object of strings."""

from pathlib import Path

from rp import files
from rp.domain.pod import alias_taken
from rp.errors import NotFound


class Aliases:
    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[str, str]:
        """Raises StateUnreadable."""
        stored = files.read_json_object(self._path)
        for alias, pod_id in stored.items():
            if not isinstance(pod_id, str):
                raise files.unreadable(self._path, f"{alias}: expected a pod id")
        return stored

    def get(self, alias: str) -> str | None:
        return self.all().get(alias)

    def put(self, alias: str, pod_id: str, *, replace: bool = False) -> str | None:
        """Return the pod that the alias meant before; raise UsageProblem where there is one, without `replace`."""
        with files.locked(self._path):
            aliases = self.all()
            if aliases.get(alias, pod_id) != pod_id and not replace:
                raise alias_taken(alias, aliases[alias])
            files.write_json(self._path, {**aliases, alias: pod_id})
            return aliases.get(alias) if aliases.get(alias) != pod_id else None

    def remove(self, alias: str, *, only_if: str | None = None) -> str:
        """Return the pod id it had; raise NotFound. With `only_if`, an alias of another pod stays."""
        with files.locked(self._path):
            aliases = self.all()
            if alias not in aliases or aliases[alias] != (only_if or aliases[alias]):
                raise NotFound(f"no alias is called `{alias}`")
            pod_id = aliases.pop(alias)
            files.write_json(self._path, aliases)
            return pod_id

    def check_writable(self) -> None:
        """Raises StateUnwritable, or StateUnreadable: better now than once a pod is running."""
        with files.locked(self._path):
            self.all()
            files.check_writable(self._path)
