"""Thousands of deploys on simulated time: what it takes to come to a pod where stock is short and the catalog may lie.

What is run is rp's own engine, beside two loops (placement_policies.py), against a RunPod in memory whose stock is
invented (placement_world.py). The same seeds give the same numbers.
"""

import argparse
import datetime
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from placement_chart import Series, chart
from placement_policies import POLICIES, Policy
from placement_ports import SeededJournal, journal_of
from placement_world import BEGIN, EPOCH, CatalogMode, Flows, World

CATALOGS = (CatalogMode("true"), CatalogMode("5 minutes late", late=300.0), CatalogMode("always HIGH", blind=True))
SHOWN = CATALOGS[1]
SEEDS = 400
MARK, END = "<!-- placement: written by bench/placement.py -->", "<!-- end of placement -->"
SVG = "placement.svg"
NOTHING = "-"
COLUMNS = (
    *("no stock", "way", "got a pod", "creates", "calls to the create"),
    *("calls in all", "most in a minute", "time to a pod", "USD/h", "ended pods, USD"),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|---:|---|{'---:|' * (len(COLUMNS) - 2)}\n"


@dataclass(frozen=True)
class Result:
    """One deploy. Times are in seconds, `price` is in USD per hour, `ended` in USD: what pods cost that were not kept.

    `placing`: calls up to the create of the pod that was kept. `busiest`: the most calls in any minute.
    """

    got: bool
    creates: int
    placing: int
    calls: int
    busiest: int
    seconds: float
    price: float
    ended: float


Results = dict[tuple[str, str], list[Result]]


def deploy_once(policy: Policy, world: World, journal: SeededJournal) -> Result:
    """Raises AssertionError where pods are alive that should not be."""
    found = policy.run(world, journal)
    assert set(world.pods_by_id) == {one for one in (found.pod_id,) if one}, f"{policy.name}: pods are left"
    assert world.most_alive <= policy.most_alive, f"{policy.name}: {world.most_alive} pods at a time"
    kinds = Counter(name for _, name in world.calls)
    times = [at for at, _ in world.calls]
    placed = world.created_at[found.pod_id] if found.pod_id else times[-1]
    return Result(
        got=found.pod_id is not None and not world.pods_by_id[found.pod_id].env,
        creates=kinds["create"],
        placing=sum(at <= placed for at in times),
        calls=len(times),
        busiest=_busiest(times),
        seconds=world.clock.now() - EPOCH - BEGIN,
        price=world.pods_by_id[found.pod_id].cost_per_hour if found.pod_id else 0.0,
        ended=found.ended,
    )


def _busiest(times: list[float]) -> int:
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def one_seed(shortage: float, bad: float, seed: int) -> dict[tuple[str, str], Result]:
    """All ways with all catalogs, in one world."""
    flows = Flows(seed, shortage)
    with journal_of(seed) as journal:
        return {
            (mode.name, policy.name): deploy_once(policy, World(seed, flows, mode, bad), journal)
            for mode in CATALOGS
            for policy in POLICIES
        }


def run(shortage: float, seeds: Iterable[int], bad: float, pool: ProcessPoolExecutor) -> Results:
    found: Results = {}
    for results in pool.map(partial(one_seed, shortage, bad), seeds, chunksize=10):
        for key, result in results.items():
            found.setdefault(key, []).append(result)
    return found


def at(share: float, values: list[float]) -> float:
    """The smallest value that this share of all does not exceed; not a number where there are none."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else float("nan")


def row(shortage: float, name: str, results: list[Result]) -> str:
    times = [result.seconds for result in results if result.got]
    prices, ended = [result.price for result in results if result.got], [result.ended for result in results]
    cells = (
        f"{shortage:.0%}",
        name,
        f"{len(times) / len(results):.0%}",
        *(_pair([float(getattr(one, key)) for one in results]) for key in ("creates", "placing", "calls", "busiest")),
        f"{spoken(at(0.5, times))} / {spoken(at(0.95, times))}" if times else NOTHING,
        f"{at(0.5, prices):.2f}" if prices else NOTHING,
        _small(sum(ended) / len(ended)) if any(ended) else NOTHING,
    )
    return f"| {' | '.join(cells)} |\n"


def _pair(values: list[float]) -> str:
    return f"{at(0.5, values):.0f} / {at(0.95, values):.0f}"


def _small(usd: float) -> str:
    return f"{usd:.3f}" if usd >= 0.0005 else "<0.001"


def spoken(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def tables(found: dict[float, Results]) -> Iterator[str]:
    """One for each catalog; what is shown first is open."""
    for mode in sorted(CATALOGS, key=lambda one: one is not SHOWN):
        rows = "".join(
            row(shortage, policy.name, results[mode.name, policy.name])
            for shortage, results in found.items()
            for policy in POLICIES
        )
        title = f"The catalog is {mode.name}" if mode.late or mode.blind else "The catalog tells the truth"
        if mode is SHOWN:
            yield f"#### {title}\n\n{HEAD}{rows}"
        else:
            yield f"<details>\n<summary>{title}</summary>\n\n{HEAD}{rows}\n</details>\n"


def picture(found: dict[float, Results]) -> str:
    names = [policy.name for policy in POLICIES if policy.again]

    def series(read: str) -> list[Series]:
        return [
            Series(name, [_spread(results[SHOWN.name, name], read) for results in found.values()]) for name in names
        ]

    panels = {
        "create calls: median, and up to the 95th percentile": series("creates"),
        "seconds to a pod that is ready: median, and up to the 95th percentile": series("seconds"),
    }
    return chart(panels, [f"{shortage:.0%} without stock" for shortage in found])


def _spread(results: list[Result], key: str) -> tuple[float, float]:
    values = [float(getattr(one, key)) for one in results if one.got]
    return at(0.5, values), at(0.95, values)


def report(found: dict[float, Results], seeds: int, wall: float) -> str:
    every = [one for results in found.values() for many in results.values() for one in many]
    days = sum(one.seconds for one in every) / 86_400
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    head = (
        f"{when}: {len(every):,} deploys, {seeds} of each kind, {days:.0f} simulated days in {wall:.0f} s\n"
        f"({machine}).\n"
        "Pairs are median / 95th percentile over all deploys; times and prices (median) are those of deploys that got\n"
        "a pod. Ended pods: what they cost in a deploy, on average over all deploys.\n"
    )
    return "\n".join([head, *tables(found)])


def write(page: Path, text: str, svg: str) -> None:
    """Between the page's marks; the picture goes beside it."""
    before, _, rest = page.read_text("utf-8").partition(MARK)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        raise SystemExit(f"{page} lacks the lines `{MARK}` and `{END}`")
    page.write_text(f"{before}{MARK}\n{text}{END}{after}", "utf-8")
    (page.parent / SVG).write_text(svg, "utf-8")


def measure(arguments: tuple[str, ...] = ()) -> None:
    """By default a tenth of what docs/benchmarks.md shows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--seeds", type=int, default=SEEDS // 10, help="deploys of each kind (default: %(default)s)")
    option("--shortage", default="10,50,90,99", metavar="PERCENT,…", help="shares of time without stock")
    option("--bad", type=float, default=0.0, help="share of pods that fail their smoke command, which no loop looks at")
    option("--write", type=Path, metavar="PAGE", help="put the tables into this page, and the picture beside it")
    args = parser.parse_args(arguments)
    shortages = [float(text) / 100 for text in args.shortage.split(",")]
    began = time.monotonic()
    with ProcessPoolExecutor() as pool:
        found = {shortage: run(shortage, range(args.seeds), args.bad, pool) for shortage in shortages}
    text = report(found, args.seeds, time.monotonic() - began)
    print(text)
    if args.write:
        write(args.write, text, picture(found))


if __name__ == "__main__":
    measure(tuple(sys.argv[1:]))
