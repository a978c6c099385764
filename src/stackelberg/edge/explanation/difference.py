"""What changed between two answers, and because of which input.

How the numbers arise is in `envelope`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stackelberg.edge.explanation.envelope import Group, PricedAnswer, by_user, step_of
from stackelberg.edge.explanation.pairing import Pair, pair
from stackelberg.edge.explanation.price_freedom import price_freedom
from stackelberg.edge.fairness import PROPORTIONAL, Fairness
from stackelberg.edge.market import Bools, Floats, Ints, Market, Name
from stackelberg.edge.outcome import Outcome
from stackelberg.edge.utilities import LINEAR, Utility

NOTICEABLE = 1e-6
"""Relative change of a utility, load or rent below which it is rounding."""


@dataclass(frozen=True)
class InputChange:
    """One number that differs, or one user or node that came or left.

    Attributes:
        resource: type.
        user, node: whose; None where it is not about one.
        before, after: the number, or the user's budget, or the node's capacity; None
            where it is absent.
        effect: on the objective, the mean of both ends.
    """

    resource: Name
    user: Name | None
    node: Name | None
    before: float | None
    after: float | None
    effect: float


@dataclass(frozen=True)
class GroupChange:
    """All changes of one kind of input.

    Attributes:
        group: which.
        count: entries that differ.
        at_before, at_after: effect on the objective by the first and by the second
            answer's shadow prices. For users and nodes, which one of the two
            answers does not price, both are by the answer that has them.
        largest: changes with the largest effect, first.
    """

    group: Group
    count: int
    at_before: float
    at_after: float
    largest: tuple[InputChange, ...]

    @property
    def effect(self) -> float:
        """The mean of both."""
        return 0.5 * (self.at_before + self.at_after)


@dataclass(frozen=True)
class UserChange:
    """A user of both answers.

    Attributes:
        user, resource: its name and type.
        utility_before, utility_after: of the two answers.
        log_change: log of their ratio.
        touched_by: kinds of input that changed for the user itself: its budget, its
            weights, prices and capacities of nodes in its reach.
    """

    user: Name
    resource: Name
    utility_before: float
    utility_after: float
    log_change: float
    touched_by: tuple[Group, ...]


@dataclass(frozen=True)
class NodeChange:
    """A node of both answers: load and shadow price of each.

    Attributes:
        node, resource: its name and type.
        load_before, load_after: units sold.
        shadow_price_before, shadow_price_after: of its capacity, as stated.
        shadow_price_range_before, shadow_price_range_after: the smallest and the
            largest of all that prove the same; both as stated where it is unique.
    """

    node: Name
    resource: Name
    load_before: float
    load_after: float
    shadow_price_before: float
    shadow_price_after: float
    shadow_price_range_before: tuple[float, float]
    shadow_price_range_after: tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """What changed between two answers.

    Attributes:
        objective_before, objective_after: welfare, in Problem 1 the sum of the log
            utilities, in nats.
        groups: kinds of input that differ, in the order of `envelope.GROUPS`.
        users: users of both whose utility changed most, first.
        loads: nodes of both whose load changed most, relative to the capacity, first.
        shadow_prices: nodes of both whose shadow price changed most, by what it means
            for the load, first. All three leave out changes below `NOTICEABLE`.
        open_before, open_after: how many nodes of each answer have a shadow price that
            is not unique.
    """

    objective_before: float
    objective_after: float
    groups: tuple[GroupChange, ...]
    users: tuple[UserChange, ...]
    loads: tuple[NodeChange, ...]
    shadow_prices: tuple[NodeChange, ...]
    open_before: int
    open_after: int

    @property
    def change(self) -> float:
        """Of the objective."""
        return self.objective_after - self.objective_before

    @property
    def remainder(self) -> float:
        """What the effects of all groups leave unexplained."""
        return self.change - sum(group.effect for group in self.groups)


def difference(
    before: tuple[Market, Outcome],
    after: tuple[Market, Outcome],
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
    most: int = 5,
) -> Difference:
    """Compare two answers of two markets, matched by names.

    Args:
        before: a market and an answer with shadow prices for it.
        after: the same, later.
        utility: of every user in both, with the markets' weights.
        fairness: what the users' utilities are worth together, without user weights.
        most: how many changes to list of each kind.

    Returns:
        Difference; users whose utility is zero, which no objective counts, are left
        out.
    """
    matched = pair(before[0], after[0])
    first = PricedAnswer(matched.before, matched, before[1], utility, fairness)
    second = PricedAnswer(matched.after, matched, after[1], utility, fairness)
    first.price_towards(second, forward=True)
    second.price_towards(first, forward=False)
    ranges = _PriceRange.of(first), _PriceRange.of(second)
    groups = (
        _users(matched, first, second, most),
        _nodes(matched, first, second, most),
        *(_numbers(kind, matched, first, second, most) for kind in _NODES_AND_USERS),
        _weights(matched, first, second, most),
    )
    return Difference(
        objective_before=first.objective,
        objective_after=second.objective,
        groups=tuple(group for group in groups if group.count),
        users=_changed_users(matched, first, second, most),
        loads=_changed_loads(matched, first, second, ranges, most),
        shadow_prices=_changed_prices(matched, first, second, ranges, most),
        open_before=ranges[0].count,
        open_after=ranges[1].count,
    )


@dataclass(frozen=True, eq=False)
class _PriceRange:
    """The smallest and the largest shadow price of each node of the pair [M], and how
    many nodes have a range that is not rounding.
    """

    least: Floats
    most: Floats
    count: int

    @classmethod
    def of(cls, answer: PricedAnswer) -> _PriceRange:
        """Of one answer, as stated."""
        side = answer.side
        freedom = price_freedom(
            side.market, answer.outcome, utility=answer.family, fairness=answer.fairness
        )
        least, most = freedom.capacity_price_range(side.market, answer.outcome)
        wide = freedom.not_unique(side.market, answer.outcome)
        stated = answer.outcome.capacity_shadow_price
        return cls(
            least=side.on_nodes(np.where(wide, least, stated)),
            most=side.on_nodes(np.where(wide, most, stated)),
            count=int(wide.sum()),
        )

    def at(self, node: int) -> tuple[float, float]:
        """Of one node of the pair."""
        return float(self.least[node]), float(self.most[node])


_Ranges = tuple[_PriceRange, _PriceRange]


_NODES_AND_USERS: tuple[Group, ...] = ("prices", "capacities", "budgets")


def _numbers(
    kind: Group, matched: Pair, first: PricedAnswer, second: PricedAnswer, most: int
) -> GroupChange:
    """Prices, capacities or budgets of the nodes or users that both markets have."""
    a, b = first.side, second.side
    step = step_of(kind, first, second)
    if kind == "prices":
        old, new, slopes = a.price, b.price, (first.per_price, second.per_price)
    elif kind == "capacities":
        old, new, slopes = a.capacity, b.capacity, (first.lam, second.lam)
    else:
        old, new, slopes = a.budget, b.budget, (first.mu, second.mu)
    both = ~np.isnan(old) & ~np.isnan(new)
    rows = np.flatnonzero(both & (old != new))
    of_users = kind == "budgets"
    return _group(
        kind, matched, slopes[0][rows] * step[rows], slopes[1][rows] * step[rows], most,
        users=rows if of_users else None, nodes=None if of_users else rows,
        before=old[rows], after=new[rows],
    )  # fmt: skip


def _weights(
    matched: Pair, first: PricedAnswer, second: PricedAnswer, most: int
) -> GroupChange:
    """Weights between users and nodes that both markets have, reach included."""
    a, b = first.side, second.side
    both = (a.has_user & b.has_user)[matched.edge_user]
    both &= (a.has_node & b.has_node)[matched.edge_node]
    edges = np.flatnonzero(both & (a.weight != b.weight))
    step = (b.weight - a.weight)[edges]
    return _group(
        "weights", matched, first.per_weight[edges] * step,
        second.per_weight[edges] * step, most,
        users=matched.edge_user[edges], nodes=matched.edge_node[edges],
        before=a.weight[edges], after=b.weight[edges],
    )  # fmt: skip


def _users(
    matched: Pair, first: PricedAnswer, second: PricedAnswer, most: int
) -> GroupChange:
    """Users that left or came: their welfare less the rent that they pay."""
    a, b = first.side, second.side
    rows = np.flatnonzero(a.has_user != b.has_user)
    left = -(first.welfare - np.where(first.counts, first.rent, 0.0))
    came = second.welfare - np.where(second.counts, second.rent, 0.0)
    effect = np.where(a.has_user, left, came)[rows]
    return _group(
        "users", matched, effect, effect, most, users=rows, nodes=None,
        before=a.budget[rows], after=b.budget[rows],
    )  # fmt: skip


def _nodes(
    matched: Pair, first: PricedAnswer, second: PricedAnswer, most: int
) -> GroupChange:
    """Nodes that left or came: the congestion rent that they take."""
    a, b = first.side, second.side
    rows = np.flatnonzero(a.has_node != b.has_node)
    effect = (second.lam * second.load - first.lam * first.load)[rows]
    return _group(
        "nodes", matched, effect, effect, most, users=None, nodes=rows,
        before=a.capacity[rows], after=b.capacity[rows],
    )  # fmt: skip


def _group(
    group: Group,
    matched: Pair,
    at_before: Floats,
    at_after: Floats,
    most: int,
    *,
    users: Ints | None,
    nodes: Ints | None,
    before: Floats,
    after: Floats,
) -> GroupChange:
    effect = 0.5 * (at_before + at_after)
    largest = [
        InputChange(
            resource=_resource(matched, users, nodes, k),
            user=None if users is None else matched.users[users[k]].item(),
            node=None if nodes is None else matched.nodes[nodes[k]].item(),
            before=_known(before[k]),
            after=_known(after[k]),
            effect=float(effect[k]),
        )
        for k in _largest(np.abs(effect), most)
    ]
    return GroupChange(
        group=group,
        count=len(effect),
        at_before=float(at_before.sum()),
        at_after=float(at_after.sum()),
        largest=tuple(largest),
    )


def _resource(matched: Pair, users: Ints | None, nodes: Ints | None, k: int) -> Name:
    if users is not None:
        return matched.resources[matched.user_type[users[k]]]
    assert nodes is not None  # narrowing: a change is about a user or a node
    return matched.resources[matched.node_type[nodes[k]]]


def _changed_users(
    matched: Pair, first: PricedAnswer, second: PricedAnswer, most: int
) -> tuple[UserChange, ...]:
    change = np.log(second.some_utility / first.some_utility)
    both = first.counts & second.counts
    touched = _touched(matched)
    return tuple(
        UserChange(
            user=matched.users[j].item(),
            resource=matched.resources[matched.user_type[j]],
            utility_before=float(first.utility[j]),
            utility_after=float(second.utility[j]),
            log_change=float(change[j]),
            touched_by=tuple(kind for kind, by in touched.items() if by[j]),
        )
        for j in _largest(np.where(both, np.abs(change), 0.0), most, NOTICEABLE)
    )


def _touched(matched: Pair) -> dict[Group, Bools]:
    """For each kind of input, the users that it changed for."""
    a, b = matched.before, matched.after
    user, node = matched.edge_user, matched.edge_node

    def in_reach(changed_node: Bools) -> Bools:
        edges = changed_node[node] & ((a.weight > 0.0) | (b.weight > 0.0))
        return by_user(matched, edges.astype(np.float64)) > 0.0

    known = a.has_node & b.has_node
    same_nodes = known[node]
    return {
        "nodes": in_reach(a.has_node != b.has_node),
        "prices": in_reach(known & (a.price != b.price)),
        "capacities": in_reach(known & (a.capacity != b.capacity)),
        "budgets": a.budget != b.budget,
        "weights": np.bincount(
            user, same_nodes & (a.weight != b.weight), minlength=len(matched.users)
        )
        > 0.0,
    }


def _changed_loads(
    matched: Pair,
    first: PricedAnswer,
    second: PricedAnswer,
    ranges: _Ranges,
    most: int,
) -> tuple[NodeChange, ...]:
    larger = np.maximum(first.load, second.load)
    room = np.fmax(first.side.capacity, second.side.capacity)
    size = np.where(np.isfinite(room), np.maximum(room, larger), larger)
    change = np.abs(second.load - first.load) / np.where(size > 0.0, size, 1.0)
    return _changed_nodes(matched, first, second, change, ranges, most)


def _changed_prices(
    matched: Pair,
    first: PricedAnswer,
    second: PricedAnswer,
    ranges: _Ranges,
    most: int,
) -> tuple[NodeChange, ...]:
    larger = np.maximum(first.load, second.load)
    change = np.abs(_given_prices(second) - _given_prices(first)) * larger
    return _changed_nodes(matched, first, second, change, ranges, most)


def _changed_nodes(
    matched: Pair,
    first: PricedAnswer,
    second: PricedAnswer,
    change: Floats,
    ranges: _Ranges,
    most: int,
) -> tuple[NodeChange, ...]:
    both = matched.before.has_node & matched.after.has_node
    before, after = _given_prices(first), _given_prices(second)
    return tuple(
        NodeChange(
            node=matched.nodes[i].item(),
            resource=matched.resources[matched.node_type[i]],
            load_before=float(first.load[i]),
            load_after=float(second.load[i]),
            shadow_price_before=float(before[i]),
            shadow_price_after=float(after[i]),
            shadow_price_range_before=ranges[0].at(i),
            shadow_price_range_after=ranges[1].at(i),
        )
        for i in _largest(np.where(both, change, 0.0), most, NOTICEABLE)
    )


def _given_prices(answer: PricedAnswer) -> Floats:
    """Shadow prices of capacity as the answer states them."""
    return answer.side.on_nodes(answer.outcome.capacity_shadow_price)


def _largest(size: Floats, most: int, above: float = 0.0) -> Iterable[int]:
    """Places of the largest sizes `above` something, the largest first."""
    order = np.argsort(-size, kind="stable")[:most]
    return (int(k) for k in order if size[k] > above)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
