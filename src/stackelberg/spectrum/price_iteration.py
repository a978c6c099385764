"""Prices and powers one pair at a time: the `iterated` and `published` concepts.

Gauss-Seidel over the pairs of a channel: each pair's price is set to the best one while
the others' powers stay put, its power follows, and so on until nothing moves. A fixed
point is conjectural: each price is best if the others' powers stay put, which they do
not. It is a Stackelberg equilibrium only with one pair per channel, and the iteration
can cycle (theory section 4).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackelberg.spectrum.published import published_price_scalar
from stackelberg.spectrum.scenario import Floats
from stackelberg.spectrum.single_price import (
    best_limited_price_scalar,
    best_price_scalar,
)

MAX_SWEEPS = 200

TOLERANCE = 1e-12
"""Settled when no power moved by more than this, relative to the greatest power."""


@njit(cache=True, error_model="numpy", nogil=True)
def iterate_prices(
    cellular_snr: Floats,
    bs_gain: Floats,
    noise: Floats,
    coupling: Floats,
    price_scale: Floats,
    follower_price_weight: Floats,
    leader_revenue_weight: Floats,
    spend_scale: Floats,
    min_power_w: Floats,
    max_power_w: Floats,
    min_price: Floats,
    max_price: Floats,
    fixed_bounds: np.ndarray,
    published: bool,
    price: Floats,
    power: Floats,
    sweeps: np.ndarray,
) -> None:
    """Iterate n channels with K pairs each; arrays as in `ChannelGames`.

    Powers begin at their greatest (a price at its least). Interference at the base
    station is in units of N0, which changes no price: A, C and D share the unit.

    Writes `price` and `power` [n, K], and into `sweeps` [n] the sweeps taken, negative
    where the iteration did not settle within `MAX_SWEEPS`.
    """
    n, k = bs_gain.shape
    for c in range(n):
        low, high = min_power_w[c], max_power_w[c]
        a, b = cellular_snr[c], spend_scale[c]
        rate_weight, revenue_weight = follower_price_weight[c], leader_revenue_weight[c]
        received = 0.0
        for j in range(k):
            power[c, j] = high
            received += bs_gain[c, j] * high
        sweeps[c] = -MAX_SWEEPS
        for sweep in range(MAX_SWEEPS):
            moved = 0.0
            for j in range(k):
                s = noise[c, j]
                for i in range(k):
                    s += coupling[c, j, i] * power[c, i]
                gain = bs_gain[c, j]
                offset = -s * gain
                others = received - gain * power[c, j]
                residual = offset + 1.0 + others
                scale = b / gain
                if fixed_bounds[c]:
                    # Stored prices are per W, here per N0: their ratio is B / gain.
                    unit = scale / price_scale[c, j]
                    least, most = min_price[c, j] * unit, max_price[c, j] * unit
                    if published:
                        best, _ = published_price_scalar(
                            a,
                            offset,
                            residual,
                            b,
                            rate_weight,
                            revenue_weight,
                            least,
                            most,
                        )
                    else:
                        best = best_limited_price_scalar(
                            a, offset, residual, b, rate_weight, revenue_weight,
                            least, most, low * gain, high * gain,
                        )  # fmt: skip
                else:
                    least, most = scale / (high + s), scale / (low + s)
                    if published:
                        best, _ = published_price_scalar(
                            a,
                            offset,
                            residual,
                            b,
                            rate_weight,
                            revenue_weight,
                            least,
                            most,
                        )
                    else:
                        best = best_price_scalar(
                            a,
                            offset,
                            residual,
                            b,
                            rate_weight,
                            revenue_weight,
                            least,
                            most,
                        )
                answer = min(max(scale / best - s, low), high)
                moved = max(moved, abs(answer - power[c, j]))
                power[c, j] = answer
                received = others + gain * answer
                price[c, j] = best * price_scale[c, j] / scale
            if moved <= TOLERANCE * high:
                sweeps[c] = sweep + 1
                break
