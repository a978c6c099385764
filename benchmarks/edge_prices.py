"""Prices of an edge market: CPU seconds at 10^3 to 10^5 users.

    python benchmarks/edge_prices.py                      all sizes
    python benchmarks/edge_prices.py --largest 10000      up to this many users
    python benchmarks/edge_prices.py --naive 1000         the naive loop up to here

Beside `price_equilibrium` a naive loop: SciPy's bounded scalar search for every node in
turn, all shares anew at each evaluation, until no log price moves by more than 1e-8;
from one start and without a certificate. Seconds are CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

# One thread for every library; must be set before they are loaded.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.optimize import minimize_scalar  # noqa: E402

from stackelberg.edge import (  # noqa: E402
    Market,
    clearing_prices,
    operator_prices,
    price_equilibrium,
)

SIZES = ((1_000, 20), (10_000, 50), (100_000, 200))
REACH = 8
ELASTICITY = 4.0


def market(users: int, nodes: int) -> Market:
    draw = np.random.default_rng(0)
    first = draw.integers(0, nodes, users)
    columns = np.sort((first[:, None] + np.arange(REACH)) % nodes, axis=1).ravel()
    budget = draw.lognormal(0.0, 0.6, users)
    capacity = draw.uniform(0.5, 1.5, nodes) * budget.sum() / nodes
    weight = sparse.csr_array(
        (
            draw.lognormal(0.0, 0.6, users * REACH),
            columns,
            np.arange(users + 1) * REACH,
        ),
        shape=(users, nodes),
    )
    cost = draw.uniform(0.2, 1.0, nodes)
    return Market.from_arrays(np.ones(nodes), capacity, budget, weight, cost=cost)


def naive(problem: Market, limit: float) -> tuple[float, Any]:
    """CPU seconds and prices of the plain loop; None where it passes the limit."""
    start = time.process_time()
    user, node = problem.user_of_edge, problem.weight.indices
    pull = (ELASTICITY - 1.0) * np.log(problem.weight.data)
    t = np.log(2.0 * problem.cost)

    def loss(own: float, i: int) -> float:
        tried = t.copy()
        tried[i] = own
        worth = np.exp(pull - (ELASTICITY - 1.0) * tried[node])
        share = worth / np.bincount(user, worth)[user]
        money = np.bincount(node, problem.budget[user] * share)[i]
        price = np.exp(own)
        return -(price - problem.cost[i]) * min(problem.capacity[i], money / price)

    for _ in range(200):
        before = t.copy()
        for i in range(problem.num_nodes):
            low = float(np.log(problem.cost[i]))
            found: Any = minimize_scalar(
                loss, bounds=(low, low + 6.0), args=(i,), method="bounded",
                options={"xatol": 1e-10},
            )  # fmt: skip
            t[i] = found.x
            if time.process_time() - start > limit:
                return limit, None
        if np.abs(t - before).max() < 1e-8:
            break
    return time.process_time() - start, np.exp(t)


def timed(solve: Any, *arguments: Any, **options: Any) -> tuple[float, Any]:
    start = time.process_time()
    solution = solve(*arguments, **options)
    return time.process_time() - start, solution


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--naive", type=int, default=1_000)
    parser.add_argument("--limit", type=float, default=300.0, help="of the loop, CPU s")
    options = parser.parse_args(arguments)
    warm = market(100, 10)
    price_equilibrium(warm, elasticity=ELASTICITY)
    operator_prices(warm, elasticity=ELASTICITY, outside_weight=0.5)
    clearing_prices(warm)
    print("| users x nodes | method | CPU s | status | proved |")
    print("|---|---|---|---|---|")
    for users, nodes in SIZES:
        if users > options.largest:
            continue
        problem, size = market(users, nodes), f"{users} x {nodes}"
        seconds, found = timed(price_equilibrium, problem, elasticity=ELASTICITY)
        proof = found.certificate
        print(
            f"| {size} | price_equilibrium | {seconds:.3g} | {found.status.label} | "
            f"regret {proof.relative_regret.max():.1e}, bracket {proof.bracket:.1e} |",
            flush=True,
        )
        if users <= options.naive:
            slow, price = naive(problem, options.limit)
            apart = (
                "over the limit"
                if price is None
                else f"log prices {np.abs(np.log(price / found.value.price)).max():.1e}"
                " from ours"
            )
            print(f"| {size} | naive loop | {slow:.3g}, {slow / seconds:.0f} times | "
                  f"- | nothing; {apart} |", flush=True)  # fmt: skip
        seconds, found = timed(
            operator_prices, problem, elasticity=ELASTICITY, outside_weight=0.5
        )
        print(f"| {size} | operator_prices | {seconds:.3g} | {found.status.label} | "
              f"gap {found.certificate.gap:.1e} |", flush=True)  # fmt: skip
        seconds, found = timed(clearing_prices, problem)
        print(f"| {size} | clearing_prices | {seconds:.3g} | {found.status.label} | "
              f"gap {found.certificate.gap_per_money:.1e} |", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
