"""One edge market by DeDe, in an environment of its own: called by benchmarks/edge.py.

    pip install dede clarabel "scipy<1.12"
    python edge_dede.py MARKET.npz ANSWER.npz

DeDe (Xu, Yu and Yan, OSDI 2025) pins old versions of CVXPY and NumPy, hence the other
environment; this file needs nothing else. With ECOS its subproblems fail. MARKET.npz
holds price, capacity, budget and weight [N, M]; ANSWER.npz gets amount [N, M] and the
CPU seconds of its solve, its worker's included, until it improves by less than 1 %.
"""

import sys
import time
from typing import Any

import dede as dd  # pyright: ignore[reportMissingImports]
import numpy as np
import ray


def cpu_seconds(_: object) -> float:
    """Of the process that it is called in."""
    return time.process_time()


def main(market_file: str, answer_file: str) -> None:
    """Solve the market and write the amounts."""
    market = np.load(market_file)
    price, weight = market["price"], market["weight"]
    users, nodes = weight.shape
    # Every node's amounts as shares of its capacity, so that ADMM sees numbers near 1.
    unit = market["capacity"] / users
    x = dd.Variable((nodes, users), nonneg=True)
    sold = [x[i, :].sum() <= users for i in range(nodes)]
    bought = [
        (price * unit / market["budget"][j]) @ x[:, j] <= 1.0 for j in range(users)
    ]
    worth = [dd.log((weight[j] * unit) @ x[:, j]) for j in range(users)]
    problem = dd.Problem(dd.Maximize(sum(worth)), sold, bought)
    start = time.process_time()
    problem.solve(num_cpus=1, solver=dd.CLARABEL)
    seconds = time.process_time() - start
    for part in problem._subprob_cache.probs:
        spent: Any = ray.get(part.__ray_call__.remote(cpu_seconds))
        seconds += spent
    places = [
        position
        for part in problem._subprob_cache.probs
        for _, position in ray.get(part.get_solution_idx_d.remote())
    ]
    shares = np.zeros(nodes * users)
    shares[places] = problem.sol_d
    amount = shares.reshape((nodes, users), order="F").T * unit
    np.savez(answer_file, amount=np.maximum(amount, 0.0), seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
