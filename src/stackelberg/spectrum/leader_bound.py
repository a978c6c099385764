"""Proved upper bounds on the leader's utility, channel by channel, for whole batches.

Dispatches to `branch_and_bound` (interference bounds) and `regimes` (fixed bounds).
Channels are independent, so any number of threads gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from stackelberg.spectrum.branch_and_bound import prove
from stackelberg.spectrum.channel_game import (
    ChannelColumns,
    ChannelGame,
    ChannelGames,
)
from stackelberg.spectrum.channel_kernels import objective, row
from stackelberg.spectrum.fixed_bounds import utility_of_prices
from stackelberg.spectrum.regimes import prove_fixed
from stackelberg.spectrum.scenario import Floats, Ints
from stackelberg.spectrum.threads import in_blocks

FLOOR_ALLOWANCE = 1e-9
"""Relative raise of the bound where p_min = 0 and the boxes begin at a floor above it.

Raising a power from below the floor to the floor costs the others at most the floor
times sum of their largest slopes; the floor is chosen so that this stays within.
"""


@dataclass(frozen=True, eq=False)
class Proof:
    """The best point known and a proved upper bound, per channel.

    Attributes:
        price: reuse prices [n, K].
        power_w: followers' powers [n, K].
        utility: leader utility of the channel, bit/s [n].
        upper_bound: no prices give more on this channel, bit/s [n].
        boxes: boxes bounded [n].
    """

    price: Floats
    power_w: Floats
    utility: Floats
    upper_bound: Floats
    boxes: Ints


def prove_games(
    games: ChannelGames,
    price: Floats,
    power_w: Floats,
    relative_gap: float,
    max_boxes: int,
) -> Proof:
    """Bound every channel from above, improving the given point on the way.

    Args:
        games: n channels with K pairs each.
        price: known prices [n, K]; used as the start under fixed bounds.
        power_w: known powers [n, K]; the start under interference bounds.
        relative_gap: stop a channel at (bound - utility) <= relative_gap * utility.
        max_boxes: stop a channel after so many boxes, with the bound reached.
    """
    # Two kernels, so that the one for fixed bounds compiles only where it is needed.
    parts: list[tuple[Ints, Proof]] = []
    for fixed, kernel in ((True, _prove_prices), (False, _prove_powers)):
        rows = np.flatnonzero(games.fixed_bounds == fixed)
        if len(rows):
            part, p, q = games.take(rows), price[rows], power_w[rows]
            proof = _prove_part(kernel, part, p, q, relative_gap, max_boxes)
            parts.append((rows, proof))
    if len(parts) == 1:
        return parts[0][1]
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return Proof(
        **{
            name: np.concatenate([getattr(proof, name) for _, proof in parts])[order]
            for name in vars(parts[0][1])
        }
    )


def _prove_part(
    kernel: Callable[..., None],
    games: ChannelGames,
    price: Floats,
    power_w: Floats,
    relative_gap: float,
    max_boxes: int,
) -> Proof:
    n, k = games.pairs.shape
    price, power = price.copy(), power_w.copy()
    value, upper = np.empty(n), np.empty(n)
    boxes = np.empty(n, dtype=np.int64)

    def run(rows: slice) -> None:
        part = games.take(rows)
        kernel(
            part.columns(), part.price_scale, part.min_price, part.max_price,
            relative_gap, max_boxes,
            price[rows], power[rows], value[rows], upper[rows], boxes[rows],
        )  # fmt: skip

    in_blocks(run, n, least_block=64 if k <= 3 else 1)
    return Proof(
        price=price,
        power_w=power,
        utility=value * games.spend_scale,
        upper_bound=upper * games.spend_scale,
        boxes=boxes,
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _prove_powers(
    columns: ChannelColumns, price_scale: Floats, _min_price: Floats,
    _max_price: Floats, relative_gap: float, max_boxes: int,
    price: Floats, power: Floats, value: Floats, upper: Floats, boxes: Ints,
) -> None:  # fmt: skip
    """Rows under interference bounds: branch and bound over powers."""
    n, k = columns.bs_gain.shape
    low_y, high_y, y, silent = np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    for c in range(n):
        game = row(columns, c)
        low, high = game.min_power_w, game.max_power_w
        allowance = 0.0
        if low == 0.0:
            # All at their greatest earn something even where the given point does not.
            silent[:] = high
            for start in (power[c], silent):
                allowance = max(allowance, FLOOR_ALLOWANCE * objective(start, game))
        for j in range(k):
            floor = low
            if low == 0.0:
                floor = _floor(j, game, allowance)
            low_y[j], high_y[j] = np.log(floor), np.log(high)
            y[j] = np.log(min(max(power[c, j], floor), high))
        value[c], upper[c], boxes[c] = prove(
            y, low_y, high_y, game, relative_gap, max_boxes
        )
        upper[c] += allowance
        for j in range(k):
            power[c, j] = min(max(np.exp(y[j]), low), high)
        for j in range(k):
            # Slopes in ln p vanish with p: ask of whispers whether silence is better.
            if low == 0.0 and power[c, j] < 1e-4 * high:
                silent[:] = power[c]
                silent[j] = 0.0
                if objective(silent, game) >= objective(power[c], game):
                    power[c, j] = 0.0
        value[c] = objective(power[c], game)
        upper[c] = max(upper[c], value[c])
        for j in range(k):
            s = game.noise[j]
            for i in range(k):
                s += game.coupling[j, i] * power[c, i]
            price[c, j] = price_scale[c, j] / (power[c, j] + s)


@njit(cache=True, error_model="numpy", nogil=True)
def _floor(j: int, game: ChannelGame, allowance: float) -> float:
    """A power of pair `j` so small that all together cost at most `allowance`."""
    k = len(game.bs_gain)
    a = game.cellular_snr
    harm = game.follower_price_weight * a * game.bs_gain[j] / (1.0 + a)
    for i in range(k):
        harm += game.leader_revenue_weight * game.coupling[i, j] / (4.0 * game.noise[i])
    return min(allowance / (k * harm), 1e-6 * game.max_power_w)


@njit(cache=True, error_model="numpy", nogil=True)
def _prove_prices(
    columns: ChannelColumns, price_scale: Floats, min_price: Floats, max_price: Floats,
    relative_gap: float, max_boxes: int,
    price: Floats, power: Floats, value: Floats, upper: Floats, boxes: Ints,
) -> None:  # fmt: skip
    """Rows under fixed bounds: branch and bound over powers and regimes."""
    n, k = columns.bs_gain.shape
    scaled, least, most = np.empty(k), np.empty(k), np.empty(k)
    for c in range(n):
        game = row(columns, c)
        for j in range(k):
            scaled[j] = price[c, j] / price_scale[c, j]
            least[j] = min_price[c, j] / price_scale[c, j]
            most[j] = max_price[c, j] / price_scale[c, j]
            scaled[j] = min(max(scaled[j], least[j]), most[j])
        value[c], upper[c], boxes[c] = prove_fixed(
            scaled, least, most, game, relative_gap, max_boxes
        )
        utility_of_prices(scaled, game, power[c])
        for j in range(k):
            price[c, j] = min(
                max(scaled[j] * price_scale[c, j], min_price[c, j]), max_price[c, j]
            )
