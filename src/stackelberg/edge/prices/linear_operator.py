"""One owner's prices for the linear users of Problem 1, with what is proved of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from stackelberg.edge.market import Csr, Floats, Market, Name
from stackelberg.edge.prices.ces_game import CesGame
from stackelberg.edge.prices.linear_owner_bound import (
    best_capacity_prices,
    linear_profit_bound,
)
from stackelberg.edge.prices.linear_owner_search import LinearOwnerSearch, owner_profit
from stackelberg.edge.prices.linear_users import Baskets, buyers, log_bargains
from stackelberg.edge.prices.price_outcome import PriceOutcome
from stackelberg.edge.prices.price_split import PriceSplit, split_profit_bound
from stackelberg.edge.prices.price_stop import Ending
from stackelberg.edge.prices.split_search import search_split
from stackelberg.game import Certificate, CertificateRow, Solution, Status

EXACT = 1e-9
"""Relative excess of demand over a capacity up to which it is rounding."""

TIED = 1e-8
"""Share of its best utility that a user may lack in a basket that counts as best."""

Games = dict[Name, CesGame]


@dataclass(frozen=True, eq=False)
class LinearOperatorOutcome(PriceOutcome):
    """An outcome with what its bounds stand on.

    Where bargains tie, users buy what the owner likes best.

    Attributes:
        bound_shadow_price: the kappa of the upper bound that prices every user apart
            [M].
        bound_split: what the upper bound for common prices stands on, for each
            resource type; None where there is none.
    """

    bound_shadow_price: Floats
    bound_split: tuple[PriceSplit | None, ...]


@dataclass(frozen=True, eq=False)
class LinearOperatorCertificate(Certificate):
    """How good an owner's prices are for linear users.

    Attributes:
        profit: of all nodes together, from what they can serve.
        upper_bound: proved: no prices up to the caps that keep demand within the
            capacities earn more. The lesser of what pricing every user apart would
            earn (`linear_owner_bound`) and of a bound for common prices
            (`price_split`), for each resource type.
        capacity_excess: greatest demand above a capacity, relative to it.
        bargain_error: greatest share of the best utility that its money could buy
            which a user lacks in its basket, or by which it overspends.
    """

    profit: float
    upper_bound: float
    capacity_excess: float
    bargain_error: float

    @property
    def gap(self) -> float:
        """Share of the bound that is not earned, at most; zero where nothing can be."""
        if self.upper_bound <= 0.0:
            return 0.0
        return max(1.0 - self.profit / self.upper_bound, 0.0)

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return (
            CertificateRow("profit", self.profit, "money", "of all nodes together"),
            CertificateRow(
                "upper_bound",
                self.upper_bound,
                "money",
                "global: no prices within capacities and caps earn more",
            ),
            CertificateRow(
                "gap", self.gap, "", "global: share of the bound that is not earned"
            ),
            CertificateRow(
                "capacity_excess",
                self.capacity_excess,
                "",
                "greatest demand above a capacity",
            ),
            CertificateRow(
                "bargain_error",
                self.bargain_error,
                "",
                "share of its best utility that a user lacks at most",
            ),
        )

    def feasible(self) -> bool:
        """Whether capacities are kept and users buy at their best bargains."""
        return self.capacity_excess <= EXACT and self.bargain_error <= TIED

    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether the prices are proved best within `tolerance` of the bound."""
        return self.feasible() and self.gap <= tolerance


LinearOperatorSolution = Solution[LinearOperatorOutcome, LinearOperatorCertificate]


def solve_linear_users(
    market: Market,
    games: Games,
    tolerance: float,
    max_nodes: int,
    ending: Ending,
) -> LinearOperatorSolution:
    """The best prices found for games of steepness 1, whose pulls are log weights."""
    log_price, kappa = np.zeros(market.num_nodes), np.zeros(market.num_nodes)
    baskets: list[Baskets] = []
    splits: list[PriceSplit | None] = []
    possible, complete, searched, visited = True, True, 0.0, 0
    for resource, game in games.items():
        _, nodes = market.rows_of(resource)
        charge = best_capacity_prices(game)
        possible &= charge is not None
        kappa[nodes] = 0.0 if charge is None else charge
        search = LinearOwnerSearch(game, max_nodes, ending)
        log_price[nodes], basket = search.solve(kappa[nodes])
        baskets.append(basket)
        possible &= not search.impossible
        complete &= search.complete
        searched += search.profit_bound
        visited += search.nodes
        splits.append(_split(search, log_price[nodes], basket, kappa[nodes], tolerance))
    outcome = _outcome(market, games, log_price, baskets, kappa, tuple(splits))
    proof = linear_operator_certificate(market, games, outcome)
    return Solution(
        value=outcome,
        certificate=proof,
        status=_status(proof, possible, complete, tolerance),
        iterations=visited,
        stats={
            "method": "mixed-integer program",
            "searched": "everything" if complete else "near nearly linear users",
            **({"searched_bound": searched} if complete else {}),
        },
    )


def _split(
    search: LinearOwnerSearch,
    log_price: Floats,
    baskets: Baskets,
    kappa: Floats,
    tolerance: float,
) -> PriceSplit | None:
    """What proves more than prices for each user apart; None where those prove all."""
    game = search.game
    if search.impossible:
        return None
    earned = owner_profit(game, log_price, baskets)
    apart = linear_profit_bound(game, kappa)
    if apart - earned <= tolerance * abs(apart):
        return None
    return search_split(game, earned, tolerance, search.due)


def _status(
    proof: LinearOperatorCertificate, possible: bool, complete: bool, tolerance: float
) -> Status:
    if not possible:
        return Status.INFEASIBLE
    if not (math.isfinite(proof.profit) and math.isfinite(proof.upper_bound)):
        return Status.NONFINITE
    if proof.holds(tolerance) or (complete and proof.feasible()):
        return Status.CONVERGED
    return Status.MAX_ITERATIONS


def _outcome(
    market: Market,
    games: Games,
    log_price: Floats,
    baskets: list[Baskets],
    kappa: Floats,
    splits: tuple[PriceSplit | None, ...],
) -> LinearOperatorOutcome:
    """What the prices lead to; nodes serve all the same fraction of what they want."""
    opened = np.concatenate([game.open_nodes for game in games.values()])
    cost = np.concatenate([game.cost for game in games.values()])
    price = np.where(opened, np.exp(log_price), np.nan)
    blocks: list[Csr] = []
    for (resource, game), basket in zip(games.items(), baskets, strict=True):
        _, nodes = market.rows_of(resource)
        amount = game.budget[game.user] * basket.share
        amount *= np.exp(-log_price[nodes][game.node])
        block = sparse.csr_array(
            (amount, game.node, game.indptr), shape=(game.num_users, game.num_nodes)
        )
        blocks.append(block)
    wanted: Csr = sparse.csr_array(sparse.block_diag(blocks, format="csr"))
    demand = np.asarray(wanted.sum(axis=0), dtype=np.float64).ravel()
    load = np.minimum(demand, market.capacity)
    served = np.ones(market.num_nodes)
    short = demand > load
    served[short] = load[short] / demand[short]
    wanted.data *= served[wanted.indices]
    priced = np.where(load > 0.0, price, 0.0)
    return LinearOperatorOutcome(
        price=price,
        demand=demand,
        load=load,
        revenue=priced * load,
        profit=np.where(load > 0.0, (priced - cost) * load, 0.0),
        allocation=wanted,
        spend=np.asarray(wanted @ priced),
        bound_shadow_price=kappa,
        bound_split=splits,
    )


def linear_operator_certificate(
    market: Market, games: Games, outcome: LinearOperatorOutcome
) -> LinearOperatorCertificate:
    """What is proved about an outcome, from it alone: its bounds hold at any kappa and
    any split.

    Users want the allocation over the fraction of demand that each node serves.
    """
    bound, excess, error, profit = 0.0, 0.0, 0.0, 0.0
    for (resource, game), split in zip(games.items(), outcome.bound_split, strict=True):
        users, nodes = market.rows_of(resource)
        apart = linear_profit_bound(game, outcome.bound_shadow_price[nodes])
        together = np.inf if split is None else split_profit_bound(game, split)
        bound += min(apart, together)
        if not game.open_nodes.any():
            continue
        demand, capacity = outcome.demand[nodes], game.capacity
        over = demand[game.open_nodes] / capacity[game.open_nodes] - 1.0
        excess = max(excess, float(over.max()))
        load = np.minimum(demand, capacity)
        grown = np.divide(demand, load, out=np.ones_like(load), where=load > 0.0)
        got: Csr = outcome.allocation[users, nodes]
        wanted = got.data * grown[game.node]
        error = max(error, _bargain_error(game, outcome.price[nodes], wanted))
        margin = np.where(load > 0.0, outcome.price[nodes] - game.cost, 0.0)
        profit += float(margin @ load)
    return LinearOperatorCertificate(
        profit=profit,
        upper_bound=bound,
        capacity_excess=max(excess, 0.0),
        bargain_error=error,
    )


def _bargain_error(game: CesGame, price: Floats, wanted: Floats) -> float:
    """Greatest lack of utility, or overspending, relative to the best.

    Args:
        game: of linear users.
        price: [M].
        wanted: amount per edge [E].
    """
    some = buyers(game)
    bargain, best = log_bargains(game, np.log(np.where(game.open_nodes, price, 1.0)))
    spent = wanted * price[game.node]
    worth = spent * np.exp(bargain - best[game.user])
    total = np.bincount(game.user, spent, minlength=game.num_users)
    gained = np.bincount(game.user, worth, minlength=game.num_users)
    left = np.maximum(game.budget - total, 0.0)[some]
    gained = gained[some] + left * np.exp(game.outside_pull[some] - best[some])
    lack = 1.0 - gained / game.budget[some]
    over = total[some] / game.budget[some] - 1.0
    return float(np.maximum(np.maximum(lack, over), 0.0).max(initial=0.0))
