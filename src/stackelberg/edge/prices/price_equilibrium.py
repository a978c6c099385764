"""Every node its own leader: prices from which no node gains by departing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from stackelberg.edge.market import Bools, Floats, Ints, Market, Name
from stackelberg.edge.outcome import segment_sums
from stackelberg.edge.prices.ces_game import CesGame, ces_games
from stackelberg.edge.prices.price_outcome import (
    PriceCertificate,
    PriceOutcome,
    certificate_of,
    price_outcome,
)
from stackelberg.edge.prices.price_regret import best_prices
from stackelberg.edge.prices.price_stop import Ending, PriceStop
from stackelberg.edge.prices.price_sweeps import sweep_prices
from stackelberg.errors import DomainError
from stackelberg.game import Solution, Status
from stackelberg.game.numbers import real_number

MAX_SWEEPS = 500

MAX_JUMPS = 5
"""Times that nodes stuck at a local best price are sent to a better one."""

MAX_ROUNDS = 30
"""Sweeps that are judged one by one where jumps do not end at an equilibrium."""

FAR_AWAY = 0.1
"""Change of a log price that best responses nearby do not make by themselves."""

USABLE = 1e3
"""Multiple of the tolerance up to which an answer that misses it is almost one."""

AIM = 0.01
"""Largest change of a log price in the last sweep, relative to the tolerance: below a
price that sells the capacity, regret is the error of the log price itself."""

FAR = 1e3
"""How far below and above any price of interest the two runs start."""


@dataclass(frozen=True, eq=False)
class PriceEquilibrium(PriceOutcome):
    """An outcome with the limits of best responses from low and from high prices; the
    prices are those of the limit with the smaller regret.

    Attributes:
        low_price: limit from low prices [M].
        high_price: limit from high prices [M].
    """

    low_price: Floats
    high_price: Floats


PriceSolution = Solution[PriceEquilibrium, PriceCertificate]


def price_equilibrium(
    market: Market,
    *,
    elasticity: float,
    cost: npt.ArrayLike | None = None,
    price_cap: npt.ArrayLike | None = None,
    outside_weight: npt.ArrayLike = 0.0,
    tolerance: float = 1e-8,
    max_sweeps: int = MAX_SWEEPS,
    stop: PriceStop | None = None,
) -> PriceSolution:
    """Let every node choose its price for profit, (p_i - c_i) min(Q_i, D_i(p)).

    Users have CES utilities and spend their budgets in full. Nodes answer one another's
    prices in turn, once from low prices and once from high ones. Nothing here says that
    the two limits, where they are near, are the only equilibrium.

    Args:
        market: capacities, budgets and weights; its own prices are not read.
        elasticity: sigma > 1, the users' elasticity of substitution.
        cost: of one unit, a number or [M]; by default the market's. A node of infinite
            capacity needs one.
        price_cap: greatest price allowed, a number or [M]; None for none.
        outside_weight: weight of an outside good of price 1, a number or [N].
        tolerance: relative regret to prove.
        max_sweeps: bound on the rounds of best responses of each run.
        stop: called before each round with the number of those done; returning True
            ends both runs. The best prices so far are certified all the same.

    Returns:
        Solution (iterations: sweeps of both runs together). `CONVERGED` if the
        certificate, computed by separate code, holds `tolerance`; `ALMOST_CONVERGED` if
        both runs settled and it holds a thousand times that; `MAX_ITERATIONS` if not,
        also where no equilibrium exists; `NONFINITE` if prices overflowed.

    Raises:
        ConfigError, ShapeError, DomainError: an argument is of the wrong kind or out of
            range; a budget is infinite; a node has infinite capacity and no cost; a
            user reaches one node only, no cap and no outside good (that node's profit
            rises with its price for ever).
    """
    games = ces_games(market, elasticity, cost, price_cap, outside_weight)
    if not 0.0 < real_number("tolerance", tolerance) < 1.0:
        raise DomainError(
            "tolerance", expected="a number between 0 and 1", got=tolerance
        )
    if max_sweeps < 1:
        raise DomainError("max_sweeps", expected="a whole number >= 1", got=max_sweeps)
    check_bounded(market, games)
    ending = Ending(stop)
    limits: list[Floats] = []
    sweeps, settled = [0, 0], True
    for k, high in enumerate((False, True)):
        price = np.full(market.num_nodes, np.nan)
        for resource, game in games.items():
            _, nodes = market.rows_of(resource)
            run = _Run(game, max_sweeps, ending, sum(sweeps))
            price[nodes] = run.solve(_start(game, high), tolerance)
            sweeps[k] = max(sweeps[k], run.sweeps)
            settled &= run.settled
        limits.append(price)
    value, proof = _better_limit(market, games, limits, tolerance)
    return Solution(
        value=value,
        certificate=proof,
        status=_status(value, proof, settled, tolerance),
        iterations=sum(sweeps),
        stats={"method": "best responses", "sweeps_low_high": tuple(sweeps)},
    )


def check_bounded(market: Market, games: dict[Name, CesGame]) -> None:
    """Refuse games in which a node's profit has no best price.

    Raises:
        DomainError: names the node or the user.
    """
    for resource, game in games.items():
        users, nodes = market.rows_of(resource)
        free = game.open_nodes & (game.cost == 0.0) & np.isinf(game.capacity)
        if free.any():
            name = market.nodes[nodes][np.argmax(free)]
            raise DomainError(
                f"cost[{name}]",
                expected="a cost above 0 where capacity is infinite (revenue rises as "
                "the price falls to 0)",
                got=0.0,
            )
        degree = np.diff(game.indptr)
        alone = (degree == 1) & np.isneginf(game.outside_pull)
        alone &= np.isinf(_cap_of_first(game))
        if alone.any():
            user = market.users[users][np.argmax(alone)]
            raise DomainError(
                "price_cap",
                expected="a cap, or an outside good (its weight above 0), for the only "
                f"node that user {user} reaches: its profit rises for ever",
                got="none",
            )


def _cap_of_first(game: CesGame) -> Floats:
    """The cap of each user's first node [N]; zero without any."""
    cap = np.zeros(game.num_users)
    some = np.diff(game.indptr) > 0
    cap[some] = game.price_cap[game.node[game.indptr[:-1][some]]]
    return cap


def _start(game: CesGame, high: bool) -> Floats:
    """Log prices [M] far below or above every price of interest.

    A markup is at least 1 / sigma, and at a price above money / Q nobody can buy Q.
    """
    sigma = game.steepness + 1.0
    markup = game.cost * sigma / game.steepness
    with np.errstate(divide="ignore", invalid="ignore"):
        sold_out = np.where(
            np.isinf(game.capacity), 0.0, game.money_in_reach() / game.capacity
        )
        if high:
            price = FAR * np.maximum(markup, sold_out)
        else:
            price = np.maximum(markup, sold_out / FAR)
        log_price = np.log(np.minimum(price, game.price_cap))
    return np.where(game.open_nodes, log_price, 0.0)


class _Run:
    """Best responses from one start, for one resource type."""

    def __init__(
        self, game: CesGame, max_sweeps: int, ending: Ending, before: int
    ) -> None:
        self.game, self.max_sweeps = game, max_sweeps
        self._ending, self._before = ending, before
        self.sweeps, self.settled = 0, False
        self._kept, self._least = np.zeros(game.num_nodes), np.inf
        order = np.argsort(game.node, kind="stable")
        self._user, self._node = game.user[order], game.node[order]
        self._pull = game.pull[order]
        self._budget = game.budget[self._user]
        self._by_user: Ints = np.empty(len(order), dtype=np.int64)
        self._by_user[order] = np.arange(len(order))
        self._bounds: Ints = np.searchsorted(
            self._node, np.arange(game.num_nodes + 1)
        ).astype(np.int64)
        self._room = np.empty(int(np.diff(self._bounds).max(initial=0)))
        with np.errstate(divide="ignore"):
            self._log_capacity = np.log(game.capacity)
            self._log_cap = np.log(game.price_cap)

    def solve(self, log_price: Floats, tolerance: float) -> Floats:
        """Prices [M] at which best responses settle, or the best met; NaN at closed
        nodes.

        A response is the best nearby. Where a price far away is better the node jumps
        there and all go on. If that leads back, there may be no equilibrium: then
        responses from anywhere are followed for some rounds, and of all points judged
        the one with the least worst regret is kept.
        """
        for _ in range(MAX_JUMPS + 1):
            self._settle(log_price, max(AIM * tolerance, 1e-14))
            before = self._least
            stuck, better = self._judge(log_price, tolerance)
            if not (self.settled and stuck.any()):
                return self._answer()
            if self._least >= before or self._ending.asked:
                break
            log_price[stuck] = np.log(better[stuck])
        for _ in range(MAX_ROUNDS):
            if self._due():
                break
            self._sweep(log_price)
            stuck, better = self._judge(log_price, tolerance)
            with np.errstate(invalid="ignore"):
                far = np.abs(np.log(better) - log_price) > FAR_AWAY
            log_price[stuck & far] = np.log(better[stuck & far])
        self.settled = self._least <= tolerance
        return self._answer()

    def _answer(self) -> Floats:
        price = np.minimum(np.exp(self._kept), self.game.price_cap)
        return np.where(self.game.open_nodes, price, np.nan)

    def _judge(self, log_price: Floats, tolerance: float) -> tuple[Bools, Floats]:
        """Nodes with more regret than `tolerance`, and the best price met of each [M].
        Keeps the point if its worst regret is the least so far.
        """
        if not np.isfinite(log_price).all():
            self._kept = np.full_like(log_price, np.nan)
            return np.zeros(len(log_price), dtype=bool), log_price
        bound, better = best_prices(self.game, log_price, 0.1 * tolerance)
        regret = self._relative_regret(log_price, bound)
        worst = float(regret.max(initial=0.0))
        if worst < self._least:
            self._kept, self._least = log_price.copy(), worst
        return regret > tolerance, better

    def _relative_regret(self, log_price: Floats, bound: Floats) -> Floats:
        game = self.game
        regret = np.zeros(game.num_nodes)
        some = bound > 0.0
        sold = np.minimum(game.capacity, game.demand(log_price))[some]
        profit = (np.exp(log_price[some]) - game.cost[some]) * sold
        regret[some] = 1.0 - profit / bound[some]
        return regret

    def _settle(self, log_price: Floats, tolerance: float) -> None:
        self.settled = not len(self._node)
        while not self.settled and self.sweeps < self.max_sweeps and not self._due():
            self.settled = self._sweep(log_price) <= tolerance

    def _due(self) -> bool:
        return self._ending.due(self._before + self.sweeps)

    def _sweep(self, log_price: Floats) -> float:
        """Let every node respond once; the largest change of a log price."""
        own, total, outside = self._refreshed(log_price)
        change = sweep_prices(
            self.game.steepness, log_price, self.game.cost, self._log_capacity,
            self._log_cap, self._bounds, self._user, self._by_user,
            self.game.indptr, self._budget, outside, own, total, self._room,
        )  # fmt: skip
        self.sweeps += 1
        return change

    def _refreshed(self, log_price: Floats) -> tuple[Floats, Floats, Floats]:
        """(w / p)^r per edge by node and the outside good's, relative to the greatest
        of the user, and their sums.
        """
        game = self.game
        value = (self._pull - game.steepness * log_price[self._node])[self._by_user]
        most = game.outside_pull.copy()
        some = np.diff(game.indptr) > 0
        starts = game.indptr[:-1][some]
        most[some] = np.maximum(most[some], np.maximum.reduceat(value, starts))
        most = np.where(some, most, 0.0)
        by_user = np.exp(value - most[game.user])
        outside = np.where(some, np.exp(game.outside_pull - most), 0.0)
        own = np.empty(len(by_user))
        own[self._by_user] = by_user
        return own, segment_sums(by_user, game.indptr) + outside, outside


def _better_limit(
    market: Market, games: dict[Name, CesGame], limits: list[Floats], tolerance: float
) -> tuple[PriceEquilibrium, PriceCertificate]:
    """Certify both limits; the one with the smaller worst relative regret, the low one
    where they tie.
    """
    proofs = [certificate_of(market, games, p, 0.1 * tolerance) for p in limits]
    worst = [float(proof.relative_regret.max(initial=0.0)) for proof in proofs]
    k = int(worst[1] < worst[0])
    low, high = limits
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.log(high) - np.log(low))
    opened = ~np.isnan(low)
    proof = replace(
        proofs[k],
        bracket=float(apart[opened].max(initial=0.0)),
        other_regret=worst[1 - k],
    )
    outcome = price_outcome(market, games, limits[k])
    value = PriceEquilibrium(**vars(outcome), low_price=low, high_price=high)
    return value, proof


def _status(
    value: PriceEquilibrium, proof: PriceCertificate, settled: bool, tolerance: float
) -> Status:
    numbers = (value.load, value.profit, proof.best_profit)
    if not all(np.isfinite(part).all() for part in numbers):
        return Status.NONFINITE
    if proof.holds(tolerance):
        return Status.CONVERGED
    if settled and proof.holds(USABLE * tolerance):
        return Status.ALMOST_CONVERGED
    return Status.MAX_ITERATIONS
