"""CES users: what they buy at any prices, and the checked inputs of games over prices.

User j maximises u_j = (sum_i (w_ij x_ij)^rho)^(1/rho), with elasticity of
substitution sigma = 1 / (1 - rho) > 1, and spends its budget in full. Its share of
money at node i is

    s_ij = (w_ij / p_i)^r / sum_k (w_kj / p_k)^r,    r = sigma - 1,

and x_ij = B_j s_ij / p_i. An outside good of price 1 and weight w_0j is one more term
of the sum. The weight is the worth of a unit, as in `utilities`, so units of nodes
cancel and large sigma tends to the linear users of Problem 1; where others write
w^sigma p^(1 - sigma), their weight is this one to the power r / sigma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from stackelberg.edge.market import Bools, Csr, Floats, Ints, Market, Name
from stackelberg.edge.outcome import segment_sums
from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.game.numbers import real_numbers


@dataclass(frozen=True, eq=False)
class CesGame:
    """One resource type with CES users, less what cannot be sold.

    Edges to nodes without capacity and of users without budget are left out; rows are
    kept. A node that is left with no edge is closed: its price means nothing.

    Attributes:
        indptr, node: CSR structure of the edges kept [N + 1], [E].
        pull: r log w_ij per edge [E].
        outside_pull: r log w_0j [N]; -inf where there is no outside good.
        steepness: r = sigma - 1.
        budget: [N]. capacity, cost, price_cap: [M]; infinite where there is no limit.
    """

    indptr: Ints
    node: Ints
    pull: Floats
    outside_pull: Floats
    steepness: float
    budget: Floats
    capacity: Floats
    cost: Floats
    price_cap: Floats

    @property
    def num_nodes(self) -> int:
        """M, node rows."""
        return len(self.capacity)

    @property
    def num_users(self) -> int:
        """N, user rows."""
        return len(self.budget)

    @property
    def user(self) -> Ints:
        """User row of each edge [E]."""
        return np.repeat(np.arange(self.num_users), np.diff(self.indptr))

    @property
    def open_nodes(self) -> Bools:
        """Nodes that can sell something [M]."""
        return np.bincount(self.node, minlength=self.num_nodes) > 0

    def money_in_reach(self) -> Floats:
        """Budgets of all users that reach each node [M]."""
        return _per_node(self, self.budget[self.user])

    def log_odds(self, log_price: Floats) -> Floats:
        """log((1 - s) / s) per edge [E]; -inf where the node is all that a user has.

        Args:
            log_price: [M]; entries of closed nodes are not read.
        """
        user, indptr = self.user, self.indptr
        value = self.pull - self.steepness * log_price[self.node]
        first = np.maximum(_most(value, indptr), self.outside_pull)
        with np.errstate(invalid="ignore"):
            relative = np.exp(value - first[user])
            outside = np.exp(self.outside_pull - first)
        total = segment_sums(relative, indptr) + np.where(np.isnan(outside), 0, outside)
        top = _first_of_most(value, indptr)
        rest = value.copy()
        rest[top[top >= 0]] = -np.inf
        second = np.maximum(_most(rest, indptr), self.outside_pull)
        with np.errstate(invalid="ignore", divide="ignore"):
            others = segment_sums(np.exp(rest - second[user]), indptr)
            others += np.exp(self.outside_pull - second)
            beside_top = np.where(np.isneginf(second), -np.inf, second + np.log(others))
            beside = first[user] + np.log(total[user] - relative)
        edges = top[top >= 0]
        beside[edges] = beside_top[user[edges]]
        return beside - value

    def shares(self, log_price: Floats) -> Floats:
        """Share of the user's money per edge [E]."""
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(self.log_odds(log_price)))

    def demand(self, log_price: Floats) -> Floats:
        """What users want of each node, whatever its capacity [M]."""
        money = self.budget[self.user] * self.shares(log_price)
        amount = money * np.exp(-log_price[self.node])
        return _per_node(self, amount)


def _per_node(game: CesGame, values: Floats) -> Floats:
    sums = np.bincount(game.node, values, minlength=game.num_nodes)
    return sums.astype(np.float64)


def ces_games(
    market: Market,
    elasticity: float,
    cost: npt.ArrayLike | None,
    price_cap: npt.ArrayLike | None,
    outside_weight: npt.ArrayLike,
) -> dict[Name, CesGame]:
    """One game per resource type, after every input has been checked.

    Args:
        market: its prices are not read.
        elasticity: sigma > 1.
        cost: of one unit, a number or [M], finite, >= 0; None for the market's.
        price_cap: greatest price allowed, a number or [M], above the cost; None or
            infinite for none.
        outside_weight: weight of the outside good of price 1, a number or [N], >= 0.

    Raises:
        ConfigError, ShapeError, DomainError: an argument is of the wrong kind or out of
            range, or a user's budget is infinite.
    """
    steepness = _checked_elasticity(elasticity) - 1.0
    costs = market.cost
    if cost is not None:
        costs = per_row("cost", cost, market.num_nodes, market.nodes)
    caps = np.full(market.num_nodes, np.inf)
    if price_cap is not None:
        caps = per_row("price_cap", price_cap, market.num_nodes, market.nodes, True)
    _check_caps(market, costs, caps)
    outside = per_row("outside_weight", outside_weight, market.num_users, market.users)
    endless = np.flatnonzero(np.isinf(market.budget))
    if len(endless):
        raise DomainError(
            f"budget[{market.users[endless[0]]}]",
            expected="a finite number (CES users spend all of it)",
            got="inf",
        )
    with np.errstate(divide="ignore"):
        outside_pull = steepness * np.log(outside)
    weight = market.weight
    kept = (market.capacity > 0.0)[weight.indices]
    kept &= (market.budget > 0.0)[market.user_of_edge]
    games: dict[Name, CesGame] = {}
    for resource in market.resources:
        users, nodes = market.rows_of(resource)
        edges = slice(weight.indptr[users.start], weight.indptr[users.stop])
        here = kept[edges]
        users_kept = market.user_of_edge[edges][here] - users.start
        degree = np.bincount(users_kept, minlength=users.stop - users.start)
        games[resource] = CesGame(
            indptr=np.concatenate([[0], np.cumsum(degree)]).astype(np.int64),
            node=weight.indices[edges][here].astype(np.int64) - nodes.start,
            pull=steepness * np.log(weight.data[edges][here]),
            outside_pull=outside_pull[users],
            steepness=steepness,
            budget=market.budget[users],
            capacity=market.capacity[nodes],
            cost=costs[nodes],
            price_cap=caps[nodes],
        )
    return games


def ces_allocation(
    market: Market, games: dict[Name, CesGame], price: Floats
) -> tuple[Csr, Floats]:
    """What users want at given prices, CSR [N, M], and of each node [M]."""
    blocks: list[Csr] = []
    wanted = np.zeros(market.num_nodes)
    for resource, game in games.items():
        _, nodes = market.rows_of(resource)
        with np.errstate(divide="ignore"):
            log_price = np.log(price[nodes])
        amount = game.budget[game.user] * game.shares(log_price)
        amount *= np.exp(-log_price[game.node])
        shape = (game.num_users, game.num_nodes)
        blocks.append(sparse.csr_array((amount, game.node, game.indptr), shape=shape))
        wanted[nodes] = _per_node(game, amount)
    return sparse.csr_array(sparse.block_diag(blocks, format="csr")), wanted


def per_row(
    name: str,
    values: npt.ArrayLike,
    count: int,
    rows: npt.NDArray[np.generic],
    may_be_infinite: bool = False,
) -> Floats:
    """A number for all rows or one for each, finite or not, >= 0."""
    given = real_numbers(name, values, f"a number or {count} numbers")
    if given.shape not in ((), (count,)):
        raise ShapeError(
            name,
            expected=f"a number or {count} numbers",
            got=f"shape {list(given.shape)}",
        )
    fine = (given >= 0.0) & (np.isfinite(given) | may_be_infinite)
    if not np.all(fine):
        k = int(np.argmin(fine))
        raise DomainError(
            name if given.shape == () else f"{name}[{rows[k]}]",
            expected="a number >= 0" if may_be_infinite else "a finite number >= 0",
            got=float(given.ravel()[k]),
        )
    return np.broadcast_to(given, (count,)).copy()


def _checked_elasticity(elasticity: object) -> float:
    if isinstance(elasticity, bool) or not isinstance(
        elasticity, (int, float, np.integer, np.floating)
    ):
        raise ConfigError("elasticity", expected="a number > 1", got=repr(elasticity))
    if not 1.0 < elasticity < math.inf:
        raise DomainError("elasticity", expected="a finite number > 1", got=elasticity)
    return float(elasticity)


def _check_caps(market: Market, cost: Floats, cap: Floats) -> None:
    wrong = np.flatnonzero(~(cap > cost))
    if len(wrong):
        i = int(wrong[0])
        raise DomainError(
            f"price_cap[{market.nodes[i]}]",
            expected=f"a number above the cost {cost[i]:g}",
            got=float(cap[i]),
        )


def _most(values: Floats, bounds: Ints) -> Floats:
    """The greatest of each user's values; -inf for a user without edges."""
    most = np.full(len(bounds) - 1, -np.inf)
    filled = np.flatnonzero(np.diff(bounds) > 0)
    if len(filled):
        most[filled] = np.maximum.reduceat(values, bounds[filled])
    return most


def _first_of_most(values: Floats, bounds: Ints) -> Ints:
    """Edge of each user's greatest value, one where several tie; -1 without edges."""
    user = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    found = np.flatnonzero(values == _most(values, bounds)[user])
    edge = np.full(len(bounds) - 1, -1, dtype=np.int64)
    edge[user[found][::-1]] = found[::-1]
    return edge
