"""Several deploys side by side: one live table on a terminal, and what came of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from rp.domain.units import duration, usd
from rp.operations.events import Bad, Created, Ended, Event, Healthy, Looking, Of, Refused, SetupLine, Trying, Warned
from rp.operations.results import Replicas
from rp.output import deploys
from rp.output.progress import lasting, passing
from rp.output.screen import Screen
from rp.output.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType


# Of the terminal's height: the heading, what does not fit, and the cursor's own.
_OTHER_LINES = 3


@dataclass
class _Row:
    """What is known of one deploy. `refused` counts its refused creates, `bad` its bad pods."""

    state: str = "waiting for its turn"
    pod: str = ""
    where: str = ""
    price: float = 0.0
    refused: int = 0
    bad: int = 0
    done_at: float | None = None

    def hear(self, event: Event, now: float) -> None:
        match event:
            case Created(candidate, pod):
                self.pod, self.price, self.state = pod.id, pod.cost_per_hour, "booting"
                self.where = f"{candidate.gpu.name}, {pod.data_center or candidate.region}"
            case Refused():
                self.refused += 1
            case Bad():
                self.bad += 1
            case Ended(pod_id, _, _) if pod_id == self.pod:
                self.pod, self.where, self.price = "", "", 0.0
            case Healthy():
                self.state, self.done_at = "ready", now
        if self.done_at is None and (text := _state(event)):
            self.state = text


def _state(event: Event) -> str | None:
    """What a row says of it, in few words."""
    match event:
        case Trying(candidate, number, total):
            return f"trying {candidate.gpu.name} ({number} of {total})"
        case Looking():
            return "no capacity, waiting"
        case _:
            return passing(event)


class LiveTable(Screen):
    """A row for each alias, under the lines that last."""

    def __init__(
        self, stream: TextIO, width: int, aliases: Sequence[str], now: Callable[[], float], *, colour: bool
    ) -> None:
        self._now = now
        self._began = now()
        self._rows = {alias: _Row() for alias in aliases}
        super().__init__(stream, width, self._table, colour=colour)

    def show(self, event: Event) -> None:
        if not isinstance(event, Of):
            return
        self._rows[event.alias].hear(event.event, self._now())
        if isinstance(event.event, Bad | Warned | Healthy | SetupLine) and (line := lasting(event)):
            self._console.print(printable(line), soft_wrap=True)

    def _table(self) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for title in ("ALIAS", "STATE", "WHERE"):
            table.add_column(title, no_wrap=True, overflow="ellipsis")
        for title in ("$/H", "TIME"):
            table.add_column(title, no_wrap=True, justify="right")
        shown, hidden = self._that_fit()
        for alias, row in shown:
            clock = duration((row.done_at or self._now()) - self._began)
            price = f"{row.price:.2f}" if row.price else ""
            state = row.state + (f" ({row.bad} bad before)" if row.bad else "")
            cells = (alias, state, row.where, price, clock)
            table.add_row(*(Text(printable(cell)) for cell in cells))
        if not hidden:
            return table
        ready = sum(row.done_at is not None for row in hidden)
        rest = f"{len(hidden)} more: {ready} ready, {len(hidden) - ready} not yet"
        return Group(table, Text(rest, no_wrap=True, overflow="ellipsis"))

    def _that_fit(self) -> tuple[list[tuple[str, _Row]], list[_Row]]:
        """The rows for which there is room, in order, and the others: those that are ready make way first."""
        room = self._console.size.height - _OTHER_LINES
        if len(self._rows) <= room:
            return list(self._rows.items()), []
        unready_first = sorted(self._rows, key=lambda alias: self._rows[alias].done_at is not None)
        chosen = set(unready_first[: max(room, 1)])
        shown = [(alias, row) for alias, row in self._rows.items() if alias in chosen]
        return shown, [row for alias, row in self._rows.items() if alias not in chosen]


def document(replicas: Replicas, now: datetime) -> dict[str, Any]:
    return {
        "wanted": len(replicas.all),
        "ready": len(replicas.ready),
        "seconds": round(replicas.seconds, 1),
        "replicas": [
            deploys.document(one.deployed, now)
            if one.deployed
            else {"alias": one.alias, "id": None, "error": _error(one.error), **(one.error.facts if one.error else {})}
            for one in replicas.all
        ],
    }


def _error(error: Any) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "hint": error.hint, "details": list(error.details)}


def summary(replicas: Replicas, gpu_names: Mapping[str, str]) -> list[str]:
    """A line for each, then how many there are and what they cost."""
    lines = []
    for one in replicas.all:
        if one.deployed:
            pod = one.deployed.pod
            what = f"{pod.id}, {pod.gpu_text(gpu_names)}, {pod.place}, {usd(pod.cost_per_hour)}/h"
            lines.append(f"{one.alias}: ready after {duration(one.deployed.seconds)}: {what}")
        elif one.error:
            lines.append(f"{one.alias}: failed: {one.error.message}")
    hourly = sum(one.pod.cost_per_hour for one in replicas.ready)
    count = f"{len(replicas.ready)} of {len(replicas.all)} are ready after {duration(replicas.seconds)}"
    return [*lines, f"{count}, {usd(hourly)}/h together"]


def question(plans: Sequence[Any]) -> str:
    """What is asked before money is spent."""
    names = f"{plans[0].alias} to {plans[-1].alias}" if len(plans) > 1 else plans[0].alias
    candidates = plans[0].candidates.ordered
    most = max(candidate.price_per_hour for candidate in candidates) * len(plans)
    patience = deploys.patience(plans[0].wait)
    return f"Deploy {len(plans)} pods ({names}), on {candidates[0]} first, at up to {usd(most)}/h together{patience}?"
