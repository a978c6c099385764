"""How near one owner's prices for linear users are proved to be to the best.

    python benchmarks/owner_bound.py            # 20 random small markets
    python benchmarks/owner_bound.py --real     # 400 x 20 and 5,000 x 50 of `generate`

Each row: the profit found, and its gap to the bound that prices every user apart and to
the bound for common prices.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from stackelberg.edge import Market, generate, operator_prices


def small(count: int) -> Iterator[tuple[Market, np.ndarray, np.ndarray]]:
    """Markets of 4 to 20 users and 2 to 5 nodes, costs and outside weights."""
    for seed in range(count):
        draw = np.random.default_rng(seed)
        users, nodes = int(draw.integers(4, 21)), int(draw.integers(2, 6))
        weight = draw.lognormal(0.0, 0.6, (users, nodes))
        budget = draw.lognormal(0.0, 0.6, users)
        capacity = draw.uniform(0.5, 1.5, nodes) * budget.sum() / nodes
        market = Market.from_arrays(np.ones(nodes), capacity, budget, weight)
        yield market, draw.uniform(0.0, 0.5, nodes), draw.uniform(0.2, 0.8, users)


def row(
    name: str,
    market: Market,
    cost: np.ndarray,
    outside: np.ndarray | float = 0.0,
    cap: np.ndarray | None = None,
) -> tuple[float, float]:
    """Print one market's row; both gaps."""
    from dataclasses import replace

    from stackelberg.edge.prices.ces_game import ces_games
    from stackelberg.edge.prices.linear_operator import linear_operator_certificate

    start = time.process_time()
    found = operator_prices(market, cost=cost, outside_weight=outside, price_cap=cap)
    seconds = time.process_time() - start
    games = ces_games(market, 2.0, cost, cap, outside)
    apart = linear_operator_certificate(
        market, games, replace(found.value, bound_split=(None,) * len(games))
    )
    gap = found.certificate.gap
    print(
        f"{name} | {found.status.label} | {found.certificate.profit:.6g} | "
        f"{apart.gap:.4f} | {gap:.4f} | {seconds:.2f}",
        flush=True,
    )
    return apart.gap, gap


def main() -> None:
    """Run it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--real", action="store_true")
    asked.add_argument("--count", type=int, default=20)
    options = asked.parse_args()
    print("users x nodes | status | profit | gap apart | gap common | CPU s")
    if options.real:
        operator_prices(
            generate(seed=0, num_users=200, num_nodes=10), outside_weight=10
        )
        for users, nodes in ((400, 20), (5000, 50)):
            market = generate(seed=0, num_users=users, num_nodes=nodes)
            name, cost = f"{users} x {nodes}", 0.5 * market.price
            row(f"{name}, caps", market, cost, cap=20.0 * market.price)
            row(f"{name}, outside goods", market, cost, 10.0)
        return
    gaps = np.array([
        row(f"{market.num_users} x {market.num_nodes}", market, cost, outside)
        for market, cost, outside in small(options.count)
    ])  # fmt: skip
    print(f"median {np.median(gaps, axis=0)}, worst {gaps.max(axis=0)}")


if __name__ == "__main__":
    main()
