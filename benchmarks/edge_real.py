"""Edge markets of published data: sizes, steps, CPU seconds, gaps, and the printed
formula on the same markets.

    python benchmarks/edge_real.py             print the tables
    python benchmarks/edge_real.py --write     and put them into docs/benchmarks.md

Reads the data sets from ../shared/data beside the checkout, or from --data FOLDER; they
are not part of the project, docs/formats.md says where each is published. Every answer
is judged by `edge.certify`. One thread, CPU seconds of `allocate` with its certificate,
after compilation.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import get_args

# One thread for every library; must be set before they are loaded.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import numpy as np  # noqa: E402

from stackelberg.edge import (  # noqa: E402
    EdgeSolution,
    Market,
    allocate,
    generate,
    markets_over_time,
    published_allocation,
)
from stackelberg.edge.generators.city import Regime  # noqa: E402
from stackelberg.io import (  # noqa: E402
    budgets_per_minute,
    import_alibaba,
    import_eua_market,
    import_gavel,
    read_azure_trace,
)

PAGE = ROOT / "docs" / "benchmarks.md"
REGIMES: tuple[Regime, ...] = get_args(Regime)
SEEDS = range(10)
FEASIBLE = 1e-9
TOLERANCE = 1e-8

GAVEL = {"k80": (36.0, 0.45), "p100": (36.0, 1.46), "v100": (36.0, 2.48)}
"""36 of each as in the authors' simulated experiments; USD an hour are our choice, near
the list prices of a cloud at the time."""


@dataclass(frozen=True)
class Folder:
    """Where the data sets lie."""

    path: Path

    def melbourne(self, regime: Regime = "balanced", seed: int = 0) -> Market:
        """Sites sell, users within 400 m buy."""
        eua = self.path / "eua-melbourne"
        return import_eua_market(
            eua / "site-optus-melbCBD.csv",
            eua / "users-melbcbd-generated.csv",
            radius_m=400.0,
            regime=regime,
            seed=seed,
        )

    def alibaba(self, regime: Regime = "balanced") -> Market:
        """Pods reach 8 of the nodes that suit them."""
        cluster = self.path / "alibaba-gpu"
        return import_alibaba(
            cluster / "openb_node_list_all_node.csv",
            cluster / "openb_pod_list_default.csv",
            regime=regime,
        )

    def gavel(
        self, jobs: int | None, regime: Regime = "balanced", seed: int = 0
    ) -> Market:
        """So many jobs drawn, or each configuration once."""
        return import_gavel(
            self.path / "gavel-throughputs" / "simulation_throughputs.json",
            num_jobs=jobs,
            workers=GAVEL,
            seed=seed,
            regime=regime,
            budget_spread=0.0 if jobs is None else 1.0,
        )

    def minutes(self, *, of_users: bool) -> Iterator[Market]:
        """The first 60 minutes of the conversation trace on the Melbourne market.

        Each request is a drawn user's, or, else, every user keeps the share of all
        money that it has over the hour and only the minute's total moves.
        """
        market = self.melbourne()
        trace = read_azure_trace(
            self.path / "azure-llm-inference-2023" / "AzureLLMInferenceTrace_conv.csv"
        )
        budgets = budgets_per_minute(trace, market)[:60]
        if not of_users:
            share = budgets.sum(axis=0) / budgets.sum()
            budgets = budgets.sum(axis=1)[:, None] * share
        return markets_over_time(market, budgets)


@dataclass(frozen=True)
class Solved:
    """An answer and the CPU seconds that it took."""

    solution: EdgeSolution
    seconds: float


def solved(market: Market, before: EdgeSolution | None = None) -> Solved:
    start = time.process_time()
    solution = allocate(market, TOLERANCE, warm_start=before, threads=1)
    seconds = time.process_time() - start
    assert solution.certificate.holds(TOLERANCE), solution.status
    return Solved(solution, seconds)


def single_row(name: str, market: Market) -> str:
    found = solved(market)
    proof = found.solution.certificate
    return (
        f"| {name} | {market.num_users:,} x {market.num_nodes:,} | "
        f"{market.num_edges:,} | {found.solution.stats['method']} | "
        f"{found.solution.iterations} | {found.seconds:.2g} | "
        f"{proof.gap_per_user:.1e} | {proof.worst_violation:.0e} |"
    )


def hour_row(name: str, markets: Sequence[Market]) -> tuple[str, list[EdgeSolution]]:
    cold = [solved(market) for market in markets]
    warm, before = [cold[0]], cold[0].solution
    for market in markets[1:]:
        warm.append(solved(market, before))
        before = warm[-1].solution
    proofs = [found.solution.certificate for found in warm]
    moved = [
        float(np.abs(late.budget / early.budget - 1.0).max())
        for early, late in pairwise(markets)
    ]
    text = (
        f"| {name} | {len(markets)} | {statistics.median(moved):.2g} | "
        f"{total_steps(warm)} for {total_steps(cold)} | "
        f"{total_seconds(warm):.2g} for {total_seconds(cold):.2g} | "
        f"{max(proof.gap_per_user for proof in proofs):.1e} | "
        f"{max(proof.worst_violation for proof in proofs):.0e} |"
    )
    return text, [found.solution for found in cold]


def total_steps(found: Sequence[Solved]) -> int:
    return sum(one.solution.iterations for one in found)


def total_seconds(found: Sequence[Solved]) -> float:
    return sum(one.seconds for one in found)


def printed_row(
    name: str, markets: Sequence[Market], best: Sequence[EdgeSolution] | None = None
) -> str:
    """The printed formula on each resource type of each market."""
    solutions: Sequence[EdgeSolution | None] = best or [None] * len(markets)
    found = [
        published_allocation(part, best=solution)
        for market, solution in zip(markets, solutions, strict=True)
        for part in market.by_resource().values()
    ]
    worst = [max(one.capacity_violation, one.budget_violation) for one in found]
    share = [one.utility_share for one in found]
    return (
        f"| {name} | {len(found)} | {sum(one <= FEASIBLE for one in worst)} | "
        f"{statistics.median(worst):.2g} / {max(worst):.2g} | "
        f"{statistics.median(share):.2f} ({min(share):.2f} to {max(share):.2f}) |"
    )


def page(data: Folder) -> str:
    small = generate(seed=0, num_users=60)
    for market in (small, data.gavel(None)):  # compile
        allocate(market, warm_start=allocate(market, threads=1), threads=1)
    users, totals = (list(data.minutes(of_users=each)) for each in (True, False))
    first, best = hour_row("each request a drawn user's", users)
    second, _ = hour_row("the total alone moves", totals)
    lines = [
        "| data | users x nodes | edges | method | steps | CPU s | gap per user "
        "| worst violation |",
        "|---|---|---|---|---|---|---|---|",
        single_row("Melbourne, sites within 400 m", data.melbourne()),
        single_row("Alibaba, CPU, memory and GPU, 8 nodes a pod", data.alibaba()),
        single_row("Gavel, each configuration once", data.gavel(None)),
        single_row("Gavel, 10,000 jobs drawn", data.gavel(10_000)),
        "",
        "An hour of the Azure conversation trace, minute by minute, on the Melbourne "
        "market; each minute solved from the one before and anew:",
        "",
        "| budgets | solves | moved by at most, median | steps, warm for cold "
        "| CPU s, warm for cold | worst gap per user | worst violation |",
        "|---|---|---|---|---|---|---|",
        first,
        second,
        "",
        "The printed formula (24) on the same data. Violation: what it takes above a "
        "limit, in units of the limit. Share: geometric mean of the users' utilities "
        "relative to the optimum, after cutting its amounts to the limits.",
        "",
        "| data | markets | feasible | violation, median / worst | share, median "
        "(range) |",
        "|---|---|---|---|---|",
        printed_row(
            "Melbourne, 3 regimes, 10 seeds",
            [data.melbourne(regime, seed) for regime in REGIMES for seed in SEEDS],
        ),
        printed_row(
            "Alibaba, 3 regimes, 3 types", [data.alibaba(regime) for regime in REGIMES]
        ),
        printed_row(
            "Gavel, 3 regimes, 10 seeds of 1,000 jobs",
            [data.gavel(1_000, regime, seed) for regime in REGIMES for seed in SEEDS],
        ),
        printed_row("Azure, minute by minute", users, best),
    ]
    return "\n".join(lines) + "\n"


def between(file: Path, mark: str, text: str) -> None:
    """Replace what stands between the marks of `file`."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->\n"
    before, rest = file.read_text().split(begin)
    file.write_text(before + begin + text + end + rest.split(end)[1])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--write", action="store_true", help="update the docs page")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(
            "edge_real: the published data sets are not here; --data FOLDER says where "
            "they are, docs/formats.md where they are published",
            file=sys.stderr,
        )
        return 0
    text = page(Folder(options.data))
    print(text)
    if options.write:
        between(PAGE, "edge_real", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
