"""What changed between two answers and why, against markets solved anew."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from edge.markets import random_market
from scipy import sparse

from stackelberg.edge import (
    COBB_DOUGLAS,
    LEONTIEF,
    LINEAR,
    PROPORTIONAL,
    Fairness,
    Market,
    Outcome,
    allocate,
    ces,
    generate,
)
from stackelberg.edge.explanation.difference import Difference, GroupChange, difference
from stackelberg.edge.explanation.envelope import Group
from stackelberg.edge.explanation.pairing import pair
from stackelberg.edge.explanation.switching import (
    Switched,
    intermediate,
    shapley_effects,
    switched_market,
)

CITY = generate(seed=4, num_users=40, num_nodes=8, radius_m=300.0)
RICH = generate(seed=5, num_users=30, num_nodes=6, radius_m=400.0, regime="budget_rich")
EVEN = random_market(3, users=9, nodes=4)
MIXED = replace(EVEN, budget=EVEN.budget * np.linspace(0.2, 3.0, 9))
POOR = replace(EVEN, budget=0.6 * EVEN.budget * np.linspace(0.2, 1.8, 9))


def solved(market: Market) -> tuple[Market, Outcome]:
    solution = allocate(market, 1e-12)
    assert solution.certificate.gap_per_user < 1e-11
    return market, solution.value


def compared(before: Market, after: Market, **options: Any) -> Difference:
    return difference(solved(before), solved(after), **options)


def only_group(found: Difference) -> GroupChange:
    (group,) = found.groups
    return group


def scaled(size: float, seed: int, count: int) -> np.ndarray:
    return 1.0 + size * np.random.default_rng(seed).normal(size=count)


CHANGES: dict[str, Any] = {
    "prices": lambda m, d: replace(m, price=m.price * scaled(d, 1, m.num_nodes)),
    "capacities": lambda m, d: replace(
        m, capacity=m.capacity * scaled(d, 2, m.num_nodes)
    ),
    "budgets": lambda m, d: replace(m, budget=m.budget * scaled(d, 3, m.num_users)),
    "weights": lambda m, d: replace(
        m,
        weight=sparse.csr_array(
            (
                m.weight.data * scaled(d, 4, m.num_edges),
                m.weight.indices,
                m.weight.indptr,
            ),
            shape=m.weight.shape,
        ),
    ),
}


@pytest.mark.parametrize("market", [CITY, RICH, POOR], ids=["city", "rich", "poor"])
@pytest.mark.parametrize("kind", CHANGES)
def test_a_small_change_of_one_input_is_explained_by_it(
    market: Market, kind: str
) -> None:
    found = compared(market, CHANGES[kind](market, 1e-3))
    group = only_group(found)
    assert group.group == kind
    assert abs(found.remainder) < 1e-4 * abs(found.change) + 1e-7
    assert group.count == {
        "budgets": market.num_users,
        "weights": market.num_edges,
    }.get(kind, market.num_nodes)


OTHERS = {
    "ces": (ces(3.0), PROPORTIONAL),
    "ces, complements": (ces(0.6), Fairness(2.0)),
    "cobb_douglas": (COBB_DOUGLAS, Fairness(0.5)),
    "leontief": (LEONTIEF, PROPORTIONAL),
    "linear": (LINEAR, Fairness(2.0)),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("kind", CHANGES)
def test_other_utilities_and_welfare(name: str, kind: str) -> None:
    utility, fairness = OTHERS[name]

    def ends(market: Market) -> tuple[Market, Outcome]:
        found = allocate(market, 1e-11, utility=utility, fairness=fairness)
        assert found.certificate.gap_per_user < 1e-10
        return market, found.value

    found = difference(
        ends(MIXED),
        ends(CHANGES[kind](MIXED, 1e-3)),
        utility=utility,
        fairness=fairness,
    )
    assert only_group(found).group == kind
    scale = max(abs(only_group(found).at_before), abs(found.change))
    assert abs(found.remainder) < 1e-3 * scale + 2e-8
    assert scale > 1e-6


def test_the_remainder_is_of_third_order() -> None:
    sizes = [
        abs(compared(POOR, CHANGES["weights"](POOR, d)).remainder) for d in (0.04, 0.02)
    ]
    assert sizes[0] > 1e-8
    assert sizes[0] / sizes[1] > 5.0


@pytest.mark.parametrize("market", [CITY, RICH, POOR], ids=["city", "rich", "poor"])
def test_the_truth_lies_between_both_ends_where_limits_changed(market: Market) -> None:
    after = CHANGES["budgets"](CHANGES["capacities"](market, 0.2), 0.2)
    found = compared(market, after)
    first = sum(group.at_before for group in found.groups)
    last = sum(group.at_after for group in found.groups)
    assert {group.group for group in found.groups} == {"capacities", "budgets"}
    assert last - 1e-9 <= found.change <= first + 1e-9


def test_both_sides_of_a_kink_are_priced_by_their_own_slope() -> None:
    # All money buys all capacity: less of it costs everybody, more brings little.
    found = [
        compared(EVEN, replace(EVEN, budget=factor * EVEN.budget))
        for factor in (1.0001, 0.9999)
    ]
    for one in found:
        assert one.change == pytest.approx(only_group(one).effect, rel=1e-3)
        assert one.change == pytest.approx(only_group(one).at_before, rel=1e-2)
    assert abs(found[1].change) > 1.1 * abs(found[0].change)


def test_several_inputs_share_a_change() -> None:
    after = CITY
    for kind in CHANGES:
        after = CHANGES[kind](after, 1e-3)
    found = compared(CITY, after)
    assert [group.group for group in found.groups] == [
        "prices", "capacities", "budgets", "weights",
    ]  # fmt: skip
    total = sum(group.effect for group in found.groups)
    assert found.change == pytest.approx(total + found.remainder)
    assert abs(found.remainder) < 1e-4 * sum(abs(g.effect) for g in found.groups)


def test_the_largest_changes_are_named_with_their_numbers() -> None:
    price = CITY.price.copy()
    price[3] *= 1.01
    price[5] *= 1.0000001
    found = compared(CITY, replace(CITY, price=price), most=1)
    (largest,) = only_group(found).largest
    assert only_group(found).count == 2
    assert (largest.node, largest.user, largest.resource) == (3, None, "resource")
    assert (largest.before, largest.after) == (CITY.price[3], price[3])
    assert largest.effect == pytest.approx(only_group(found).effect, rel=1e-3)
    users = [change for change in found.users if "prices" in change.touched_by]
    assert {3} <= set(CITY.weight[[int(users[0].user)]].indices)


def test_what_changed_for_users_and_nodes_comes_largest_first() -> None:
    budget = CITY.budget.copy()
    budget[7] *= 0.5
    after = replace(CITY, budget=budget)
    found = compared(CITY, after)
    old, new = solved(CITY)[1], solved(after)[1]
    ratio = np.log(new.utility / old.utility)
    assert found.users[0].user == int(np.argmax(np.abs(ratio))) == 7
    assert found.users[0].log_change == pytest.approx(ratio[7])
    assert found.users[0].touched_by == ("budgets",)
    sizes = [abs(change.log_change) for change in found.users]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 5
    change = np.abs(new.load - old.load) / CITY.capacity
    assert found.loads[0].node == int(np.argmax(change))
    assert found.loads[0].load_before == old.load[np.argmax(change)]
    worth = np.abs(new.capacity_shadow_price - old.capacity_shadow_price)
    worth *= np.maximum(new.load, old.load)
    assert found.shadow_prices[0].node == int(np.argmax(worth))


def without(market: Market, *, user: int | None = None, node: int | None = None):
    users = np.delete(np.arange(market.num_users), [] if user is None else user)
    nodes = np.delete(np.arange(market.num_nodes), [] if node is None else node)
    return Market.from_arrays(
        market.price[nodes], market.capacity[nodes], market.budget[users],
        market.weight[users][:, nodes], nodes=market.nodes[nodes],
        users=market.users[users],
    )  # fmt: skip


def test_a_small_user_who_leaves_takes_its_utility_and_frees_its_share() -> None:
    small = POOR.budget.copy()
    small[4] *= 1e-3
    market = replace(POOR, budget=small)
    found = compared(market, without(market, user=4))
    group = only_group(found)
    assert (group.group, group.count) == ("users", 1)
    assert (group.largest[0].user, group.largest[0].after) == (4, None)
    assert found.change == pytest.approx(group.effect, abs=1e-5)
    back = compared(without(market, user=4), market)
    assert only_group(back).effect == pytest.approx(-group.effect)
    assert only_group(back).largest[0].before is None


def test_a_small_node_that_comes_brings_the_rent_that_it_takes() -> None:
    small = POOR.capacity.copy()
    small[2] *= 1e-4
    market = replace(POOR, capacity=small)
    found = compared(without(market, node=2), market)
    group = only_group(found)
    assert (group.group, group.largest[0].node) == ("nodes", 2)
    assert found.change > 1e-5
    assert found.change == pytest.approx(group.effect, rel=1e-2)
    assert all("nodes" in change.touched_by for change in found.users)


def test_a_limit_that_ends_or_begins_to_exist() -> None:
    weight = POOR.weight.toarray()
    weight[5, 0] = 0.0
    capacity, budget = POOR.capacity.copy(), POOR.budget.copy()
    capacity[0], budget[5] = math.inf, math.inf
    endless = replace(POOR, capacity=capacity, budget=budget, weight=weight)
    answer = solved(endless)[1]
    for share in (1e6, 1 - 1e-4):
        capacity[0] = share * answer.load[0]
        budget[5] = share * answer.spend[5]
        limited = replace(endless, capacity=capacity, budget=budget)
        for before, after in ((endless, limited), (limited, endless)):
            found = compared(before, after)
            assert [group.group for group in found.groups] == ["capacities", "budgets"]
            first = sum(group.at_before for group in found.groups)
            last = sum(group.at_after for group in found.groups)
            assert last - 1e-9 <= found.change <= first + 1e-9
            assert (abs(last - first) > 1e-9) == (share < 1.0)


def test_equal_markets_differ_in_nothing() -> None:
    found = compared(CITY, CITY)
    assert (found.groups, found.users, found.loads) == ((), (), ())
    assert found.change == found.remainder == 0.0


def test_names_are_matched_whatever_the_order_and_kind() -> None:
    order = np.random.default_rng(1).permutation(40)
    turned = Market.from_arrays(
        CITY.price[::-1], CITY.capacity[::-1], CITY.budget[order],
        CITY.weight[order][:, np.arange(8)[::-1]],
        nodes=CITY.nodes[::-1].astype(str), users=CITY.users[order],
    )  # fmt: skip
    found = compared(CITY, turned)
    assert found.groups == ()
    assert found.change == pytest.approx(0.0, abs=1e-9)


def test_resource_types_are_matched_by_name() -> None:
    both = Market.side_by_side({"cpu": RICH, "gpu": POOR})
    other = Market.side_by_side(
        {"gpu": CHANGES["budgets"](POOR, 1e-3), "cpu": RICH, "tpu": POOR}
    )
    found = compared(both, other)
    assert [group.group for group in found.groups] == ["users", "nodes", "budgets"]
    budgets = found.groups[2]
    assert {change.resource for change in budgets.largest} == {"gpu"}
    assert budgets.count == POOR.num_users


@pytest.mark.parametrize("seed", range(5))
def test_shapley_values_are_means_over_all_orders(seed: int) -> None:
    draw = np.random.default_rng(seed)
    groups: tuple[Group, ...] = ("users", "prices", "budgets", "weights")
    none: Switched = frozenset()
    value = {none: 0.0, frozenset(groups): float(draw.normal())}
    value |= {one: float(draw.normal()) for one in intermediate(groups)}
    assert len(value) == 16
    effects = shapley_effects(groups, value)
    for group in groups:
        steps = [
            value[frozenset(order[: order.index(group) + 1])]
            - value[frozenset(order[: order.index(group)])]
            for order in permutations(groups)
        ]
        assert effects[group] == pytest.approx(np.mean(steps))
    assert sum(effects.values()) == pytest.approx(value[frozenset(groups)])


def test_an_unknown_value_leaves_all_effects_unknown() -> None:
    value: dict[Switched, float] = {
        frozenset(): 0.0,
        frozenset({"users"}): -math.inf,
        frozenset({"nodes"}): 1.0,
        frozenset({"users", "nodes"}): 2.0,
    }
    effects = shapley_effects(("users", "nodes"), value)
    assert all(math.isnan(effect) for effect in effects.values())


def test_switching_none_or_all_gives_the_two_markets() -> None:
    after = without(CHANGES["prices"](CHANGES["weights"](CITY, 0.1), 0.1), user=3)
    matched = pair(CITY, after)
    groups: Switched = frozenset({"users", "prices", "weights"})
    for switched, expected in ((frozenset[Any](), CITY), (groups, after)):
        made = switched_market(matched, switched)
        order = np.argsort(made.users)
        assert np.array_equal(made.users[order], expected.users)
        assert np.array_equal(made.price, expected.price)
        assert np.array_equal(made.budget[order], expected.budget)
        assert np.array_equal(made.weight[order].toarray(), expected.weight.toarray())


def test_switching_one_kind_leaves_the_rest() -> None:
    after = without(CHANGES["budgets"](CHANGES["prices"](CITY, 0.1), 0.1), node=2)
    matched = pair(CITY, after)
    made = switched_market(matched, frozenset({"prices"}))
    expected = CITY.price.copy()
    expected[[0, 1, 3, 4, 5, 6, 7]] = after.price  # the node that left keeps its own
    assert np.array_equal(made.price, expected)
    assert np.array_equal(made.budget, CITY.budget)
    assert np.array_equal(made.weight.toarray(), CITY.weight.toarray())
    made = switched_market(matched, frozenset({"nodes"}))
    assert np.array_equal(made.price, np.delete(CITY.price, 2))


def test_switching_by_solving_adds_up_and_agrees_with_small_slopes() -> None:
    after = CHANGES["budgets"](CHANGES["weights"](POOR, 1e-3), 1e-3)
    found = compared(POOR, after)
    matched = pair(POOR, after)
    groups: tuple[Group, ...] = tuple(group.group for group in found.groups)
    value = {
        frozenset[Any](): found.objective_before,
        frozenset(groups): found.objective_after,
    }
    for switched in intermediate(groups):
        _, answer = solved(switched_market(matched, switched))
        value[switched] = float(np.log(answer.utility).sum())
    effects = shapley_effects(groups, value)
    assert sum(effects.values()) == pytest.approx(found.change)
    for group in found.groups:
        assert effects[group.group] == pytest.approx(group.effect, rel=1e-3)
