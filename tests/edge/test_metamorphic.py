"""What must happen to the optimum when the market changes in a way one can foresee.

Changes of one market only; markets odd in other ways are drawn by `wild_market`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from edge.markets import random_market
from edge.wild import Wild, wild_market
from oracles.edge_exact import served_users

from stackelberg.edge import EdgeSolution, Fairness, Market, allocate, certify
from stackelberg.game import Status

TOLERANCE = 1e-11


def odd_markets(count: int, *wanted: str) -> list[Wild]:
    """Bounded wild markets, numbers within a decade either way, odd as `wanted`."""
    found: list[Wild] = []
    seed = 0
    while len(found) < count:
        wild = wild_market(seed, 1)
        seed += 1
        if not {"endless_capacity", "units"} & {*wild.odd} and {*wanted} <= {*wild.odd}:
            found.append(wild)
    return found


def solved(arrays: Wild | tuple[np.ndarray, ...]) -> EdgeSolution:
    market = Market.from_arrays(*arrays[:4])
    solution = allocate(market, TOLERANCE, drop_degenerate=True)
    assert solution.status is Status.CONVERGED
    return solution


def utilities(arrays: Wild | tuple[np.ndarray, ...]) -> np.ndarray:
    return solved(arrays).value.utility


def assert_same(one: np.ndarray, other: np.ndarray, rtol: float = 1e-7) -> None:
    assert len(one) > 0
    np.testing.assert_allclose(one, other, rtol=rtol)


def in_units_of_nodes(wild: Wild, draw: np.random.Generator) -> Wild:
    unit = 10.0 ** draw.uniform(-12.0, 12.0, len(wild.price))
    return wild._replace(
        price=wild.price / unit,
        capacity=wild.capacity * unit,
        weight=wild.weight / unit,
    )


def in_units_of_users(wild: Wild, draw: np.random.Generator) -> Wild:
    unit = 10.0 ** draw.uniform(-12.0, 12.0, len(wild.budget))
    return wild._replace(weight=wild.weight * unit[:, None])


def in_units_of_money(wild: Wild, draw: np.random.Generator) -> Wild:
    unit = 10.0 ** draw.uniform(-12.0, 12.0)
    return wild._replace(price=wild.price * unit, budget=wild.budget * unit)


@pytest.mark.parametrize(
    "change", [in_units_of_nodes, in_units_of_users, in_units_of_money]
)
@pytest.mark.parametrize("number", range(6))
def test_no_unit_changes_a_digit(
    change: Callable[[Wild, np.random.Generator], Wild], number: int
) -> None:
    wild = odd_markets(6)[number]
    other = change(wild, np.random.default_rng(number))
    before, after = solved(wild), solved(other)
    unit = np.ones(len(wild.budget))
    if change is in_units_of_users:
        inside = wild.weight.sum(axis=1) > 0.0
        unit[inside] = other.weight.sum(axis=1)[inside]
        unit[inside] /= wild.weight.sum(axis=1)[inside]
    served = before.value.utility > 0.0
    assert_same(
        after.value.utility[served],
        (before.value.utility * unit)[served],
        rtol=1e-9,
    )
    assert after.certificate.objective == pytest.approx(
        before.certificate.objective + np.log(unit[served]).sum(), abs=1e-9
    )
    assert after.certificate.gap_per_user == pytest.approx(
        before.certificate.gap_per_user, rel=0.5
    )


@pytest.mark.parametrize("odd", ["ties", "twins", "nearly_equal", "free", "wide"])
def test_order_changes_nothing(odd: str) -> None:
    for wild in odd_markets(3, odd):
        draw = np.random.default_rng(0)
        users = draw.permutation(len(wild.budget))
        nodes = draw.permutation(len(wild.price))
        shuffled = (wild.price[nodes], wild.capacity[nodes], wild.budget[users],
                    wild.weight[users][:, nodes])  # fmt: skip
        assert_same(utilities(shuffled), utilities(wild)[users])


@pytest.mark.parametrize("number", range(4))
def test_everything_twice_is_everybody_twice(number: int) -> None:
    wild = odd_markets(4, "wide")[number]
    twice = (wild.price, 2.0 * wild.capacity, np.tile(wild.budget, 2),
             np.tile(wild.weight, (2, 1)))  # fmt: skip
    before, after = solved(wild), solved(twice)
    assert_same(after.value.utility, np.tile(before.value.utility, 2))
    assert after.certificate.objective == pytest.approx(
        2.0 * before.certificate.objective, abs=1e-9
    )


@pytest.mark.parametrize("number", range(4))
def test_a_node_in_two_parts_is_the_node(number: int) -> None:
    wild = odd_markets(4, "wide")[number]
    part = np.random.default_rng(number).uniform(0.1, 0.9, len(wild.price))
    halves = (
        np.tile(wild.price, 2),
        np.concatenate([wild.capacity * part, wild.capacity * (1.0 - part)]),
        wild.budget,
        np.tile(wild.weight, 2),
    )
    whole, parts = solved(wild).value, solved(halves).value
    assert_same(parts.utility, whole.utility)
    count = len(wild.price)
    full = whole.capacity_shadow_price * wild.capacity > 1e-3
    assert_same(
        parts.capacity_shadow_price[:count][full],
        parts.capacity_shadow_price[count:][full],
        rtol=1e-4,
    )


@pytest.mark.parametrize("factor", [2.0**-30, 1e-3, 7.0, 2.0**40])
def test_a_larger_city_of_the_same_kind_has_larger_utilities(factor: float) -> None:
    wild = odd_markets(1, "wide")[0]
    larger = wild._replace(capacity=factor * wild.capacity, budget=factor * wild.budget)
    assert_same(utilities(larger), factor * utilities(wild), rtol=1e-9)


def test_capacity_that_lies_idle_and_money_that_is_not_spent_change_nothing() -> None:
    market = random_market(11, 30, 8)
    crowded = np.arange(8) < 4
    reaches_all = (np.arange(30) > 3) & (np.arange(30) < 15)  # the others, the crowded
    capacity = market.capacity * np.where(crowded, 0.1, 9.0)
    weight = market.weight.toarray() * (crowded | reaches_all[:, None])
    budget = market.budget
    before = solved((market.price, capacity, budget, weight)).value
    idle = before.load < 0.99 * capacity
    unspent = before.spend < 0.99 * budget
    assert idle.sum() >= 2
    assert unspent.sum() >= 5
    for factor in (1.5, 1e6, np.inf):
        more = (market.price, np.where(idle, factor * capacity, capacity),
                np.where(unspent & ~np.isinf(factor), 10.0 * budget, budget),
                weight)  # fmt: skip
        assert_same(utilities(more), before.utility)
    without = (market.price, np.where(idle, 1.001 * before.load, capacity),
               np.where(unspent, 1.001 * before.spend, budget), weight)  # fmt: skip
    assert_same(utilities(without), before.utility)
    endless = (market.price, capacity, np.where(unspent, np.inf, budget), weight)
    assert_same(utilities(endless), before.utility)


@pytest.mark.parametrize("number", range(8))
def test_shadow_prices_bound_what_any_change_of_limits_brings(number: int) -> None:
    wild = odd_markets(8)[number]
    before = solved(wild)
    value, proof = before.value, before.certificate
    draw = np.random.default_rng(number)
    for _ in range(3):
        capacity = wild.capacity * draw.uniform(0.5, 2.0, len(wild.capacity))
        budget = wild.budget * draw.uniform(0.5, 2.0, len(wild.budget))
        after = solved(wild._replace(capacity=capacity, budget=budget)).certificate
        finite = np.isfinite(wild.budget)
        gain = value.capacity_shadow_price @ (capacity - wild.capacity)
        gain += value.budget_shadow_price[finite] @ (
            budget[finite] - wild.budget[finite]
        )
        assert after.objective <= proof.dual_bound + gain + 1e-12


def more_capacity(wild: Wild, draw: np.random.Generator) -> Wild:
    more = np.where(draw.random(len(wild.capacity)) < 0.5, draw.choice([1.1, 9.0]), 1.0)
    return wild._replace(capacity=wild.capacity * more)


def more_budget(wild: Wild, draw: np.random.Generator) -> Wild:
    more = np.where(draw.random(len(wild.budget)) < 0.5, draw.choice([1.1, 9.0]), 1.0)
    return wild._replace(budget=wild.budget * more)


def lower_prices(wild: Wild, draw: np.random.Generator) -> Wild:
    return wild._replace(price=wild.price * draw.uniform(0.5, 1.0, len(wild.price)))


def longer_reach(wild: Wild, draw: np.random.Generator) -> Wild:
    new = (draw.random(wild.weight.shape) < 0.3) & (wild.weight == 0.0)
    served = np.isin(np.arange(len(wild.budget)), served_users(*wild[:4]))
    new &= served[:, None]
    return wild._replace(weight=np.where(new, 1.0, wild.weight))


def larger_weights(wild: Wild, draw: np.random.Generator) -> Wild:
    return wild._replace(weight=wild.weight * draw.uniform(1.0, 2.0, wild.weight.shape))


@pytest.mark.parametrize(
    "change", [more_capacity, more_budget, lower_prices, longer_reach, larger_weights]
)
def test_what_can_only_help_never_lowers_the_optimum(
    change: Callable[[Wild, np.random.Generator], Wild],
) -> None:
    rose = 0
    for number, wild in enumerate(odd_markets(10)):
        better = change(wild, np.random.default_rng(number))
        before, after = solved(wild), solved(better)
        assert before.stats["dropped_users"] == after.stats["dropped_users"]
        assert after.certificate.dual_bound >= before.certificate.objective
        rose += after.certificate.objective > before.certificate.dual_bound
    assert rose >= 2


def test_what_nobody_uses_changes_nothing() -> None:
    for wild in odd_markets(4, "wide"):
        before = utilities(wild)
        users = len(wild.budget)
        price, capacity = np.append(wild.price, 1.0), np.append(wild.capacity, 1.0)
        unreached = np.hstack([wild.weight, np.zeros((users, 1))])
        assert_same(utilities((price, capacity, wild.budget, unreached)), before)
        reached = np.hstack([wild.weight, np.ones((users, 1))])
        closed = np.append(wild.capacity, 0.0)
        served = before > 0.0
        answer = solved((price, closed, wild.budget, reached)).value
        assert_same(answer.utility[served], before[served])
        assert answer.load[-1] == 0.0


def test_a_bargain_that_nobody_wants_changes_nothing() -> None:
    market = random_market(21, 20, 5)
    before = solved((market.price, market.capacity, market.budget,
                     market.weight.toarray())).value  # fmt: skip
    rent = before.capacity_shadow_price + np.outer(
        before.budget_shadow_price, market.price
    )
    worth = (rent / market.weight.toarray()).min(axis=1)
    # Of the new node's price 1, each user would pay no more than half what it costs.
    poor = 0.5 * before.budget_shadow_price / worth
    wider = np.hstack([market.weight.toarray(), poor[:, None]])
    price, capacity = np.append(market.price, 1.0), np.append(market.capacity, 5.0)
    after = solved((price, capacity, market.budget, wider)).value
    assert_same(after.utility, before.utility)
    assert after.load[-1] < 1e-6


def test_users_who_cannot_be_served_change_nothing_for_the_others() -> None:
    for wild in odd_markets(4, "closed"):
        before = solved(wild)
        more = (wild.price, wild.capacity, np.append(wild.budget, 3.0),
                np.vstack([wild.weight, np.zeros(len(wild.price))]))  # fmt: skip
        after = solved(more)
        assert np.array_equal(after.value.utility[:-1], before.value.utility)
        assert after.value.utility[-1] == 0.0
        assert after.value.budget_shadow_price[-1] == 0.0
        assert after.certificate.rows() == before.certificate.rows()


def test_twins_get_the_same() -> None:
    for wild in odd_markets(4, "twins"):
        half = len(wild.budget) // 2
        found = utilities(wild)
        if half:
            assert_same(found[:half], found[half : 2 * half])


def one_of(markets: dict[str, Wild]) -> Market:
    return Market.side_by_side(
        {name: Market.from_arrays(*wild[:4]) for name, wild in markets.items()}
    )


def test_resource_types_do_not_touch_each_other() -> None:
    cpu, gpu, ram = odd_markets(3, "wide")
    draw = np.random.default_rng(0)
    base = {"cpu": cpu, "gpu": gpu, "ram": ram}
    turned = {"ram": ram, "cpu": cpu, "gpu": gpu}
    other = {**base, "gpu": more_capacity(in_units_of_nodes(gpu, draw), draw)}
    found = []
    for parts in (base, turned, other):
        market = one_of(parts)
        solution = allocate(market, TOLERANCE, drop_degenerate=True)
        assert solution.status is Status.CONVERGED
        found.append(solution.value.by_resource(market))
    for name in ("cpu", "ram"):
        for again in found[1:]:
            for field in ("utility", "load", "capacity_shadow_price",
                          "budget_shadow_price", "spend"):  # fmt: skip
                one, two = getattr(found[0][name], field), getattr(again[name], field)
                assert np.array_equal(one, two)


def test_each_resource_type_counts_in_certificate_and_status() -> None:
    cpu, gpu = odd_markets(2, "wide")
    alone = [allocate(Market.from_arrays(*wild[:4]), 1e-3, drop_degenerate=True)
             for wild in (cpu, gpu)]  # fmt: skip
    both = allocate(one_of({"cpu": cpu, "gpu": gpu}), 1e-3, drop_degenerate=True)
    for number in ("objective", "dual_bound", "duality_gap"):
        parts = [getattr(solution.certificate, number) for solution in alone]
        assert getattr(both.certificate, number) == pytest.approx(sum(parts), rel=1e-12)
    assert both.iterations == max(solution.iterations for solution in alone)
    steps = both.stats["iterations_per_resource"]
    assert steps == tuple(solution.iterations for solution in alone)
    error = np.concatenate([solution.certificate.utility_error for solution in alone])
    assert_same(both.certificate.utility_error, error, rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_a_weighted_user_in_two_parts_has_the_same_certificate(seed: int) -> None:
    market = random_market(seed, 9, 4, 3)
    draw = np.random.default_rng(seed)
    weight, part = draw.uniform(0.2, 5.0, 9), draw.uniform(0.1, 0.9)
    lam, mu = draw.uniform(0.1, 3.0, 4), draw.uniform(0.1, 3.0, 9)
    amount = draw.uniform(0.0, 0.4, (9, 4)) * (market.weight.toarray() > 0.0)
    whole = certify(market, amount, lam, mu, fairness=Fairness(user_weight=weight))
    parts = Market.from_arrays(
        market.price,
        market.capacity,
        np.append(market.budget[1:], market.budget[0] * np.array([part, 1.0 - part])),
        np.vstack([market.weight.toarray()[1:], market.weight.toarray()[[0, 0]]]),
    )
    split = certify(
        parts,
        np.vstack([amount[1:], part * amount[0], (1.0 - part) * amount[0]]),
        lam,
        np.append(mu[1:], mu[[0, 0]]),
        fairness=Fairness(
            user_weight=np.append(weight[1:], weight[0] * np.array([part, 1.0 - part]))
        ),
    )
    assert split.duality_gap == pytest.approx(whole.duality_gap, rel=1e-9)
    assert split.gap_per_user == pytest.approx(whole.gap_per_user, rel=1e-9)
    entropy = part * np.log(part) + (1.0 - part) * np.log(1.0 - part)
    assert split.objective == pytest.approx(
        whole.objective + weight[0] * entropy, rel=1e-10
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_weighted_user_in_two_parts_gets_the_same_in_all(seed: int) -> None:
    market = random_market(seed, 9, 4, 3)
    draw = np.random.default_rng(seed)
    weight, part = draw.uniform(0.2, 5.0, 9), draw.uniform(0.1, 0.9)
    shares = np.array([part, 1.0 - part])
    matrix = market.weight.toarray()
    parts = Market.from_arrays(
        market.price,
        market.capacity,
        np.append(market.budget[1:], market.budget[0] * shares),
        np.vstack([matrix[1:], matrix[[0, 0]]]),
    )
    split_weight = np.append(weight[1:], weight[0] * shares)
    whole = allocate(market, TOLERANCE, fairness=Fairness(user_weight=weight))
    split = allocate(parts, TOLERANCE, fairness=Fairness(user_weight=split_weight))
    assert whole.status is split.status is Status.CONVERGED
    assert_same(split.value.utility[:-2], whole.value.utility[1:])
    assert_same(split.value.utility[-2:], whole.value.utility[0] * shares)
