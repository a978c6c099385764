"""By how much to raise all prices so that every cellular user keeps an SINR."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, log, log10

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.errors import DomainError
from stackelberg.spectrum.channel_game import channel_games
from stackelberg.spectrum.follower import follower_equilibrium, positive_prices
from stackelberg.spectrum.power_game import follow_path
from stackelberg.spectrum.price_box import price_box
from stackelberg.spectrum.rates import Outcome, links, outcome
from stackelberg.spectrum.scenario import Floats, Scenario

RESOLUTION_DB = 0.1
"""Step of the price scales tried before bisection. With several pairs on a channel a
higher price for all can let one of them speak up: feasible scales need not be all those
above the least, and a feasible stretch shorter than this step may be overlooked."""

AT_TARGET = 1e-6
"""A cellular SINR within this share of the target limits the scale."""

_SAFETY = 1e-12
_BISECTIONS = 100
_MAX_SCALES = 20_000


@dataclass(frozen=True, eq=False)
class Protection:
    """The least common price scale that keeps every cellular user's SINR.

    Attributes:
        min_cellular_sinr: what was asked, linear.
        possible: whether any scale does it.
        scale: times the prices given; 0 where even full power leaves every user its
            SINR; NaN where it is not possible.
        cellular_sinr: of every channel, linear [M]: at `scale`, or with all pairs at
            the least power where it is not possible.
        outcome: prices, the followers' powers and everybody's utility at `scale`; None
            where it is not possible.
        limiting_channels: channels whose SINR is at the target (within `AT_TARGET`);
            where it is not possible, those below it even at the least powers.
        hopeless_channels: channels below the target even with silent pairs.
        above_max_price: pairs whose scaled price is above its upper bound at their new
            powers. Under interference bounds such a pair is at its least power, and the
            bound itself would keep it there.
        below_min_price: pairs whose scaled price is under its lower bound.
        monotone: whether, on the scales tried, every scale above the least one will do
            as well.
        unique: whether the followers' equilibrium at the scaled prices is known to be
            the only one; if not, the one found by following the path is meant.
        resolution_db: step of the scales tried before bisection, dB.
    """

    min_cellular_sinr: float
    possible: bool
    scale: float
    cellular_sinr: Floats
    outcome: Outcome | None
    limiting_channels: tuple[int, ...]
    hopeless_channels: tuple[int, ...]
    above_max_price: tuple[int, ...]
    below_min_price: tuple[int, ...]
    monotone: bool
    unique: bool
    resolution_db: float


def protect(
    scenario: Scenario, answer: Outcome, min_cellular_sinr: float
) -> Protection:
    """Least factor on all prices at which every cellular user keeps an SINR.

    The followers answer scaled prices with their Nash equilibrium. Price bounds are not
    obeyed; the result says which would be crossed. The least power disturbs the base
    station least, so it is possible exactly if all pairs at `min_power_w` leave every
    user its SINR. Scales are tried in steps of at most `RESOLUTION_DB` (coarser past
    2,000 dB of range), from where some endangered channel has all pairs at full power
    to where all such channels have all at the least; then the first step that will do
    is bisected to rounding. The answer is evaluated anew at the scale found.

    Args:
        scenario: the cell; its own `channel` is not used.
        answer: channels and prices; its powers are not used.
        min_cellular_sinr: linear, > 0.

    Raises:
        ShapeError: if `answer` does not fit the scenario.
        DomainError: if the SINR is not positive and finite, or a price is not.
    """
    if not 0.0 < min_cellular_sinr < np.inf:
        raise DomainError(
            "min_cellular_sinr",
            expected="a finite ratio > 0 (linear, not dB)",
            got=min_cellular_sinr,
        )
    scenario = scenario.with_channel(answer.channel)
    price = positive_prices(scenario, answer.reuse_price)
    quiet = _sinr_at(scenario, scenario.min_power_w)
    # Rounding of the verifying sum must not undo what the search found.
    target = min_cellular_sinr * (1.0 + _SAFETY)
    below = np.flatnonzero(quiet < target)
    silent = scenario.received_cellular_power_w / scenario.noise_power_w
    if len(below):
        return Protection(
            min_cellular_sinr=min_cellular_sinr,
            possible=False,
            scale=float("nan"),
            cellular_sinr=quiet,
            outcome=None,
            limiting_channels=_numbers(below),
            hopeless_channels=_numbers(np.flatnonzero(silent < target)),
            above_max_price=(),
            below_min_price=(),
            monotone=True,
            unique=True,
            resolution_db=RESOLUTION_DB,
        )
    endangered = _endangered(scenario, price, target)
    if not endangered:
        return _reached(scenario, price, 0.0, min_cellular_sinr, True, RESOLUTION_DB)
    scale, monotone, step_db = _least_scale(endangered, target)
    return _reached(scenario, price, scale, min_cellular_sinr, monotone, step_db)


@dataclass(frozen=True, eq=False)
class _Channel:
    """A channel that full power would push below the target; K pairs."""

    snr: float
    bs_gain: Floats  # 1/W
    noise: Floats
    coupling: Floats
    wish: Floats  # B / (price gain_to_bs): what is wanted over price scale, W
    low: float
    high: float

    def sinr(self, scale: Floats) -> Floats:
        """Of the cellular user at each scale."""
        heard = _heard(
            scale,
            self.wish,
            self.bs_gain,
            self.noise,
            self.coupling,
            self.low,
            self.high,
        )
        return self.snr / heard

    def range(self) -> tuple[float, float]:
        """Scales up to which all are at full power, and from which at the least."""
        loud = self.high + self.noise + self.coupling.sum(axis=1) * self.high
        quiet = self.low + self.noise + self.coupling.sum(axis=1) * self.low
        return float((self.wish / loud).min()), float((self.wish / quiet).max())


def _endangered(scenario: Scenario, price: Floats, target: float) -> list[_Channel]:
    assert scenario.channel is not None  # narrowing: protect assigned it
    loud = _sinr_at(scenario, scenario.max_power_w)
    found: list[_Channel] = []
    for games in channel_games([scenario], [scenario.channel]).values():
        for row in np.flatnonzero(loud[games.channel] < target):
            found.append(
                _Channel(
                    snr=float(games.cellular_snr[row]),
                    bs_gain=games.bs_gain[row],
                    noise=games.noise[row],
                    coupling=games.coupling[row],
                    wish=games.price_scale[row] / price[games.pairs[row]],
                    low=scenario.min_power_w,
                    high=scenario.max_power_w,
                )
            )
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def _heard(
    scale: Floats, wish: Floats, bs_gain: Floats, noise: Floats, coupling: Floats,
    low: float, high: float,
) -> Floats:  # fmt: skip
    """(N0 + interference) / N0 at the base station at each scale."""
    k = len(wish)
    target, power = np.empty(k), np.empty(k)
    heard = np.ones(len(scale))
    for x in range(len(scale)):
        for j in range(k):
            target[j] = wish[j] / scale[x] - noise[j]
        follow_path(target, coupling, low, high, power)
        for j in range(k):
            heard[x] += bs_gain[j] * power[j]
    return heard


def _least_scale(channels: list[_Channel], target: float) -> tuple[float, bool, float]:
    """Least scale that will do, whether all tried above it do, and the step in dB."""
    ranges = np.array([channel.range() for channel in channels])
    # At the first, some channel is still at full power; at the last, none speaks up.
    first, last = float(ranges[:, 0].max()), float(ranges[:, 1].max()) * (1.0 + 1e-9)
    span_db = 10.0 * log10(last / first)
    count = min(ceil(span_db / RESOLUTION_DB) + 1, _MAX_SCALES)
    scales = np.geomspace(first, last, count)
    good = np.all([channel.sinr(scales) >= target for channel in channels], axis=0)
    good[-1] = True  # the least powers, known to do; exact where the path rounds
    at = int(np.argmax(good))
    low, high = log(scales[max(at - 1, 0)]), log(scales[at])
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        scale = np.array([exp(middle)])
        if all(channel.sinr(scale)[0] >= target for channel in channels):
            high = middle
        else:
            low = middle
    return exp(high), bool(good[at:].all()), span_db / max(count - 1, 1)


def _reached(
    scenario: Scenario,
    price: Floats,
    scale: float,
    min_cellular_sinr: float,
    monotone: bool,
    step_db: float,
) -> Protection:
    """The followers' equilibrium at the scaled prices, evaluated anew."""
    assert scenario.channel is not None  # narrowing: protect assigned it
    scaled = scale * price
    if scale > 0.0:
        game = follower_equilibrium(scenario, scaled, choice="first")
        power, unique = game.transmit_power_w, bool((game.num_equilibria == 1).all())
    else:
        power, unique = np.full(scenario.num_pairs, scenario.max_power_w), True
    sinr = links(scenario, scenario.channel, power).cellular_sinr
    least, most = price_box(scenario, scenario.channel, power)
    at_target = sinr <= min_cellular_sinr * (1.0 + AT_TARGET)
    return Protection(
        min_cellular_sinr=min_cellular_sinr,
        possible=bool((sinr >= min_cellular_sinr).all()),
        scale=scale,
        cellular_sinr=sinr,
        outcome=outcome(scenario, scenario.channel, scaled, power),
        limiting_channels=_numbers(np.flatnonzero(at_target)),
        hopeless_channels=(),
        above_max_price=_numbers(np.flatnonzero(scaled > most * (1.0 + 1e-9))),
        below_min_price=_numbers(np.flatnonzero(scaled < least * (1.0 - 1e-9))),
        monotone=monotone,
        unique=unique,
        resolution_db=step_db,
    )


def _sinr_at(scenario: Scenario, power_w: float) -> Floats:
    """Cellular SINR of every channel with all pairs at one power [M]."""
    power = np.full(scenario.num_pairs, power_w)
    assert scenario.channel is not None  # narrowing: protect assigned it
    return links(scenario, scenario.channel, power).cellular_sinr


def _numbers(found: npt.NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(int(x) for x in found)
