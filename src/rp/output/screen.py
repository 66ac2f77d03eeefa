"""What is renewed in its place on a terminal, under lines that last."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType


class Screen:
    """`render` gives what is renewed."""

    def __init__(self, stream: TextIO, width: int, render: Callable[[], "RenderableType"], *, colour: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(
            file=stream, width=width, no_color=not colour, markup=False, highlight=False, force_terminal=True
        )
        self._live = Live(
            console=self._console,
            get_renderable=render,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="ellipsis",
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
