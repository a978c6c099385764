"""From a market's allocation to the numbers and sentences of its report."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from report.edge.example_market import example_market
from scipy.sparse import csr_array
from scipy.stats import spearmanr

from stackelberg import edge
from stackelberg.edge.allocate import EdgeSolution
from stackelberg.errors import DomainError
from stackelberg.report import EdgeReportData, ResourceRecord, edge_report_data
from stackelberg.report.edge import rows


@pytest.fixture(scope="module")
def market() -> edge.Market:
    return example_market()


@pytest.fixture(scope="module")
def solution(market: edge.Market) -> EdgeSolution:
    return edge.allocate(market, 1e-11)


@pytest.fixture(scope="module")
def data(market: edge.Market, solution: EdgeSolution) -> EdgeReportData:
    return edge_report_data(market, solution, money="USD", unit="vCPU-hour")


@pytest.fixture(scope="module")
def record(data: EdgeReportData) -> ResourceRecord:
    (record,) = data.resources
    return record


def test_nodes_are_told_as_a_loop_over_purchases_finds_them(
    market: edge.Market, solution: EdgeSolution, record: ResourceRecord
) -> None:
    amounts = solution.value.allocation.toarray()
    places = market.positions_m
    assert places is not None
    assert len(record.nodes) == market.num_nodes
    for i, node in enumerate(record.nodes):
        load = sum(amounts[j, i] for j in range(market.num_users))
        assert node.node == str(i)
        assert node.load == pytest.approx(load)
        assert node.utilisation == pytest.approx(load / market.capacity[i])
        assert node.sold_out == (load > market.capacity[i] * (1.0 - 1e-6))
        assert node.revenue == pytest.approx(market.price[i] * load)
        assert node.rent == pytest.approx(node.shadow_price * market.capacity[i])
        assert node.reached_by == (market.weight.toarray()[:, i] > 0.0).sum()
        assert node.buyers == sum(
            amounts[j, i] > 1e-6 * amounts[j].max() for j in range(market.num_users)
        )
        assert (node.x_m, node.y_m) == tuple(places.nodes[i])
    assert 0 < sum(node.sold_out for node in record.nodes) < market.num_nodes


def test_each_user_has_one_unit_of_virtual_money(
    market: edge.Market, solution: EdgeSolution, record: ResourceRecord
) -> None:
    value = solution.value
    amounts = value.allocation.toarray()
    for j, user in enumerate(record.users):
        to_nodes = sum(
            value.capacity_shadow_price[i] * amounts[j, i]
            for i in range(market.num_nodes)
        )
        to_budget = value.budget_shadow_price[j] * market.budget[j]
        assert user.congestion_rent == pytest.approx(to_nodes)
        assert user.budget_rent == pytest.approx(to_budget)
        assert to_nodes + to_budget == pytest.approx(1.0, abs=1e-4)
        assert user.utility == pytest.approx(market.weight.toarray()[j] @ amounts[j])
        assert user.spend == pytest.approx(market.price @ amounts[j])
        larger = "budget" if to_budget > to_nodes else "capacity"
        assert user.limited_by == (
            "both" if abs(to_budget - to_nodes) < 0.1 else larger
        )


def test_limits_and_shares_count_every_user(record: ResourceRecord) -> None:
    kinds = [user.limited_by for user in record.users]
    assert dict(record.limited) == {
        kind: kinds.count(kind) for kind in ("budget", "both", "capacity")
    }
    shares = [
        user.budget_rent / (user.budget_rent + user.congestion_rent)
        for user in record.users
    ]
    assert record.budget_share[0] == pytest.approx(min(shares))
    assert record.budget_share[-1] == pytest.approx(max(shares))
    assert list(record.budget_share) == sorted(record.budget_share)
    assert record.budget_share[100] == pytest.approx(float(np.median(shares)))
    assert record.congestion_rent == pytest.approx(1.0 - sum(shares) / len(shares))


def test_ways_of_sharing_are_compared_by_loops(
    market: edge.Market, solution: EdgeSolution, record: ResourceRecord
) -> None:
    reached = {
        "optimum": solution.value,
        "equal_split": edge.equal_split(market),
        "printed": edge.published_allocation(market).scaled,
    }
    assert [s.sharing for s in record.sharings] == list(reached)
    best = np.log(solution.value.utility).mean()
    for told in record.sharings:
        outcome = reached[told.sharing]
        u = sorted(float(x) for x in outcome.utility)
        n, total = len(u), sum(u)
        assert told.jain == pytest.approx(total**2 / n / sum(x * x for x in u))
        differences = sum(abs(a - b) for a in u for b in u)
        assert told.gini == pytest.approx(differences / (2 * n * total))
        assert (told.least, told.greatest) == (u[0], u[-1])
        assert told.least_over_greatest == pytest.approx(u[0] / u[-1])
        assert told.median == pytest.approx(u[29] / 2 + u[30] / 2)
        assert told.loss_per_user == pytest.approx(best - np.log(u).mean())
        assert told.capacity_sold == pytest.approx(
            sum(outcome.load) / sum(market.capacity)
        )
        assert told.money_spent == pytest.approx(
            sum(outcome.spend) / sum(market.budget)
        )
        assert told.lorenz[0] == 0.0
        assert told.lorenz[-1] == pytest.approx(1.0)
        assert told.lorenz[50] == pytest.approx(sum(u[:30]) / total)
        assert told.utility_quantiles[50] == pytest.approx(told.median)
        assert told.utility_quantiles[0] == u[0]
    assert record.sharings[1].loss_per_user > 0.0


def _spearman(x: Any, y: Any) -> float:
    found: Any = spearmanr(x, y)
    return float(found.statistic)


def test_correlations_are_those_of_ranks(
    market: edge.Market, solution: EdgeSolution, record: ResourceRecord
) -> None:
    value = solution.value
    assert record.budget_correlation == pytest.approx(
        _spearman(value.utility, market.budget)
    )
    scarcity = [n.shadow_price if n.sold_out else 0.0 for n in record.nodes]
    assert record.price_correlation == pytest.approx(_spearman(market.price, scarcity))


def test_the_printed_formula_is_told_with_what_it_breaks(
    market: edge.Market, record: ResourceRecord
) -> None:
    printed = edge.published_allocation(market)
    told = record.printed
    assert told is not None
    assert (told.branch,) == printed.branch
    amounts = printed.allocation.toarray()
    over_budget = max(amounts @ market.price / market.budget) - 1.0
    over_capacity = max(amounts.sum(axis=0) / market.capacity) - 1.0
    assert told.budget_violation == pytest.approx(max(over_budget, 0.0))
    assert told.capacity_violation == pytest.approx(max(over_capacity, 0.0), abs=1e-12)
    ratio = np.array(
        [(user.printed_utility or 0.0) / user.utility for user in record.users]
    )
    geometric_mean = np.exp(np.log(ratio).mean())
    assert told.utility_share == pytest.approx(geometric_mean, rel=1e-6)
    assert told.worse == pytest.approx((ratio < 1.0 - 1e-6).mean())
    excess = 1.0 + max(told.budget_violation, told.capacity_violation)
    assert f"up to {excess:.3g} times" in " ".join(record.story)


def test_the_story_is_in_the_markets_own_numbers(record: ResourceRecord) -> None:
    text = " ".join(record.story)
    sold_out = sum(node.sold_out for node in record.nodes)
    number = dict(record.limited)
    scarcest = max(record.nodes, key=lambda node: node.shadow_price)
    for part in (
        f"{sold_out} of 20 nodes are sold out",
        f"the budget {number['budget']} of them, the capacity in their reach "
        f"{number['capacity']}, both",
        f"The scarcest node is {scarcest.node}: a vCPU-hour more there is worth "
        f"{scarcest.shadow_price:.3g} nat",
        f"It charges {scarcest.price:.3g} USD a vCPU-hour, and ",
        f"it alone is {100 * scarcest.rent / record.num_users:.2g} % of what",
        "Splitting every node equally",
        "The printed formula (24)",
    ):
        assert part in text
    assert "nan" not in text


def test_a_market_where_the_printed_formula_means_nothing_says_why() -> None:
    market = edge.Market.from_arrays(
        [1.0, 0.5], [np.inf, 0.0], [1.0, 2.0], [[1.0, 1.0], [2.0, 0.0]]
    )
    data = edge_report_data(market, edge.allocate(market))
    (record,) = data.resources
    assert record.printed is None
    assert [s.sharing for s in record.sharings] == ["optimum"]
    assert [node.utilisation for node in record.nodes] == [None, None]
    assert [node.sold_out for node in record.nodes] == [False, False]
    assert record.users[0].printed_utility is None
    assert "not defined on this market: capacity[0]: expected" in record.story[-1]
    assert "NaN" not in json.dumps(data.as_dict())


def test_users_who_can_get_nothing_are_left_out() -> None:
    market = edge.Market.from_arrays(
        [1.0], [1.0], [1.0, 0.0, 3.0], [[1.0], [1.0], [2.0]]
    )
    solution = edge.allocate(market, drop_degenerate=True)
    (record,) = edge_report_data(market, solution).resources
    assert [user.user for user in record.users] == ["0", "2"]
    assert record.num_users == sum(n for _, n in record.limited) == 2
    assert record.printed is None
    nobody = edge.Market.from_arrays([1.0], [1.0], [0.0], [[1.0]])
    solution = edge.allocate(nobody, drop_degenerate=True)
    with pytest.raises(DomainError, match="resource resource: expected a user who can"):
        edge_report_data(nobody, solution)


def test_resource_types_are_told_apart(market: edge.Market) -> None:
    small = market.part(slice(0, 12), slice(0, 20))
    both = edge.Market.side_by_side({"cpu": market, "memory": small})
    data = edge_report_data(both, edge.allocate(both))
    assert [record.resource for record in data.resources] == ["cpu", "memory"]
    assert [record.num_users for record in data.resources] == [60, 12]
    alone = edge_report_data(small, edge.allocate(small)).resources[0]
    for mine, other in zip(data.resources[1].users, alone.users, strict=True):
        assert mine.utility == pytest.approx(other.utility, rel=1e-3)


def test_of_many_users_evenly_spaced_ones_are_told(
    market: edge.Market, solution: EdgeSolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 25)
    (record,) = edge_report_data(market, solution).resources
    assert [user.user for user in record.users] == [str(3 * k) for k in range(20)]
    assert record.num_users == sum(n for _, n in record.limited) == 60


def test_a_node_is_sold_out_if_little_is_left_and_scarcity_says_so() -> None:
    market = edge.Market.from_arrays([1.0] * 4, [1.0] * 4, [9.0], [[1.0] * 4])
    amount = np.array([[1.0 - 1e-7, 1.0 - 1e-5, 1.0 - 1e-5, 0.9]])
    outcome = edge.Outcome(
        allocation=csr_array(amount),
        utility=amount.sum(axis=1),
        spend=amount.sum(axis=1),
        load=amount[0],
        capacity_shadow_price=np.array([0.0, 1e-3, 1e-8, 0.5]),
        budget_shadow_price=np.zeros(1),
    )
    assert rows.sold_out(market, outcome).tolist() == [True, True, False, False]


def test_an_answer_that_did_not_converge_is_told_as_it_is(market: edge.Market) -> None:
    solution = edge.allocate(market, max_iterations=1)
    data = edge_report_data(market, solution)
    assert data.status == "max iterations"
    told: Any = {row.name: row.value for row in data.certificate}
    assert told["gap_per_user"] == pytest.approx(solution.certificate.gap_per_user)
    assert "nan" not in " ".join(data.resources[0].story)


WELFARES: list[dict[str, Any]] = [
    {"utility": edge.ces(0.5)},
    {"utility": edge.ces(3.0), "fairness": edge.Fairness(alpha=2.0)},
    {"utility": edge.COBB_DOUGLAS},
    {"utility": edge.LEONTIEF, "fairness": edge.Fairness(alpha=0.5)},
    {"fairness": edge.Fairness(alpha=3.0)},
    {"fairness": edge.Fairness(user_weight=np.linspace(1.0, 3.0, 60))},
]


@pytest.mark.parametrize("options", WELFARES)
def test_other_utilities_and_welfares_are_told_in_their_own_terms(
    market: edge.Market, options: dict[str, Any]
) -> None:
    solution = edge.allocate(market, 1e-9, **options)
    data = edge_report_data(market, solution, **options)
    (record,) = data.resources
    fairness = options.get("fairness", edge.PROPORTIONAL)
    value, told = solution.value, dict(data.facts)
    plain = fairness.is_plain
    assert data.worth == ("nat" if plain else "welfare")
    assert ("sum of log utilities" if plain else "welfare") in told
    assert record.printed is None
    assert "linear utilities" in record.printed_refused
    due = fairness.virtual_money(value.utility)
    rents = value.budget_shadow_price * market.budget / due
    for user, utility, part in zip(record.users, value.utility, rents, strict=True):
        assert user.utility == utility
        assert user.budget_rent == pytest.approx(part)
        assert user.budget_rent + user.congestion_rent == pytest.approx(1.0, abs=1e-3)
    scarcity = value.capacity_shadow_price * market.capacity
    for node, rent in zip(record.nodes, scarcity, strict=True):
        assert node.rent == pytest.approx(rent / due.mean())
    # All virtual money goes to budgets and to nodes.
    paid = sum(node.rent for node in record.nodes) / len(record.users)
    assert paid + np.mean(rents * due) / due.mean() == pytest.approx(1.0, abs=1e-3)
    assert sum(n for _, n in record.limited) == 60
    utility = options.get("utility", edge.LINEAR)
    equal = edge.equal_split(market).allocation.toarray()
    user = market.user_of_edge
    amount = equal[user, market.weight.indices]
    there = utility.value(market.weight, amount)
    assert [u.equal_split_utility for u in record.users] == pytest.approx(there)


def test_what_is_great_is_said_in_words(market: edge.Market) -> None:
    options = WELFARES[1]
    data = edge_report_data(market, edge.allocate(market, 1e-6, **options), **options)
    assert data.aim == "the welfare of fairness 2 (CES(3))"
    assert data.subtitle.endswith(f"where {data.aim} is greatest.")
    assert "nat of log utility" not in " ".join(data.resources[0].story)


@pytest.mark.parametrize(
    ("options", "told", "text"),
    [
        ({"utility": edge.ces(0.5)}, {}, "linear utilities, got of others"),
        ({}, {"utility": edge.ces(0.5)}, r"of CES\(0.5\) utilities, got of others"),
        ({"fairness": edge.Fairness(alpha=2.0)}, {}, "for another welfare"),
        (
            {"fairness": edge.Fairness(user_weight=np.linspace(1.0, 3.0, 60))},
            {},
            "for the sum of log utilities, got for another welfare",
        ),
    ],
)
def test_an_answer_to_another_problem_is_refused(
    market: edge.Market, options: dict[str, Any], told: dict[str, Any], text: str
) -> None:
    solution = edge.allocate(market, 1e-5, **options)
    with pytest.raises(DomainError, match=text):
        edge_report_data(market, solution, **told)
