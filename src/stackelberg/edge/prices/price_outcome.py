"""What prices lead to with CES users, and how much each node could gain by another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackelberg.edge.market import Csr, Floats, Market, Name
from stackelberg.edge.prices.ces_game import CesGame, ces_allocation, ces_games
from stackelberg.edge.prices.price_regret import best_prices
from stackelberg.errors import DomainError, ShapeError
from stackelberg.game import Certificate, CertificateRow
from stackelberg.game.numbers import real_numbers


@dataclass(frozen=True, eq=False)
class PriceOutcome:
    """Prices and what they lead to; rows as in the market, money as in its budgets.

    Attributes:
        price: of one unit [M]; NaN at a closed node, which can sell nothing because it
            has no capacity or nobody with money in reach.
        demand: what users want at these prices [M].
        load: what they get, the demand or the capacity [M].
        revenue: price times load [M].
        profit: (price - cost) times load [M].
        allocation: amount of each node row that each user row gets, CSR [N, M]; where
            a node cannot serve its demand everybody gets the same fraction of it.
        spend: per user row [N].
    """

    price: Floats
    demand: Floats
    load: Floats
    revenue: Floats
    profit: Floats
    allocation: Csr
    spend: Floats


@dataclass(frozen=True, eq=False)
class PriceCertificate(Certificate):
    """How much each node could gain by another price, the others' prices fixed.

    A node's demand is what users want at the prices, as if every other node could serve
    them: what spills over from others that are sold out is not counted.

    Attributes:
        profit: what each node earns [M].
        best_profit: proved: no price from zero to the cap, or to infinity, earns the
            node more [M]. Rounding is included.
        better_price: the best price met in that search [M]; NaN at closed nodes.
        bracket: greatest distance between the logarithms of the limits from low and
            from high prices; NaN where nobody gave them. Nothing is claimed about
            prices between or outside.
        other_regret: worst relative regret of the limit that was not returned; NaN
            where there is none. The bracket says little unless this is small too.
    """

    profit: Floats
    best_profit: Floats
    better_price: Floats
    bracket: float = math.nan
    other_regret: float = math.nan

    @property
    def regret(self) -> Floats:
        """Money that each node could gain at most [M]."""
        return np.maximum(self.best_profit - self.profit, 0.0)

    @property
    def relative_regret(self) -> Floats:
        """The same as a share of the most that the node could earn [M]."""
        some = self.best_profit > 0.0
        share = np.zeros(len(self.profit))
        share[some] = self.regret[some] / self.best_profit[some]
        return share

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        return tuple(
            CertificateRow(*row)
            for row in (
                ("relative_regret", float(self.relative_regret.max(initial=0.0)), "",
                 "share of its profit that a node could gain at most by another price"),
                ("regret", float(self.regret.max(initial=0.0)), "money",
                 "the most that any node could gain"),
                ("bracket", self.bracket, "",
                 "distance of the limits from low and from high prices, in log price"),
                ("other_regret", self.other_regret, "",
                 "relative regret of the limit that was not returned"),
            )
        )  # fmt: skip

    def holds(self, tolerance: float = 1e-6) -> bool:
        """Whether no node can gain more than `tolerance` of the most it could earn. The
        bracket is not judged: an equilibrium need not be the only one.
        """
        return bool(np.all(self.relative_regret <= tolerance))


def certify_prices(
    market: Market,
    price: npt.ArrayLike,
    *,
    elasticity: float,
    cost: npt.ArrayLike | None = None,
    price_cap: npt.ArrayLike | None = None,
    outside_weight: npt.ArrayLike = 0.0,
    accuracy: float = 1e-9,
) -> PriceCertificate:
    """Bound what each node could gain by another price, for anybody's prices.

    Args:
        market: capacities, budgets and weights; its own prices are not read.
        price: of each node row [M], > 0; not read at closed nodes.
        elasticity: sigma > 1, the users' elasticity of substitution.
        cost: of one unit, a number or [M]; by default the market's.
        price_cap: greatest price allowed, a number or [M]; None for none.
        outside_weight: weight of an outside good of price 1, a number or [N].
        accuracy: relative accuracy of the bounds.

    Raises:
        ConfigError, ShapeError, DomainError: an argument is of the wrong kind or out of
            range, or a price is above its cap.
    """
    games = ces_games(market, elasticity, cost, price_cap, outside_weight)
    checked = checked_prices(market, games, price)
    return certificate_of(market, games, checked, accuracy)


def checked_prices(
    market: Market, games: dict[Name, CesGame], price: npt.ArrayLike
) -> Floats:
    """Prices [M], positive and within the caps; NaN at closed nodes."""
    given = real_numbers("price", price, f"{market.num_nodes} numbers").copy()
    if given.shape != (market.num_nodes,):
        raise ShapeError(
            "price",
            expected=f"{market.num_nodes} numbers",
            got=f"shape {list(given.shape)}",
        )
    opened = np.concatenate([game.open_nodes for game in games.values()])
    cap = np.concatenate([game.price_cap for game in games.values()])
    wrong = np.flatnonzero(opened & ~((given > 0.0) & np.isfinite(given)))
    if len(wrong):
        raise DomainError(
            f"price[{market.nodes[wrong[0]]}]",
            expected="a finite number > 0",
            got=float(given[wrong[0]]),
        )
    wrong = np.flatnonzero(opened & (given > cap))
    if len(wrong):
        i = int(wrong[0])
        raise DomainError(
            f"price[{market.nodes[i]}]",
            expected=f"at most the cap {cap[i]:g}",
            got=float(given[i]),
        )
    given[~opened] = np.nan
    return given


def certificate_of(
    market: Market, games: dict[Name, CesGame], price: Floats, accuracy: float
) -> PriceCertificate:
    """The certificate of checked prices, without a bracket."""
    bound, better = np.zeros(market.num_nodes), np.full(market.num_nodes, np.nan)
    profit = np.zeros(market.num_nodes)
    for resource, game in games.items():
        _, nodes = market.rows_of(resource)
        log_price = np.log(price[nodes])
        bound[nodes], better[nodes] = best_prices(game, log_price, accuracy)
        sold = np.minimum(game.capacity, game.demand(log_price))
        gained = (price[nodes] - game.cost) * sold
        profit[nodes] = np.where(game.open_nodes, gained, 0.0)
    return PriceCertificate(profit=profit, best_profit=bound, better_price=better)


def price_outcome(
    market: Market, games: dict[Name, CesGame], price: Floats
) -> PriceOutcome:
    """What checked prices lead to."""
    allocation, demand = ces_allocation(market, games, price)
    load = np.minimum(demand, market.capacity)
    with np.errstate(invalid="ignore", divide="ignore"):
        served = np.where(demand > load, load / demand, 1.0)
    allocation.data *= served[allocation.indices]
    cost = np.concatenate([game.cost for game in games.values()])
    priced = np.where(load > 0.0, price, 0.0)
    return PriceOutcome(
        price=price,
        demand=demand,
        load=load,
        revenue=priced * load,
        profit=np.where(load > 0.0, (priced - cost) * load, 0.0),
        allocation=allocation,
        spend=np.asarray(allocation @ priced),
    )
