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
from typing import NamedTuple

import numpy as np

from stackelberg.spectrum.scenario import (
    FixedPriceBounds,
    Floats,
    Ints,
    Scenario,
)


class ChannelGame(NamedTuple):
    """One channel's game as the kernels take it; see `ChannelGames` for the units.

    Attributes:
        cellular_snr: A / N0.
        bs_gain: [K].
        noise: [K].
        coupling: [K, K], receiver by transmitter.
        follower_price_weight: beta^f.
        leader_revenue_weight: beta^l.
        min_power_w: p_min.
        max_power_w: p_max.
    """

    cellular_snr: float
    bs_gain: Floats
    noise: Floats
    coupling: Floats
    follower_price_weight: float
    leader_revenue_weight: float
    min_power_w: float
    max_power_w: float


class ChannelColumns(NamedTuple):
    """The same of n channels, one row each: `channel_kernels.row` takes one out."""

    cellular_snr: Floats
    bs_gain: Floats
    noise: Floats
    coupling: Floats
    follower_price_weight: Floats
    leader_revenue_weight: Floats
    min_power_w: Floats
    max_power_w: Floats


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

    def game(self, row: int) -> ChannelGame:
        """One channel, for the kernels."""
        return ChannelGame(
            float(self.cellular_snr[row]),
            self.bs_gain[row],
            self.noise[row],
            self.coupling[row],
            float(self.follower_price_weight[row]),
            float(self.leader_revenue_weight[row]),
            float(self.min_power_w[row]),
            float(self.max_power_w[row]),
        )

    def columns(self) -> ChannelColumns:
        """All channels, for the kernels."""
        return ChannelColumns(
            **{name: getattr(self, name) for name in ChannelColumns._fields}
        )

    def take(self, rows: Ints | slice) -> ChannelGames:
        """The games of the given rows."""
        return ChannelGames(**{k: v[rows] for k, v in vars(self).items()})


_PER_PAIR = ("pairs", "bs_gain", "noise", "price_scale", "min_price", "max_price")
"""Fields with one number per pair; the others have one per channel."""


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
    links = [
        _links(s, c, np.arange(s.num_pairs), int(i))
        for i, (s, c) in enumerate(zip(scenarios, channels, strict=True))
        if s.num_pairs
    ]
    if not links:
        return {}
    flat = {name: np.concatenate([link[name] for link in links]) for name in links[0]}
    coupling, first, width = _all_couplings(scenarios, channels)
    # A channel is a run of equal (scenario, channel) once the pairs are sorted.
    order = np.lexsort((flat["pairs"], flat["channel"], flat["scenario_index"]))
    scenario, channel = flat["scenario_index"][order], flat["channel"][order]
    starts = np.flatnonzero(
        np.r_[True, (np.diff(scenario) != 0) | (np.diff(channel) != 0)]
    )
    sizes = np.diff(np.r_[starts, len(order)])
    games: dict[int, ChannelGames] = {}
    for k in np.unique(sizes):
        at = order[starts[sizes == k][:, None] + np.arange(k)]
        owner = flat["scenario_index"][at[:, 0]]
        pairs = flat["pairs"][at]
        receiver = first[owner][:, None] + pairs * width[owner][:, None]
        cross = coupling[receiver[:, :, None] + pairs[:, None, :]]
        columns = {
            name: values[at] if name in _PER_PAIR else values[at[:, 0]]
            for name, values in flat.items()
        }
        games[int(k)] = ChannelGames(coupling=cross, **columns)
    return games


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
    """Games of a scenario on n channels [n] with the pairs [n, K]."""
    n, k = pairs.shape
    flat = _links(s, np.repeat(channel, k), pairs.ravel(), index)
    return ChannelGames(
        coupling=_couplings(s, channel, pairs),
        **{
            name: values.reshape(n, k) if name in _PER_PAIR else values[::k]
            for name, values in flat.items()
        },
    )


def _links(
    s: Scenario, channel: Ints, pairs: Ints, index: int
) -> dict[str, np.ndarray]:
    """The fields of `ChannelGames` but the coupling, per (channel, pair) [links]."""
    own = s.gain_d2d[pairs] if s.gain_d2d.ndim == 1 else s.gain_d2d[channel, pairs]
    to_bs = (
        s.gain_d2d_to_bs[pairs]
        if s.gain_d2d_to_bs.ndim == 1
        else s.gain_d2d_to_bs[channel, pairs]
    )
    heard = s.cellular_power_w[channel] * s.gain_cellular_to_d2d[channel, pairs]
    links = len(pairs)
    if isinstance(s.price_bounds, FixedPriceBounds):
        low, high = s.price_bounds.min[pairs], s.price_bounds.max[pairs]
    else:
        low, high = np.zeros(links), np.full(links, np.inf)
    return {
        "scenario_index": np.full(links, index, dtype=np.int64),
        "channel": channel,
        "pairs": pairs,
        "cellular_snr": s.received_cellular_power_w[channel] / s.noise_power_w,
        "bs_gain": to_bs / s.noise_power_w,
        "noise": (s.noise_power_w + heard) / own,
        "price_scale": s.spend_scale / to_bs,
        "follower_price_weight": np.full(links, s.follower_price_weight),
        "leader_revenue_weight": np.full(links, s.leader_revenue_weight),
        "spend_scale": np.full(links, s.spend_scale),
        "min_power_w": np.full(links, s.min_power_w),
        "max_power_w": np.full(links, s.max_power_w),
        "min_price": low,
        "max_price": high,
        "fixed_bounds": np.full(
            links, isinstance(s.price_bounds, FixedPriceBounds), dtype=np.bool_
        ),
    }


def _couplings(s: Scenario, channel: Ints, pairs: Ints) -> Floats:
    """F [n, K, K] (receiver, transmitter) of the pairs [n, K] on the channels [n]."""
    k = pairs.shape[1]
    transmitter, receiver = pairs[:, None, :], pairs[:, :, None]
    if s.gain_d2d_to_d2d.ndim == 2:
        cross = s.gain_d2d_to_d2d[transmitter, receiver]
    else:
        cross = s.gain_d2d_to_d2d[channel[:, None, None], transmitter, receiver]
    own = (
        s.gain_d2d[pairs]
        if s.gain_d2d.ndim == 1
        else s.gain_d2d[channel[:, None], pairs]
    )
    coupling = cross / own[:, :, None]
    coupling[:, np.arange(k), np.arange(k)] = 0.0
    return coupling


def _all_couplings(
    scenarios: Sequence[Scenario], channels: Sequence[Ints]
) -> tuple[Floats, Ints, Ints]:
    """Couplings of every two pairs on the receiver's channel, in one flat array.

    Entry first[s] + receiver * width[s] + transmitter, meaningful where both share the
    channel. One gather per scenario, whatever its channels' sizes.
    """
    parts: list[Floats] = []
    for s, channel in zip(scenarios, channels, strict=True):
        at = np.arange(s.num_pairs)
        if s.gain_d2d_to_d2d.ndim == 2:
            cross = s.gain_d2d_to_d2d.T
        else:
            cross = s.gain_d2d_to_d2d[channel[:, None], at[None, :], at[:, None]]
        own = s.gain_d2d if s.gain_d2d.ndim == 1 else s.gain_d2d[channel, at]
        coupling = cross / own[:, None]
        coupling[at, at] = 0.0
        parts.append(coupling.ravel())
    width = np.array([s.num_pairs for s in scenarios], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(width**2)[:-1]])
    return np.concatenate(parts), first, width
