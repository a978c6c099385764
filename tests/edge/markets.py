"""Markets that several tests use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from stackelberg.edge import Market

VECTORS = sorted(
    path.stem for path in (Path(__file__).parents[1] / "data" / "edge").glob("*.npz")
)


def vector(data: Path, name: str):
    """A public reference case: its market, objective and utilities."""
    with np.load(data / "edge" / f"{name}.npz") as case:
        shape = (len(case["B"]), len(case["p"]))
        weight = sparse.csr_array(
            (case["w_data"], case["w_indices"], case["w_indptr"]), shape=shape
        )
        market = Market.from_arrays(case["p"], case["Q"], case["B"], weight)
        return market, float(case["objective"]), case["utilities"], dict(case)


def random_market(
    seed: int, users: int, nodes: int, reach: int | None = None
) -> Market:
    """A market in the hardest balance: all budgets buy all capacities."""
    draw = np.random.default_rng(seed)
    weight = draw.lognormal(0.0, 0.6, (users, nodes))
    if reach is not None:
        rank = np.argsort(draw.random((users, nodes)), axis=1)
        weight = np.where(rank < reach, weight, 0.0)
    price = draw.uniform(0.5, 2.0, nodes)
    capacity = draw.uniform(0.5, 1.5, nodes)
    budget = draw.lognormal(0.0, 0.6, users)
    capacity *= budget.sum() / (price @ capacity)
    return Market.from_arrays(price, capacity, budget, sparse.csr_array(weight))
