"""What is proved about given channels, prices and powers, whoever computed them.

Written against the scenario alone, in plain NumPy and float64: regrets, violations and
utilities are computed here from the raw gains and share no code with the solvers. The
upper bound on the leader's utility is branch and bound's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from stackelberg.errors import DomainError
from stackelberg.game import Certificate, CertificateRow
from stackelberg.game.numbers import real_number
from stackelberg.spectrum.channel_game import channel_games
from stackelberg.spectrum.follower import follower_equilibrium, positive_prices
from stackelberg.spectrum.leader_bound import prove_games
from stackelberg.spectrum.rates import Outcome, outcome, rate_bps
from stackelberg.spectrum.scenario import FixedPriceBounds, Floats, Ints, Scenario
from stackelberg.spectrum.settled import settled_utility

Concept: TypeAlias = Literal["bilevel", "iterated", "published"]

EXACT = 1e-9
"""Relative size up to which a regret or violation that ought to be zero is rounding."""

MOST_BOXES = 10**9
"""Boxes that may be asked for: at microseconds each, an hour and more."""


@dataclass(frozen=True, eq=False)
class SpectrumCertificate(Certificate):
    """Numbers that say how good a spectrum outcome is.

    Attributes:
        follower_regret: most any pair gains by changing its own power, bit/s. Exact.
        follower_regret_relative: the same as a share of that pair's own rate.
        price_regret: most the leader gains by changing one price while the other
            pairs' powers stay put, bit/s. Exact. Zero certifies the `iterated` concept
            only: with two or more pairs on a channel it is no Stackelberg equilibrium.
        price_regret_relative: the same as a share of the leader's utility.
        bilevel_bound: no prices give the leader more, at this channel allocation, with
            the followers at equilibrium (the best one for the leader); bit/s.
        bilevel_gap: (bilevel_bound - leader utility) / leader utility, where the
            followers settle if that is less than at the given powers (`settled`).
        bound_origin: how `bilevel_bound` was proved.
        power_violation: largest step outside the power limits, relative to the
            greatest power.
        price_violation: largest step outside the price bounds, relative to the bound.
        utility_error: largest difference between a stated utility or rate and its
            recomputed value, relative to the largest of its kind.
        spectral_radius: largest rho(F) over the channels; below 1 best response
            converges.
        p_matrix: 1 if the followers' equilibrium is unique on every channel at all
            prices, 0 if on some channel it is not, -1 if not decided.
        num_equilibria: followers' equilibria at these prices per channel [M]; -1 where
            not counted.
    """

    follower_regret: float
    follower_regret_relative: float
    price_regret: float
    price_regret_relative: float
    bilevel_bound: float
    bilevel_gap: float
    bound_origin: str
    power_violation: float
    price_violation: float
    utility_error: float
    spectral_radius: float
    p_matrix: int
    num_equilibria: Ints

    def rows(self) -> tuple[CertificateRow, ...]:
        """The numbers, in the order a reader wants them."""
        counted = self.num_equilibria[self.num_equilibria >= 0]
        most = float(counted.max()) if len(counted) else float("nan")
        return tuple(
            CertificateRow(*row)
            for row in (
                ("follower_regret", self.follower_regret, "bit/s",
                 "most a pair gains by changing its own power"),
                ("follower_regret_relative", self.follower_regret_relative, "",
                 "the same as a share of the pair's rate"),
                ("price_regret", self.price_regret, "bit/s",
                 "most the leader gains by one price, other powers held fixed "
                 "(for the iterated concept; no promise of bilevel)"),
                ("bilevel_bound", self.bilevel_bound, "bit/s",
                 f"no prices give the leader more ({self.bound_origin})"),
                ("bilevel_gap", self.bilevel_gap, "",
                 "distance to that bound as a share of the leader's utility"),
                ("power_violation", self.power_violation, "",
                 "largest step outside the power limits"),
                ("price_violation", self.price_violation, "",
                 "largest step outside the price bounds"),
                ("utility_error", self.utility_error, "",
                 "stated against recomputed utilities"),
                ("spectral_radius", self.spectral_radius, "",
                 "coupling of the pairs; below 1 best response converges"),
                ("num_equilibria", most, "",
                 "most followers' equilibria counted on a channel"),
            )
        )  # fmt: skip

    def holds(self, tolerance: float = 1e-4, concept: Concept = "bilevel") -> bool:
        """Whether every number that `concept` promises is within `tolerance`.

        Always: no violation, stated utilities true, followers at equilibrium (each to
        `EXACT`). Then `bilevel`: the bilevel gap; `iterated`: the relative price
        regret; `published` promises nothing more.
        """
        sound = (
            self.power_violation <= EXACT
            and self.price_violation <= EXACT
            and self.utility_error <= EXACT
            and self.follower_regret_relative <= EXACT
        )
        if concept == "bilevel":
            # A bound below what was reached is no bound.
            return sound and -EXACT <= self.bilevel_gap <= tolerance
        if concept == "iterated":
            return sound and self.price_regret_relative <= tolerance
        return sound


@dataclass(frozen=True)
class LeaderBound:
    """A proved upper bound on the leader's utility over all channels.

    Attributes:
        value: bit/s.
        origin: how it was proved.
        boxes: boxes of branch and bound.
    """

    value: float
    origin: str
    boxes: int


@np.errstate(all="ignore")  # what overflows proves nothing, and says so
def certify(
    scenario: Scenario,
    value: Outcome,
    *,
    tolerance: float = 1e-4,
    max_boxes: int = 200_000,
    bound: LeaderBound | None = None,
) -> SpectrumCertificate:
    """Certify anybody's channels, prices and powers.

    Args:
        scenario: the cell; its own `channel` is not used.
        value: what to certify. Utilities and rates in it are checked, not believed.
        tolerance: relative gap at which the search for a bound may stop.
        max_boxes: boxes of branch and bound allowed per channel.
        bound: a bound already proved for this scenario and these channels; by default
            it is computed.

    Raises:
        ShapeError: if `value` does not fit the scenario.
        DomainError: if a price or power in it is out of its domain.
    """
    check_effort(tolerance, max_boxes)
    scenario = scenario.with_channel(value.channel)
    price = positive_prices(scenario, value.reuse_price)
    truth = outcome(scenario, value.channel, price, value.transmit_power_w)
    power = truth.transmit_power_w
    channels = list(_channels(scenario, price, power))
    regret, relative = _follower_regret(scenario, channels)
    price_regret = max((channel.price_regret() for channel in channels), default=0.0)
    if bound is None:
        bound = bound_leader(scenario, truth, tolerance, max_boxes)
    game = follower_equilibrium(scenario, price, choice="first")
    utility = truth.leader_utility
    settled = settled_utility(scenario, price, power)
    reached = settled if settled < utility - EXACT * abs(utility) else utility
    return SpectrumCertificate(
        follower_regret=regret,
        follower_regret_relative=relative,
        price_regret=price_regret,
        price_regret_relative=_share(price_regret, utility),
        bilevel_bound=bound.value,
        bilevel_gap=_share(bound.value - reached, reached),
        bound_origin=bound.origin,
        power_violation=_outside(
            power, scenario.min_power_w, scenario.max_power_w, scenario.max_power_w
        ),
        price_violation=_price_violation(channels),
        utility_error=_utility_error(value, truth),
        spectral_radius=float(game.spectral_radius.max(initial=0.0)),
        p_matrix=int(game.p_matrix.min(initial=1)),
        num_equilibria=game.num_equilibria,
    )


def check_effort(tolerance: float, max_boxes: int) -> None:
    """Refuse a gap or a number of boxes that makes no sense.

    Raises:
        DomainError: if `tolerance` is not between 0 and 1, or `max_boxes` not a whole
            number from 1 to `MOST_BOXES`.
    """
    if not 0.0 < real_number("tolerance", tolerance) < 1.0:
        raise DomainError(
            "tolerance", expected="a number between 0 and 1", got=tolerance
        )
    if not 1 <= max_boxes <= MOST_BOXES:
        raise DomainError(
            "max_boxes",
            expected=f"a whole number from 1 to {MOST_BOXES}",
            got=max_boxes,
        )


def bound_leader(
    scenario: Scenario, value: Outcome, tolerance: float, max_boxes: int
) -> LeaderBound:
    """Upper bound on the leader's utility at the allocation of `value`."""
    total = _empty_channel_rate(scenario, value.channel)
    boxes = 0
    for games in channel_games([scenario], [value.channel]).values():
        proof = prove_games(
            games,
            value.reuse_price[games.pairs],
            np.clip(
                value.transmit_power_w[games.pairs],
                scenario.min_power_w,
                scenario.max_power_w,
            ),
            tolerance,
            max_boxes,
        )
        total += float(proof.upper_bound.sum())
        boxes += int(proof.boxes.sum())
    return LeaderBound(total, f"branch and bound, {boxes} boxes", boxes)


def _share(part: float, whole: float) -> float:
    """`part` relative to `whole`; infinite where something is missed and none had."""
    if whole == 0.0:
        return float("inf") if part > 0.0 else 0.0
    return part / abs(whole)


def _empty_channel_rate(scenario: Scenario, channel: Ints) -> float:
    empty = np.setdiff1d(np.arange(scenario.num_channels), channel)
    snr = scenario.received_cellular_power_w[empty] / scenario.noise_power_w
    return float(rate_bps(scenario.bandwidth_hz, snr).sum())


@dataclass(frozen=True, eq=False)
class _Channel:
    """One channel in raw quantities; K pairs."""

    scenario: Scenario
    cellular_w: float
    to_bs: Floats
    s: Floats  # (noise + interference) / own gain, at the actual powers
    price: Floats
    power: Floats
    least: Floats
    most: Floats

    def best_response(self, price: Floats, j: int) -> Floats:
        wish = self.scenario.spend_scale / (price * self.to_bs[j]) - self.s[j]
        return np.clip(wish, self.scenario.min_power_w, self.scenario.max_power_w)

    def utility(self, price: Floats, power: Floats, j: int) -> Floats:
        """Leader utility of the channel with pair j at other prices and powers."""
        received = self.power * self.to_bs
        others = received.sum() - received[j]
        paid = (received * self.price).sum() - received[j] * self.price[j]
        heard = self.scenario.noise_power_w + others + power * self.to_bs[j]
        rate = rate_bps(self.scenario.bandwidth_hz, self.cellular_w / heard)
        revenue = paid + price * power * self.to_bs[j]
        return rate + self.scenario.leader_revenue_weight * revenue

    def price_regret(self) -> float:
        """Most gained by one price: exact, over every candidate for a maximum.

        Between the knees the stationary prices are the roots of the quadratic under
        (33); outside them the utility is linear in the price.
        """
        s, b = self.scenario, self.scenario.spend_scale
        most = 0.0
        for j in range(len(self.price)):
            offset = -self.s[j] * self.to_bs[j]
            received = self.power * self.to_bs
            residual = offset + s.noise_power_w + received.sum() - received[j]
            a, d = self.cellular_w, residual
            q = s.follower_price_weight * a / (s.leader_revenue_weight * offset)
            # In units of B / -offset, so that the coefficients are near one.
            unit = b / -offset
            roots = _quadratic_roots(
                d * (d + a) / offset**2, (2.0 * d + a) / -offset, 1.0 + q
            )
            knees = b / (self.to_bs[j] * (np.array([s.min_power_w, s.max_power_w])
                                          + self.s[j]))  # fmt: skip
            candidates = np.concatenate(
                [
                    roots * unit,
                    knees,
                    [self.least[j], self.most[j]],
                ]
            )
            candidates = np.clip(candidates, self.least[j], self.most[j])
            reached = self.utility(candidates, self.best_response(candidates, j), j)
            held = self.utility(self.price[j : j + 1], self.power[j : j + 1], j)[0]
            most = max(most, float(reached.max() - held))
        return most


def _quadratic_roots(square: float, linear: float, constant: float) -> Floats:
    """Real roots of square x^2 + linear x + constant, without cancellation."""
    discriminant = linear * linear - 4.0 * square * constant
    if discriminant < 0.0:
        return np.empty(0)
    half = -0.5 * (linear + math.copysign(math.sqrt(discriminant), linear))
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.divide([half, constant], [square, half])
    return roots[np.isfinite(roots)]


def _channels(scenario: Scenario, price: Floats, power: Floats) -> Iterator[_Channel]:
    assert scenario.channel is not None  # narrowing: certify assigned it
    for i in np.unique(scenario.channel):
        on = np.flatnonzero(scenario.channel == i)
        cross = scenario.cross_gain(int(i))[np.ix_(on, on)].copy()
        np.fill_diagonal(cross, 0.0)
        heard = (
            scenario.noise_power_w
            + scenario.cellular_power_w[i] * scenario.gain_cellular_to_d2d[i, on]
            + power[on] @ cross
        )
        s = heard / scenario.own_gain(int(i))[on]
        to_bs = scenario.gain_to_bs(int(i))[on]
        if isinstance(scenario.price_bounds, FixedPriceBounds):
            least = scenario.price_bounds.min[on]
            most = scenario.price_bounds.max[on]
        else:
            least = scenario.spend_scale / (to_bs * (scenario.max_power_w + s))
            most = scenario.spend_scale / (to_bs * (scenario.min_power_w + s))
        yield _Channel(
            scenario=scenario,
            cellular_w=float(scenario.received_cellular_power_w[i]),
            to_bs=to_bs,
            s=s,
            price=price[on],
            power=power[on],
            least=least,
            most=most,
        )


def _follower_regret(
    scenario: Scenario, channels: Sequence[_Channel]
) -> tuple[float, float]:
    worst, relative = 0.0, 0.0
    for channel in channels:
        for j, (alpha, p) in enumerate(zip(channel.price, channel.power, strict=True)):
            best = channel.best_response(np.array([alpha]), j)[0]
            s, fee = channel.s[j], alpha * channel.to_bs[j]
            # log((best + s)/(p + s)) without subtracting two rates.
            gain = rate_bps(scenario.bandwidth_hz, (best - p) / (p + s)) - (
                scenario.follower_price_weight * fee * (best - p)
            )
            rate = rate_bps(scenario.bandwidth_hz, max(p, best) / s)
            if math.isnan(gain):
                return math.inf, math.inf
            worst = max(worst, float(gain))
            relative = max(relative, float(gain / rate) if rate > 0.0 else 0.0)
    return worst, relative


def _price_violation(channels: Sequence[_Channel]) -> float:
    return max(
        (
            max(
                float(np.max(1.0 - channel.price / channel.least, initial=0.0)),
                float(np.max(channel.price / channel.most - 1.0, initial=0.0)),
            )
            for channel in channels
        ),
        default=0.0,
    )


def _outside(
    values: Floats, low: npt.ArrayLike, high: npt.ArrayLike, scale: float
) -> float:
    excess = np.maximum(np.asarray(low) - values, values - np.asarray(high))
    return float(excess.max(initial=0.0) / scale)


def _utility_error(stated: Outcome, truth: Outcome) -> float:
    worst = 0.0
    for name in (
        "leader_utility",
        "follower_utility",
        "cellular_rate_bps",
        "d2d_rate_bps",
    ):
        right = np.atleast_1d(getattr(truth, name))
        said = np.atleast_1d(np.asarray(getattr(stated, name), dtype=np.float64))
        if said.shape != right.shape or not np.isfinite(said).all():
            return float("inf")
        scale = np.abs(right).max(initial=0.0)
        error = np.abs(said - right).max(initial=0.0)
        worst = max(worst, float(error / scale) if scale > 0.0 else float(error))
    return worst
