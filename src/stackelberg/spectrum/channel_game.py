"""One channel's game in the few numbers it depends on, and batches of such games.

Given the channel allocation, channels decouple. With powers p of the K pairs on a
channel and s_j = noise_j + (coupling @ p)_j, in units of B = W/(ln 2 beta^f):

    leader   U/B = beta^f ln(1 + A/(N0 + gain_to_bs . p)) + beta^l sum_j p_j/(p_j + s_j)
    follower p_j = clip(B / (price_j gain_to_bs_j) - s_j, p_min, p_max)

The leader's form holds where every price is B / (gain_to_bs_j (p_j + s_j)): the
single-level form, exact under interference price bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stackelberg.spectrum.scenario import (
    FixedPriceBounds,
    Floats,
    InterferencePriceBounds,
    Ints,
    Scenario,
)


@dataclass(frozen=True, eq=False)
class ChannelGames:
    """n channels with K pairs each. All powers in W, all float64.

    Attributes:
        scenario_index: which scenario of the batch each channel belongs to [n].
        channel: its channel number there [n].
        pairs: its pairs' numbers there, ascending [n, K].
        cellular_snr: A / N0 [n].
        bs_gain: gain_to_bs / N0, 1/W [n, K].
        noise: (N0 + cellular interference) / own gain, W [n, K].
        coupling: gain from transmitter k to receiver j over j's own gain, as
            [n, j, k]; zero diagonal.
        price_scale: B / gain_to_bs, so that price = price_scale / (p + s) [n, K].
        follower_price_weight: beta^f [n].
        leader_revenue_weight: beta^l [n].
        spend_scale: B [n].
        min_power_w: [n].
        max_power_w: [n].
        min_price: [n, K], zero where the bounds are `interference`.
        max_price: [n, K], infinite where the bounds are `interference`.
        fixed_bounds: whether the price bounds are fixed numbers [n].
    """

    scenario_index: Ints
    channel: Ints
    pairs: Ints
    cellular_snr: Floats
    bs_gain: Floats
    noise: Floats
    coupling: Floats
    price_scale: Floats
    follower_price_weight: Floats
    leader_revenue_weight: Floats
    spend_scale: Floats
    min_power_w: Floats
    max_power_w: Floats
    min_price: Floats
    max_price: Floats
    fixed_bounds: np.ndarray

    @property
    def num_pairs(self) -> int:
        """K, the number of pairs on each of these channels."""
        return self.pairs.shape[1]

    def __len__(self) -> int:
        return len(self.channel)

    def take(self, rows: Ints | np.ndarray) -> ChannelGames:
        """The games of the given rows."""
        return ChannelGames(**{k: v[rows] for k, v in vars(self).items()})


def channel_games(
    scenarios: Sequence[Scenario], channels: Sequence[Ints]
) -> dict[int, ChannelGames]:
    """The occupied channels of all scenarios, grouped by their number of pairs K.

    Args:
        scenarios: any sizes, any bounds.
        channels: channel of each pair, per scenario.

    Returns:
        K -> games with K pairs, ordered by scenario, then channel. Empty channels
        appear nowhere: their leader utility is a constant.
    """
    wanted: dict[int, list[tuple[int, int, Ints]]] = {}
    for index, channel in enumerate(channels):
        order = np.argsort(channel, kind="stable")
        used, starts = np.unique(channel[order], return_index=True)
        for i, pairs in zip(used, np.split(order, starts[1:]), strict=True):
            wanted.setdefault(len(pairs), []).append((index, int(i), pairs))
    return {k: games_of(scenarios, wanted[k]) for k in sorted(wanted)}


def games_of(
    scenarios: Sequence[Scenario],
    wanted: Sequence[tuple[int, int, Sequence[int] | Ints]],
) -> ChannelGames:
    """Games of (scenario index, channel, pairs) triples, all with the same K."""
    index = np.array([w[0] for w in wanted], dtype=np.int64)
    channel = np.array([w[1] for w in wanted], dtype=np.int64)
    pairs = np.array([w[2] for w in wanted], dtype=np.int64).reshape(len(wanted), -1)
    parts: list[ChannelGames] = []
    for s in np.unique(index):
        rows = index == s
        parts.append(_of_scenario(scenarios[s], int(s), channel[rows], pairs[rows]))
    if len(parts) == 1:
        return parts[0]
    joined = ChannelGames(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in vars(parts[0])
        }
    )
    if np.array_equal(index, np.sort(index, kind="stable")):
        return joined
    back = np.empty(len(index), dtype=np.int64)
    back[np.argsort(index, kind="stable")] = np.arange(len(index))
    return joined.take(back)


def _of_scenario(s: Scenario, index: int, channel: Ints, pairs: Ints) -> ChannelGames:
    n, k = pairs.shape
    rows = channel[:, None]
    own = s.gain_d2d[pairs] if s.gain_d2d.ndim == 1 else s.gain_d2d[rows, pairs]
    to_bs = (
        s.gain_d2d_to_bs[pairs]
        if s.gain_d2d_to_bs.ndim == 1
        else s.gain_d2d_to_bs[rows, pairs]
    )
    transmitter, receiver = pairs[:, None, :], pairs[:, :, None]
    cross = (
        s.gain_d2d_to_d2d[transmitter, receiver]
        if s.gain_d2d_to_d2d.ndim == 2
        else s.gain_d2d_to_d2d[channel[:, None, None], transmitter, receiver]
    )
    coupling = cross / own[:, :, None]
    coupling[:, np.arange(k), np.arange(k)] = 0.0
    heard = s.cellular_power_w[rows] * s.gain_cellular_to_d2d[rows, pairs]
    fixed = isinstance(s.price_bounds, FixedPriceBounds)
    if isinstance(s.price_bounds, InterferencePriceBounds):
        low, high = np.zeros((n, k)), np.full((n, k), np.inf)
    else:
        low, high = s.price_bounds.min[pairs], s.price_bounds.max[pairs]
    return ChannelGames(
        scenario_index=np.full(n, index, dtype=np.int64),
        channel=channel,
        pairs=pairs,
        cellular_snr=s.received_cellular_power_w[channel] / s.noise_power_w,
        bs_gain=to_bs / s.noise_power_w,
        noise=(s.noise_power_w + heard) / own,
        coupling=coupling,
        price_scale=s.spend_scale / to_bs,
        follower_price_weight=np.full(n, s.follower_price_weight),
        leader_revenue_weight=np.full(n, s.leader_revenue_weight),
        spend_scale=np.full(n, s.spend_scale),
        min_power_w=np.full(n, s.min_power_w),
        max_power_w=np.full(n, s.max_power_w),
        min_price=low,
        max_price=high,
        fixed_bounds=np.full(n, fixed),
    )
