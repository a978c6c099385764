"""Spectrum cells as tabular games: prices and powers on grids, gains as a Markov chain.

One instance can then be asked in three ways: the tables' equilibrium, what learning
finds, and the certified equilibrium of `spectrum.solve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.learning.tabular.arrays import Floats, table_of
from stackelberg.learning.tabular.game import TabularGame
from stackelberg.spectrum import (
    FixedPriceBounds,
    InterferencePriceBounds,
    Scenario,
    outcome,
)
from stackelberg.spectrum.price_box import gains


def price_grid(scenario: Scenario, size: int) -> Floats:
    """Prices of each pair, evenly spaced in the logarithm between its bounds [N, size].

    Args:
        scenario: with fixed price bounds: the others depend on powers.
        size: prices per pair, >= 2.

    Raises:
        ConfigError: if the price bounds are not fixed.
        DomainError: if `size` is below 2.
    """
    bounds = scenario.price_bounds
    if not isinstance(bounds, FixedPriceBounds):
        raise ConfigError(
            "price_bounds", expected="FixedPriceBounds(...)", got="interference bounds"
        )
    _check_size(size)
    share = np.linspace(0.0, 1.0, size)
    low, high = np.log(bounds.min)[:, None], np.log(bounds.max)[:, None]
    grid = np.exp(low + share * (high - low))
    return np.clip(grid, bounds.min[:, None], bounds.max[:, None])


def power_grid(scenario: Scenario, size: int) -> Floats:
    """Powers from the least to the greatest, evenly spaced [size].

    Raises:
        DomainError: if `size` is below 2.
    """
    _check_size(size)
    return np.linspace(scenario.min_power_w, scenario.max_power_w, size)


def fading_cells(
    scenario: Scenario, levels: int, persistence: float
) -> tuple[list[Scenario], Floats]:
    """Cells whose pairs' own links fade, and the chain that moves among them.

    Each own gain is scaled by a level of Rayleigh fading: exponential power of mean 1,
    cut into bins of equal probability, each told by its mean. From slot to slot every
    pair's level stays with probability `persistence`, and is drawn anew otherwise; the
    chain's autocorrelation over t slots is persistence^t. All other gains stay.

    Args:
        scenario: the cell whose gains are the means.
        levels: of each pair; levels^N states.
        persistence: in [0, 1).

    Returns:
        One scenario per state, and the transition probabilities [S, S]. The cells have
        interference price bounds: fixed ones might silence a pair in a fade.

    Raises:
        DomainError: if an argument is out of range.
    """
    if levels < 1:
        raise DomainError("levels", expected="at least 1", got=levels)
    if not 0.0 <= persistence < 1.0:
        raise DomainError("persistence", expected="a number in [0, 1)", got=persistence)
    states = list(product(range(levels), repeat=scenario.num_pairs))
    factor = rayleigh_levels(levels)
    cells = [
        scenario.replace(
            gain_d2d=scenario.gain_d2d * factor[list(state)],
            price_bounds=InterferencePriceBounds(),
        )
        for state in states
    ]
    one = persistence * np.eye(levels) + (1.0 - persistence) / levels
    chain: Floats = np.ones((1, 1))
    for _ in range(scenario.num_pairs):
        chain = np.asarray(np.kron(chain, one), dtype=np.float64)
    return cells, chain


def rayleigh_levels(levels: int) -> Floats:
    """Mean of an exponential of mean 1 in each of `levels` bins of equal probability.

    Between quantiles a < b that is levels ((1 + a) e^-a - (1 + b) e^-b).
    """
    beyond = 1.0 - np.arange(levels + 1) / levels
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(beyond > 0.0, (1.0 - np.log(beyond)) * beyond, 0.0)
    return levels * (weight[:-1] - weight[1:])


def discretise(
    cells: Sequence[Scenario],
    transition: npt.ArrayLike,
    prices: npt.ArrayLike,
    powers: npt.ArrayLike,
    discount: float = 0.9,
) -> TabularGame:
    """The spectrum game of some cells as tables; a state is a cell.

    Rewards are the utilities of `spectrum.outcome`, divided by the bandwidth (bit/s per
    Hz). Transitions do not depend on actions, so the class is *exogenous*.

    Args:
        cells: of equal size, channels and weights; one per state.
        transition: probability of the next cell [S, S].
        prices: of each pair [N, P]; the leader's actions are all P^N vectors, the last
            pair's price running fastest.
        powers: of every pair, W [K].
        discount: of all agents.

    Raises:
        ConfigError: if a cell has no channels.
        ShapeError: if cells or grids do not fit each other.
        DomainError: if a number is out of range.
    """
    price, power = table_of("prices", prices), table_of("powers", powers)
    pairs = cells[0].num_pairs if cells else 0
    if not cells or any(cell.num_pairs != pairs for cell in cells):
        raise ShapeError(
            "cells", expected="cells of equal size", got=f"{len(cells)} cells"
        )
    if price.ndim != 2 or len(price) != pairs or power.ndim != 1:
        raise ShapeError(
            "prices",
            expected=f"prices [{pairs}, P] and powers [K]",
            got=f"{list(price.shape)} and {list(power.shape)}",
        )
    reward = np.stack([_rewards(cell, price, power) for cell in cells], axis=1)
    leader = [
        " ".join(f"{x:.6g}" for x in row)
        for row in product(*(own.tolist() for own in price))
    ]
    watts = tuple(f"{x:.9g} W" for x in power.tolist())
    return TabularGame(
        reward=reward,
        transition=table_of("transition", transition),
        discount=np.array(discount),
        leader_actions=tuple(leader) if len(set(leader)) == len(leader) else None,
        follower_actions=(watts,) * pairs if len(set(watts)) == len(watts) else None,
    )


def _rewards(cell: Scenario, price: Floats, power: Floats) -> Floats:
    """Utilities over the bandwidth [N + 1, P^N, K, .., K]; linear in the prices."""
    if cell.channel is None:
        raise ConfigError("cells", expected="cells with channels", got="channel null")
    n, size = cell.num_pairs, len(power)
    profile = np.array(list(product(power.tolist(), repeat=n)))
    vector = np.array(list(product(*(own.tolist() for own in price))))
    _, to_bs = gains(cell, cell.channel)
    unit = np.ones(n)
    free = [outcome(cell, cell.channel, unit, row) for row in profile]
    rate = np.array([x.d2d_rate_bps for x in free])
    cellular = np.array([x.cellular_rate_bps.sum() for x in free])
    paid = vector[:, None, :] * (profile * to_bs)  # [P^N, K^N, N]
    follower = rate - cell.follower_price_weight * paid
    leader = cellular + cell.leader_revenue_weight * paid.sum(axis=2)
    table = np.concatenate([np.moveaxis(follower, -1, 0), leader[None]])
    return table.reshape(n + 1, len(vector), *([size] * n)) / cell.bandwidth_hz


def _check_size(size: int) -> None:
    if size < 2:
        raise DomainError("size", expected="at least 2", got=size)
