"""One owner sets the prices of all nodes: the most profit within the capacities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from stackelberg.edge.market import Floats, Market, Name
from stackelberg.edge.prices.ces_game import CesGame, ces_games
from stackelberg.edge.prices.linear_operator import (
    LinearOperatorSolution,
    solve_linear_users,
)
from stackelberg.edge.prices.operator_bound import ProfitBound
from stackelberg.edge.prices.operator_search import OperatorSearch
from stackelberg.edge.prices.price_outcome import PriceOutcome, price_outcome
from stackelberg.edge.prices.price_stop import Ending, PriceStop
from stackelberg.errors import ConfigError, DomainError
from stackelberg.game import Certificate, CertificateRow, Solution, Status
from stackelberg.game.numbers import real_number

EXACT = 1e-9
"""Relative excess of demand over a capacity up to which it is rounding."""

MAX_NODES = 300
"""Of each mixed-integer search for linear users."""


@dataclass(frozen=True, eq=False)
class OperatorOutcome(PriceOutcome):
    """An outcome with the prices of capacity that go with it.

    Attributes:
        capacity_shadow_price: kappa, what one more unit of each node's capacity would
            add to the profit at this local optimum [M].
        bound_shadow_price: the kappa of the certificate's upper bound [M].
    """

    capacity_shadow_price: Floats
    bound_shadow_price: Floats


@dataclass(frozen=True, eq=False)
class OperatorCertificate(Certificate):
    """How good an owner's prices are: one global number, and local ones.

    Attributes:
        profit: of all nodes together.
        upper_bound: proved: no prices up to the caps that keep demand within the
            capacities earn more. It is what pricing every user apart would earn.
        capacity_excess: greatest demand above a capacity, relative to it.
        stationarity: greatest slope of the Lagrangian in a log price, less what a cap
            holds back, relative to all money. Zero at a local optimum, and elsewhere.
        complementarity: greatest kappa (Q - D), relative to all money.
    """

    profit: float
    upper_bound: float
    capacity_excess: float
    stationarity: float
    complementarity: float

    @property
    def gap(self) -> float:
        """Share of the bound that is not earned, at most; zero where nothing can be."""
        if self.upper_bound <= 0.0:
            return 0.0
        return max(1.0 - self.profit / self.upper_bound, 0.0)

    @property
    def local_residual(self) -> float:
        """The greatest of the three local numbers."""
        return max(self.stationarity, self.complementarity, self.capacity_excess)

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return tuple(
            CertificateRow(*row)
            for row in (
                ("profit", self.profit, "money", "of all nodes together"),
                ("upper_bound", self.upper_bound, "money",
                 "global: no prices within capacities and caps earn more"),
                ("gap", self.gap, "", "global: share of the bound that is not earned"),
                ("stationarity", self.stationarity, "",
                 "local: greatest slope of the Lagrangian, relative to all money"),
                ("complementarity", self.complementarity, "",
                 "local: greatest worth of unsold capacity that has a price"),
                ("capacity_excess", self.capacity_excess, "",
                 "greatest demand above a capacity"),
            )
        )  # fmt: skip

    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether the prices are proved best within `tolerance` of the bound."""
        return self.capacity_excess <= EXACT and self.gap <= tolerance


OperatorSolution = Solution[OperatorOutcome, OperatorCertificate]


@overload
def operator_prices(
    market: Market,
    *,
    elasticity: float,
    cost: npt.ArrayLike | None = None,
    price_cap: npt.ArrayLike | None = None,
    outside_weight: npt.ArrayLike = 0.0,
    tolerance: float = 1e-6,
    starts: int = 4,
    seed: int = 0,
    max_nodes: int = MAX_NODES,
    stop: PriceStop | None = None,
) -> OperatorSolution: ...


@overload
def operator_prices(
    market: Market,
    *,
    elasticity: None = None,
    cost: npt.ArrayLike | None = None,
    price_cap: npt.ArrayLike | None = None,
    outside_weight: npt.ArrayLike = 0.0,
    tolerance: float = 1e-6,
    starts: int = 4,
    seed: int = 0,
    max_nodes: int = MAX_NODES,
    stop: PriceStop | None = None,
) -> LinearOperatorSolution: ...


def operator_prices(
    market: Market,
    *,
    elasticity: float | None = None,
    cost: npt.ArrayLike | None = None,
    price_cap: npt.ArrayLike | None = None,
    outside_weight: npt.ArrayLike = 0.0,
    tolerance: float = 1e-6,
    starts: int = 4,
    seed: int = 0,
    max_nodes: int = MAX_NODES,
    stop: PriceStop | None = None,
) -> OperatorSolution | LinearOperatorSolution:
    """Choose all prices for the most total profit, demand within the capacities.

    The problem is not concave. For CES users the best of several local optima is
    returned; for linear users the best prices that a mixed-integer search met, which
    in small markets searches all. A global upper bound stands beside both.

    Args:
        market: capacities, budgets and weights; its own prices are not read.
        elasticity: sigma > 1, the users' elasticity of substitution; None for the
            linear users of Problem 1, who buy their best bargains and break ties as
            the owner likes best.
        cost: of one unit, a number or [M]; by default the market's.
        price_cap: greatest price allowed, a number or [M]; None for none.
        outside_weight: weight of an outside good of price 1, a number or [N]. A node
            without a cap needs one for every user in its reach.
        tolerance: local residual to reach.
            For linear users the gap to prove.
        starts: from how many prices to search, for CES users; the first from the upper
            bound's.
        seed: of the starts after the third, a whole number >= 0.
        max_nodes: bound on the nodes of each mixed-integer search, for linear users.
        stop: called between steps with the number of those done (evaluations; for
            linear users mixed-integer searches are not interrupted); returning True
            ends with the best prices so far.

    Returns:
        Solution (iterations: evaluations of all users' demand; for linear users nodes
        of the search). `CONVERGED` says for CES users that the local residual is within
        `tolerance`; whether that is the best of all is `certificate.gap`. For linear
        users it says that the gap is within `tolerance`, or that the search looked at
        everything: then it is the word of the solver HiGHS, in `stats`, not a proof.
        `MAX_ITERATIONS` for linear users: better prices may exist, by `gap` at most.
        `INFEASIBLE` if demand is above a capacity at all prices that
        the caps allow; the prices are then such that any others within the capacities
        are higher.

    Raises:
        ConfigError, ShapeError, DomainError: an argument is of the wrong kind or out of
            range; a budget is infinite; a node has neither cap nor outside good, so
            that raising all prices earns ever more; or it has infinite capacity and no
            cost.
    """
    linear = elasticity is None
    sigma = 2.0 if elasticity is None else elasticity
    games = ces_games(market, sigma, cost, price_cap, outside_weight)
    _check_options(tolerance, starts, seed)
    _check_whole("max_nodes", max_nodes, 1)
    for resource, game in games.items():
        _check_bounded(market, resource, game)
        if not linear:
            _check_costly(market, resource, game)
    if linear:
        return solve_linear_users(market, games, tolerance, max_nodes, Ending(stop))
    return _solve_ces_users(market, games, tolerance, starts, seed, Ending(stop))


def _solve_ces_users(
    market: Market,
    games: dict[Name, CesGame],
    tolerance: float,
    starts: int,
    seed: int,
    ending: Ending,
) -> OperatorSolution:
    price = np.full(market.num_nodes, np.nan)
    kappa, dual = np.zeros(market.num_nodes), np.zeros(market.num_nodes)
    evaluations, possible = 0, True
    for resource, game in games.items():
        _, nodes = market.rows_of(resource)
        run = _Run(game, tolerance, ending, evaluations)
        price[nodes], kappa[nodes], dual[nodes] = run.solve(starts, seed)
        evaluations += run.search.evaluations
        possible &= run.possible
    outcome = price_outcome(market, games, price)
    proof = operator_certificate(market, games, outcome, kappa, dual)
    return Solution(
        value=OperatorOutcome(
            **vars(outcome), capacity_shadow_price=kappa, bound_shadow_price=dual
        ),
        certificate=proof,
        status=_status(proof, possible, tolerance),
        iterations=evaluations,
        stats={"method": "augmented Lagrangian", "starts": starts},
    )


def _check_options(tolerance: float, starts: int, seed: int) -> None:
    if not 0.0 < real_number("tolerance", tolerance) < 1.0:
        raise DomainError(
            "tolerance", expected="a number between 0 and 1", got=tolerance
        )
    _check_whole("starts", starts, 1)
    _check_whole("seed", seed, 0)


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ConfigError(name, expected="a whole number", got=repr(value))
    if value < least:
        raise DomainError(name, expected=f"a whole number >= {least}", got=value)


def _check_bounded(market: Market, resource: Name, game: CesGame) -> None:
    users, nodes = market.rows_of(resource)
    without = np.isneginf(game.outside_pull)[game.user]
    endless = without & np.isinf(game.price_cap)[game.node]
    if endless.any():
        edge = int(np.argmax(endless))
        raise DomainError(
            "price_cap",
            expected=f"a cap at node {market.nodes[nodes][game.node[edge]]}, or an "
            f"outside good for user {market.users[users][game.user[edge]]} (users who "
            "spend their budgets in full pay any prices: these rise for ever)",
            got="none",
        )


def _check_costly(market: Market, resource: Name, game: CesGame) -> None:
    _, nodes = market.rows_of(resource)
    free = game.open_nodes & (game.cost == 0.0) & np.isinf(game.capacity)
    if free.any():
        raise DomainError(
            f"cost[{market.nodes[nodes][np.argmax(free)]}]",
            expected="a cost above 0 where capacity is infinite",
            got=0.0,
        )


class _Run:
    """Several starts for one resource type."""

    def __init__(
        self, game: CesGame, tolerance: float, ending: Ending, before: int
    ) -> None:
        self.game, self.tolerance = game, tolerance
        self.search = OperatorSearch(game, ending, before)
        self.possible = True

    def solve(self, starts: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Prices, their prices of capacity and those of the bound [M]."""
        game, search = self.game, self.search
        opened = game.open_nodes
        nothing = np.zeros(game.num_nodes)
        if not opened.any():
            return np.full(game.num_nodes, np.nan), nothing, nothing
        low, self.possible = search.least_prices()
        if not self.possible:
            return self._prices(low), nothing, nothing
        bound = ProfitBound(game)
        dual = bound.search(nothing, search.due)
        bound.at(dual)
        own = np.where(np.isnan(bound.mean_log_price), low, bound.mean_log_price)
        best, kept, kappa = -math.inf, low, nothing
        for start in _starts(own, low, starts, seed):
            t, capacity_price = search.climb(start, low, dual, self.tolerance)
            profit = float((np.exp(t) - game.cost)[opened] @ search.demand(t)[opened])
            if profit > best:
                best, kept, kappa = profit, t, capacity_price
            if search.due():
                break
        again = bound.search(kappa, search.due)
        if bound.at(again)[0] < bound.at(dual)[0]:
            dual = again
        return self._prices(kept), kappa, dual

    def _prices(self, log_price: Floats) -> Floats:
        price = np.minimum(np.exp(log_price), self.game.price_cap)
        return np.where(self.game.open_nodes, price, np.nan)


def _starts(own: Floats, low: Floats, count: int, seed: int) -> list[Floats]:
    """Log prices to start from: the bound's, the least, far above, then random ones."""
    own = np.maximum(own, low)
    points = [own, low, own + 2.0]
    draw = np.random.Generator(np.random.Philox(seed))
    while len(points) < count:
        points.append(own + draw.normal(0.0, 1.0, len(own)))
    return points[:count]


def operator_certificate(
    market: Market,
    games: dict[Name, CesGame],
    outcome: PriceOutcome,
    kappa: Floats,
    bound_kappa: Floats,
) -> OperatorCertificate:
    """What is proved about an outcome, from it and any kappas >= 0 alone."""
    bound = 0.0
    slack, slope, excess = 0.0, 0.0, 0.0
    money = sum(float(game.budget.sum()) for game in games.values())
    for resource, game in games.items():
        _, nodes = market.rows_of(resource)
        bound += ProfitBound(game).at(bound_kappa[nodes])[0]
        opened = game.open_nodes
        if not opened.any():
            continue
        price, demand = outcome.price[nodes], outcome.demand[nodes]
        k = np.where(np.isfinite(game.capacity), kappa[nodes], 0.0)
        left = np.where(np.isfinite(game.capacity), game.capacity - demand, 0.0)
        excess = max(excess, float((-left[opened] / game.capacity[opened]).max()))
        slack = max(slack, float(np.abs(k * left)[opened].max()))
        slope = max(slope, _steepest(game, price, k))
    return OperatorCertificate(
        profit=float(outcome.profit.sum()),
        upper_bound=bound,
        capacity_excess=max(excess, 0.0),
        stationarity=slope / money if money > 0.0 else 0.0,
        complementarity=slack / money if money > 0.0 else 0.0,
    )


def _steepest(game: CesGame, price: Floats, kappa: Floats) -> float:
    """Greatest slope of the Lagrangian in a log price that no cap holds back."""
    opened = game.open_nodes
    share = game.shares(np.log(np.where(opened, price, 1.0)))
    money = game.budget[game.user] * share
    cost_share = np.where(opened, (game.cost + kappa) / price, 0.0)
    margin = 1.0 - cost_share
    mean = np.bincount(game.user, share * margin[game.node], game.num_users)
    own = margin[game.node] - mean[game.user]
    parts = money * (cost_share[game.node] - game.steepness * own)
    slope = np.bincount(game.node, parts, minlength=game.num_nodes)
    held = opened & (price >= game.price_cap * (1.0 - EXACT))
    slope = np.where(held, np.minimum(slope, 0.0), slope)
    return float(np.abs(slope[opened]).max(initial=0.0))


def _status(proof: OperatorCertificate, possible: bool, tolerance: float) -> Status:
    if not possible:
        return Status.INFEASIBLE
    if not (math.isfinite(proof.profit) and math.isfinite(proof.local_residual)):
        return Status.NONFINITE
    if proof.local_residual <= tolerance:
        return Status.CONVERGED
    if proof.local_residual <= 1e2 * tolerance:
        return Status.ALMOST_CONVERGED
    return Status.MAX_ITERATIONS
