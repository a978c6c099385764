"""Small markets with numbers from 1e-6 to 1e6 against forty digits."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from oracles.edge_exact import many_digits, worth_of
from oracles.edge_precise import Optimum, optimum, residuals

from stackelberg.edge import Market, allocate
from stackelberg.game import Status

CHUNK = 50


def spread_market(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Up to 6 users and 4 nodes; every kind of number over twelve decades."""
    draw = np.random.default_rng([seed, 77])
    users, nodes = int(draw.integers(1, 7)), int(draw.integers(1, 5))

    def spread(*shape: int) -> np.ndarray:
        return 10.0 ** draw.uniform(-6.0, 6.0, shape)

    price, capacity, budget = spread(nodes), spread(nodes), spread(users)
    weight = spread(users, nodes)
    inside = draw.random((users, nodes)) < draw.uniform(0.3, 1.2)
    inside[np.arange(users), draw.integers(0, nodes, users)] = True
    return price, capacity, budget, np.where(inside, weight, 0.0)


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_spread_markets_against_forty_digits(first: int) -> None:
    unsolved = 0
    for seed in range(first, first + CHUNK):
        arrays = spread_market(seed)
        best = optimum(*arrays)
        assert max(residuals(*arrays, best).values()) < Decimal("1e-38"), seed
        ours = allocate(Market.from_arrays(*arrays), 1e-9)
        proof = ours.certificate
        loss = best.objective - Decimal(proof.objective)
        assert Decimal(proof.dual_bound) >= best.objective, seed
        assert abs(loss) <= Decimal(proof.duality_gap), seed
        error = [
            abs(Decimal(float(u)) / exact - 1)
            for u, exact in zip(ours.value.utility, best.utility, strict=True)
        ]
        for mine, proved in zip(error, proof.utility_error, strict=True):
            assert mine <= Decimal(float(proved)), seed
        if ours.status is Status.CONVERGED:
            assert loss <= Decimal("1e-9") * len(error), seed
            assert max(error) <= Decimal("1e-6"), seed
        else:
            unsolved += 1
    assert unsolved <= 1


BY_HAND = (
    # One user: all its money goes to the better bargain. u = 2.
    (([1.0, 1.0], [10.0, 10.0], [1.0], [[2.0, 1.0]]), [0.0, 0.0], [1.0], [2.0]),
    # Two equal users at one node that is full: half each, lam Q = 2.
    (([1.0], [1.0], [9.0, 9.0], [[1.0], [1.0]]), [2.0], [0.0, 0.0], [0.5, 0.5]),
)


@pytest.mark.parametrize(("arrays", "lam", "mu", "utility"), BY_HAND)
def test_the_oracle_knows_what_can_be_done_by_hand(arrays, lam, mu, utility) -> None:
    found = optimum(*arrays)
    for mine, wanted in ((found.lam, lam), (found.mu, mu), (found.utility, utility)):
        assert max(abs(a - Decimal(b)) for a, b in zip(mine, wanted, strict=True)) < (
            Decimal("1e-38")
        )


def test_infinite_limits_have_no_price() -> None:
    arrays = ([1.0, 2.0], [np.inf, 3.0], [5.0, np.inf], [[1.0, 1.0], [0.0, 1.0]])
    found = optimum(*arrays)
    assert max(residuals(*arrays, found).values()) < Decimal("1e-38")
    assert found.lam[0] == 0
    assert found.mu[1] == 0
    # 5 at the node without limit for the first, all 3 of the other for the second
    assert [float(u) for u in found.utility] == pytest.approx([5.0, 3.0], rel=1e-15)


def test_the_residuals_find_each_condition_broken() -> None:
    arrays = spread_market(14)
    found = optimum(*arrays)
    edge = max(found.amount, key=found.amount.__getitem__)
    top = max(range(len(found.lam)), key=found.lam.__getitem__)

    def worst(**changes) -> dict[str, Decimal]:
        return residuals(*arrays, Optimum(**{**found._asdict(), **changes}))

    small = Decimal("1e-9")
    assert worst(amount={**found.amount, edge: -small})["sign"] == small
    more = {e: x * (1 + small) for e, x in found.amount.items()}
    assert worst(amount=more)["limits"] > small / 2
    lower = [cost * (1 - small) for cost in found.lam]
    assert worst(lam=lower)["price"] > small / 1000
    higher = [cost + 1 if i == top else cost for i, cost in enumerate(found.lam)]
    assert worst(lam=higher)["edges"] > small
    less = {e: x * (1 - small) for e, x in found.amount.items()}
    assert worst(amount=less)["capacities"] > small / 1000
    assert worst(amount=less)["budgets"] > small / 1000


@pytest.mark.parametrize("seed", range(10))
def test_the_two_exact_oracles_agree(seed: int) -> None:
    arrays = spread_market(seed)
    best = optimum(*arrays)
    users, nodes = arrays[3].shape
    amount = [[float(best.amount.get((j, i), 0)) for i in range(nodes)]
              for j in range(users)]  # fmt: skip
    worth = worth_of(*arrays, amount, [*map(float, best.lam)], [*map(float, best.mu)])
    assert worth.excess < Decimal("1e-15")
    with localcontext(many_digits()):
        assert worth.objective <= best.objective + Decimal("1e-38")
        assert best.objective <= worth.bound + Decimal("1e-38")
    assert worth.gap < Decimal("1e-13")
