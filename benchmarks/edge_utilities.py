"""Edge markets with other utilities and fairness: CPU seconds, steps and proved gap,
against CVXPY with Clarabel.

    python benchmarks/edge_utilities.py                      up to 10^5 users
    python benchmarks/edge_utilities.py --peer-edges 10000   CVXPY up to so many edges
    python benchmarks/edge_utilities.py --spread 60          how many of so many markets
        with widely spread data are solved, for each elasticity and alpha

Markets are those of `edge.generate` in the balanced regime. Every answer, the peer's
too, is judged by the same `edge.certify`. CPU seconds of one thread, the peer's with
its compilation; compare ratios.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

# One thread for every library; must be set before they are loaded.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402

from stackelberg.edge import (  # noqa: E402
    COBB_DOUGLAS,
    LEONTIEF,
    Fairness,
    Market,
    Utility,
    allocate,
    certify,
    ces,
    generate,
)
from stackelberg.game import Status  # noqa: E402

TOLERANCE = 5e-9
SIZES = ((100, 20, 20), (1_000, 50, 50), (10_000, 200, 8), (100_000, 200, 8))
CASES = (
    (COBB_DOUGLAS, Fairness()),
    (LEONTIEF, Fairness()),
    (LEONTIEF, Fairness(2.0)),
    (ces(0.5), Fairness()),
    (ces(0.5), Fairness(2.0)),
    (ces(2.0), Fairness()),
    (ces(2.0), Fairness(2.0)),
    (ces(2.0), Fairness(5.0)),
)


def peer(market: Market, utility: Utility, fairness: Fairness) -> dict[str, Any]:
    import cvxpy as cp  # type: ignore

    start = time.process_time()
    user, node = market.user_of_edge, market.weight.indices
    edges, w = np.arange(market.num_edges), market.weight.data

    def summing(rows: Any, values: Any, count: int) -> Any:
        return sparse.csr_array((values, (rows, edges)), shape=(count, len(edges)))

    x = cp.Variable(market.num_edges, nonneg=True)
    users, alpha = market.num_users, fairness.alpha
    limits = [
        summing(node, np.ones(len(edges)), market.num_nodes) @ x <= market.capacity,
        summing(user, market.price[node], users) @ x <= market.budget,
    ]

    def alpha_fair(u: Any, power: float) -> Any:
        """Welfare of u^power."""
        if alpha == 1.0:
            return power * cp.sum(cp.log(u))
        return cp.sum(cp.power(u, power * (1.0 - alpha))) / (1.0 - alpha)

    more: list[Any] = []
    if utility.family == "cobb_douglas":
        share = w / np.bincount(user, w)[user]
        welfare = cp.sum(cp.multiply(share, cp.log(x)))
    elif utility.family == "leontief":
        u = cp.Variable(users)
        more = [cp.multiply(w, u[user]) <= x]
        welfare = alpha_fair(u, 1.0)
    elif utility.substitution == 2.0:  # u = (sum sqrt(w x))^2
        welfare = alpha_fair(summing(user, np.sqrt(w), users) @ cp.sqrt(x), 2.0)
    elif alpha == 2.0:  # elasticity 1/2: -1/u = -sum 1/(w x)
        welfare = -cp.sum(cp.multiply(1.0 / w, cp.inv_pos(x)))
    else:
        return {"status": "not modelled"}
    task = cp.Problem(cp.Maximize(welfare), limits + more)
    try:
        task.solve(solver="CLARABEL")
    except cp.SolverError as error:  # type: ignore
        return {"status": f"error: {str(error).splitlines()[0]}"}
    seconds = time.process_time() - start
    if x.value is None:
        return {"status": task.status, "seconds": seconds}
    weight = market.weight
    amounts = sparse.csr_array((x.value, weight.indices, weight.indptr), weight.shape)
    prices = [np.maximum(limit.dual_value, 0.0) for limit in limits]
    proof = certify(market, amounts, *prices, utility=utility, fairness=fairness)
    return {"seconds": seconds, "status": task.status, "gap": proof.gap_per_user}


def spread_market(seed: int) -> Market:
    """2 to 59 users, 1 to 9 nodes; logarithms with standard deviation .6, 2 or 4."""
    draw = np.random.default_rng(1000 + seed)
    spread = draw.choice([0.6, 2.0, 4.0])
    balance = 10.0 ** draw.uniform(-1.5, 1.0)
    users, nodes = int(draw.integers(2, 60)), int(draw.integers(1, 10))
    weight = draw.lognormal(0.0, spread, (users, nodes))
    if seed % 2:
        reach = int(draw.integers(1, 6))
        rank = np.argsort(draw.random((users, nodes)), axis=1)
        weight = np.where(rank < reach, weight, 0.0)
    price = draw.lognormal(0.0, spread / 2.0, nodes)
    capacity = draw.lognormal(0.0, spread / 2.0, nodes)
    budget = draw.lognormal(0.0, spread, users)
    capacity *= balance * budget.sum() / (price @ capacity)
    return Market.from_arrays(price, capacity, budget, sparse.csr_array(weight))


def solved(count: int) -> None:
    """Print how many markets reach a gap of 1e-10 within 150 steps."""
    utilities = [LEONTIEF, *map(ces, (0.05, 0.3, 0.8)), COBB_DOUGLAS]
    utilities += map(ces, (1.2, 1.5, 1.6, 2.0, 3.0, 10.0, 100.0))
    print("| alpha | solved | median steps | most steps |\n|---|---|---|---|")
    for alpha in (0.1, 0.5, 1.0, 2.0, 5.0, 20.0):
        steps: list[int] = []
        for utility in utilities:
            for seed in range(count):
                found = allocate(
                    spread_market(seed),
                    1e-10,
                    utility=utility,
                    fairness=Fairness(alpha),
                    max_iterations=150,
                )
                if found.status is Status.CONVERGED:
                    steps.append(found.iterations)
        share = f"{len(steps)} of {len(utilities) * count}"
        print(f"| {alpha:g} | {share} | {np.median(steps):g} | {max(steps)} |")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-edges", type=int, default=50_000)
    parser.add_argument("--spread", type=int, help="only this, so many markets")
    options = parser.parse_args(arguments)
    if options.spread:
        solved(options.spread)
        return 0
    print("| market | utility | alpha | steps | CPU s | us/edge | gap | Clarabel |")
    print("|---|---|---|---|---|---|---|---|")
    for utility, fairness in CASES:  # compile
        for reach in (3, 9):
            tiny = generate(seed=0, num_users=60, num_nodes=9, nearest=reach)
            allocate(tiny, utility=utility, fairness=fairness)
    for users, nodes, reach in SIZES:
        market = generate(seed=1, num_users=users, num_nodes=nodes, nearest=reach)
        for utility, fairness in CASES:
            start = time.process_time()
            found = allocate(market, TOLERANCE, utility=utility, fairness=fairness)
            seconds = time.process_time() - start
            other = ""
            if market.num_edges <= options.peer_edges and all(
                map(importlib.util.find_spec, ("cvxpy", "clarabel"))
            ):
                told = peer(market, utility, fairness)
                other = told["status"]
                if "gap" in told:
                    times = told["seconds"] / seconds
                    other += f", {times:.0f} times ours, gap {told['gap']:.0e}"
            name = utility.family
            name += f" {utility.elasticity:g}" if utility.elasticity else ""
            print(
                f"| {users} x {nodes}, {reach} each | {name} | {fairness.alpha:g} "
                f"| {found.iterations} ({found.status.label}) | {seconds:.3g} "
                f"| {1e6 * seconds / market.num_edges:.2f} "
                f"| {found.certificate.gap_per_user:.0e} | {other} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
