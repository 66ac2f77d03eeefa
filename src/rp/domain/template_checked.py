"""What was found wrong with a template."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Checked:
    """`problems` keep it from being deployed, `warnings` do not; both are `path: what is wrong` lines."""

    name: str
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not self.problems
