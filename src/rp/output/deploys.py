"""What a deploy will do, and what came of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rp.domain.attempt import LOST, Attempt, State, facts, report
from rp.domain.candidate import Candidate, Candidates
from rp.domain.catalog import Stock
from rp.domain.units import duration, usd
from rp.operations.results import Deployed, Plan
from rp.output import health, pods
from rp.output.table import Column

CANDIDATES = (
    Column("#", right=True),
    Column("GPU"),
    Column("REGION", shrink=True),
    Column("CLOUD"),
    Column("$/H", right=True),
    Column("STOCK"),
)


def row(number: int, candidate: Candidate) -> tuple[str, ...]:
    count = f"{candidate.count}x " if candidate.count > 1 else ""
    return (
        str(number),
        count + candidate.gpu.name,
        candidate.region,
        candidate.cloud.lower(),
        f"{candidate.price_per_hour:.2f}",
        stock_word(candidate.stock),
    )


def stock_word(stock: Stock) -> str:
    return stock.name.lower()


def question(plan: Plan) -> str:
    """What is asked before money is spent: what it may cost, and what runs longer or wider than one pod."""
    first = plan.candidates.ordered[0]
    others = len(plan.candidates.ordered) - 1
    most = max(candidate.price_per_hour for candidate in plan.candidates.ordered)
    fallback = f", or {others} more at up to {usd(most)}/h" if others else ""
    racing = f", with up to {plan.race} pods racing, each billed until it loses" if plan.race > 1 else ""
    return f"Deploy {plan.alias} on {first} at {usd(first.price_per_hour)}/h{fallback}{racing}{patience(plan.wait)}?"


def patience(wait: float | None) -> str:
    """What a question says of a wait of so many seconds."""
    if wait is None:
        return ""
    return f", waiting {'without end' if wait == float('inf') else f'up to {duration(wait)}'} for capacity"


def plan_document(alias: str, candidates: Candidates) -> dict[str, Any]:
    return {
        "alias": alias,
        "candidates": [
            {
                "gpu": candidate.gpu.id,
                "count": candidate.count,
                "region": candidate.region,
                "data_centers": list(candidate.places),
                "pinned": bool(candidate.data_center_ids),
                "cloud": candidate.cloud,
                "price_per_hour": round(candidate.price_per_hour, 4),
                "stock": stock_word(candidate.stock),
            }
            for candidate in candidates.ordered
        ],
        "dropped": [{"what": dropped.what, "reason": dropped.reason} for dropped in candidates.dropped],
    }


def document(deployed: Deployed, now: datetime) -> dict[str, Any]:
    return {
        "alias": deployed.alias,
        "id": deployed.pod.id,
        "status": deployed.pod.status,
        **pods.facts(deployed.pod, now),
        "seconds": round(deployed.seconds, 1),
        "replaced": deployed.replaced,
        "left": list(deployed.left),
        "race_cost": round(sum(attempt.cost for attempt in deployed.attempts if attempt.reason == LOST), 6),
        "health": health.report_document(deployed.report),
        "attempts": [facts(attempt) for attempt in deployed.attempts],
    }


def _race(losers: Sequence[Attempt]) -> str:
    count = f"{len(losers)} other pod{'s' if len(losers) > 1 else ''}"
    what = "; ".join(attempt.what for attempt in losers)
    return f"the race cost {usd(sum(attempt.cost for attempt in losers))}: {count} ended ({what})"


def summary(deployed: Deployed, gpu_names: Mapping[str, str]) -> list[str]:
    """The closing report of a deploy."""
    pod = deployed.pod
    lines = [
        f"{deployed.alias} is ready after {duration(deployed.seconds)}: ssh {deployed.alias}",
        f"  {pod.id}, {pod.gpu_text(gpu_names)}, {pod.place}, {usd(pod.cost_per_hour)}/h",
    ]
    losers = [attempt for attempt in deployed.attempts if attempt.reason == LOST]
    wasted = [attempt for attempt in deployed.attempts if attempt.state is not State.KEPT and attempt not in losers]
    lines += [f"  before it: {line}" for line in report(wasted)]
    if losers:
        lines.append(f"  {_race(losers)}")
    if deployed.replaced:
        lines.append(
            f"  pod {deployed.replaced} had this alias before and is still there: rp terminate {deployed.replaced}"
        )
    return lines
