"""What an answer looks like, in the scenario's own numbers.

Who sits at a power limit, whether the price box binds and what it costs, how flat the
optimum is, what pairs pay, what prices follow, how many pairs share a channel and what
a cap on that costs: the facts of theory section 4, measured instead of quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from stackelberg.errors import DomainError
from stackelberg.spectrum.allocation_values import single_level_values
from stackelberg.spectrum.assignment import assign_channels
from stackelberg.spectrum.channel_game import channel_games
from stackelberg.spectrum.follower import follower_equilibrium
from stackelberg.spectrum.price_box import gains, implied_price, price_box
from stackelberg.spectrum.rates import Outcome, outcome, payments
from stackelberg.spectrum.scenario import FixedPriceBounds, Floats, Ints, Scenario
from stackelberg.spectrum.solve import solve
from stackelberg.units import from_db, to_db

AT_LIMIT = 1e-6
"""A power within this share of the power range of a limit counts as at it."""

AT_BOUND = 1e-9
"""A price within this share of a bound counts as at it."""

PAST_BOUND_DB = 10.0
"""How far `describe` lets prices go past their upper bounds to price those bounds."""

SHIFTS_DB = (-3.0, -1.0, 1.0, 3.0)

USUAL_CAPS = (1, 2, 3, 4, 6)

Moved: TypeAlias = Literal["interior", "at_limit"]


@dataclass(frozen=True)
class LimitCount:
    """Where the powers of the pairs sit, on channels with one number of pairs.

    Attributes:
        pairs_on_channel: K.
        pairs: how many pairs are on such channels.
        at_min: of them, how many at the least power.
        at_max: of them, how many at the greatest power.
        interior: of them, how many between.
    """

    pairs_on_channel: int
    pairs: int
    at_min: int
    at_max: int
    interior: int


@dataclass(frozen=True)
class Flatness:
    """What the leader loses when powers are moved off the answer, prices following.

    Attributes:
        moved: `interior`, the powers between their limits; or `at_limit`, those at a
            limit, moved inwards.
        shift_db: by how much. Powers stop at their limits.
        pairs: how many powers moved.
        lost: share of the leader utility lost; negative if it gains.
    """

    moved: Moved
    shift_db: float
    pairs: int
    lost: float


@dataclass(frozen=True)
class CapCost:
    """What a cap on pairs per channel leaves, channels assigned anew under it.

    Attributes:
        cap: most pairs on a channel.
        leader_utility: by `assign_channels`, bit/s.
        gain: over the leader utility of the answer described, as a share of it.
        used_channels: how many channels carry pairs.
        method: of `assign_channels`.
    """

    cap: int
    leader_utility: float
    gain: float
    used_channels: int
    method: str


@dataclass(frozen=True, eq=False)
class Insight:
    """What an answer looks like. Shares are of 1, not per cent; NaN where undefined.

    Attributes:
        leader_utility: of the answer, bit/s.
        at_min_power: numbers of the pairs at the least power (within `AT_LIMIT` of the
            power range), ascending.
        at_max_power: those at the greatest power.
        interior: all others.
        limits_by_occupancy: the same counted by pairs per channel, ascending.
        at_max_price: numbers of the pairs whose price is at its upper bound (within
            `AT_BOUND`), at the others' actual powers.
        at_min_price: those at the lower bound.
        past_bound_db: how far prices may go past their bounds for the next number.
        past_bound_gain: what the leader's optimum at these channels gains then, by
            local search, as a share of the answer's leader utility. Interference
            bounds: p_min falls by `past_bound_db`, and the box's end rises with it;
            fixed bounds: every max rises by it.
        flatness: what moved powers cost.
        one_db_lost: share of the leader utility lost when one pair's power alone
            falls, rises by 1 dB [N, 2], prices following; NaN past a limit.
        spend_share: payment of each pair over B, the most an unclipped pair pays [N].
        price_gain_correlation: of ln price with ln gain to the base station.
        gain_spread_db: greatest over least gain to the base station.
        price_spread_db: greatest over least price.
        pairs_per_channel: [M].
        caps: what caps cost; empty where not asked for.
    """

    leader_utility: float
    at_min_power: tuple[int, ...]
    at_max_power: tuple[int, ...]
    interior: tuple[int, ...]
    limits_by_occupancy: tuple[LimitCount, ...]
    at_max_price: tuple[int, ...]
    at_min_price: tuple[int, ...]
    past_bound_db: float
    past_bound_gain: float
    flatness: tuple[Flatness, ...]
    one_db_lost: Floats
    spend_share: Floats
    price_gain_correlation: float
    gain_spread_db: float
    price_spread_db: float
    pairs_per_channel: Ints
    caps: tuple[CapCost, ...]

    @property
    def num_pairs(self) -> int:
        """N."""
        return len(self.spend_share)


def describe(
    scenario: Scenario,
    answer: Outcome,
    *,
    caps: Sequence[int] = (),
    past_bound_db: float = PAST_BOUND_DB,
    seed: int = 0,
    restarts: int = 1,
) -> Insight:
    """Say what an answer looks like.

    Args:
        scenario: the cell; its own `channel` is not used.
        answer: what was reached, by any method with all powers within their limits.
        caps: caps on pairs per channel to assign channels anew under, for instance
            `USUAL_CAPS`; a cap too small for all pairs is left out. Takes up to
            seconds; none by default.
        past_bound_db: how far past their bounds to let prices go, > 0.
        seed: of the assignments.
        restarts: of the assignments.

    Raises:
        ShapeError: if `answer` does not fit the scenario.
        DomainError: if a power is outside its limits (`no_reuse` is no answer of the
            game), or `past_bound_db` is not positive.
    """
    if not 0.0 < past_bound_db < np.inf:
        raise DomainError(
            "past_bound_db", expected="a finite number of dB > 0", got=past_bound_db
        )
    scenario = scenario.with_channel(answer.channel)
    _refuse_outside(scenario, answer.transmit_power_w)
    low, high = at_power_limits(scenario, answer.transmit_power_w)
    least, most = price_box(scenario, answer.channel, answer.transmit_power_w)
    _, to_bs = gains(scenario, answer.channel)
    paid = payments(
        scenario, answer.channel, answer.reuse_price, answer.transmit_power_w
    )
    occupied = np.bincount(answer.channel, minlength=scenario.num_channels)
    return Insight(
        leader_utility=answer.leader_utility,
        at_min_power=_numbers(low),
        at_max_power=_numbers(high),
        interior=_numbers(~(low | high)),
        limits_by_occupancy=_limits_by_occupancy(occupied[answer.channel], low, high),
        at_max_price=_numbers(answer.reuse_price >= most * (1.0 - AT_BOUND)),
        at_min_price=_numbers(answer.reuse_price <= least * (1.0 + AT_BOUND)),
        past_bound_db=past_bound_db,
        past_bound_gain=_past_bound_gain(scenario, answer, from_db(past_bound_db)),
        flatness=_flatness(scenario, answer, low, high),
        one_db_lost=_one_db_lost(scenario, answer),
        spend_share=paid / scenario.spend_scale,
        price_gain_correlation=_correlation(np.log(answer.reuse_price), np.log(to_bs)),
        gain_spread_db=_spread_db(to_bs),
        price_spread_db=_spread_db(answer.reuse_price),
        pairs_per_channel=occupied,
        caps=_cap_costs(scenario, answer, caps, seed, restarts),
    )


def at_power_limits(
    scenario: Scenario, transmit_power_w: Floats
) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs are at the least power, and which at the greatest, [N] each."""
    near = AT_LIMIT * (scenario.max_power_w - scenario.min_power_w)
    return (
        transmit_power_w <= scenario.min_power_w + near,
        transmit_power_w >= scenario.max_power_w - near,
    )


def _refuse_outside(scenario: Scenario, power: Floats) -> None:
    slack = AT_BOUND * scenario.max_power_w
    outside = np.flatnonzero(
        (power < scenario.min_power_w - slack) | (power > scenario.max_power_w + slack)
    )
    if len(outside):
        raise DomainError(
            f"transmit_power_w[{outside[0]}]",
            expected=f"a power between min_power_w = {scenario.min_power_w:g} and "
            f"max_power_w = {scenario.max_power_w:g}",
            got=float(power[outside[0]]),
        )


def _numbers(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(j) for j in np.flatnonzero(mask))


def _limits_by_occupancy(
    company: Ints, low: np.ndarray, high: np.ndarray
) -> tuple[LimitCount, ...]:
    """Counts per K, where `company` [N] is the number of pairs on a pair's channel."""
    counts: list[LimitCount] = []
    for k in np.unique(company):
        on = company == k
        at_min, at_max = int((low & on).sum()), int((high & on).sum())
        total = int(on.sum())
        counts.append(
            LimitCount(int(k), total, at_min, at_max, total - at_min - at_max)
        )
    return tuple(counts)


def _past_bound_gain(scenario: Scenario, answer: Outcome, factor: float) -> float:
    """What the leader's local optimum gains when prices may rise by `factor`."""
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        wide = scenario.replace(
            price_bounds=FixedPriceBounds(bounds.min, factor * bounds.max)
        )
        inside, past = (
            solve(s, max_boxes=1).value.leader_utility for s in (scenario, wide)
        )
    else:
        wide = scenario.replace(min_power_w=scenario.min_power_w / factor)
        inside, past = (_occupied_utility(s) for s in (scenario, wide))
    # More prices to choose from cannot hurt; what a local search misses is no loss.
    return _share(max(past - inside, 0.0), answer.leader_utility)


def _occupied_utility(scenario: Scenario) -> float:
    """Leader utility of the channels with pairs, by local search, bit/s."""
    assert scenario.channel is not None  # narrowing: describe assigned it
    return sum(
        float(single_level_values(games).sum()) * scenario.spend_scale
        for games in channel_games([scenario], [scenario.channel]).values()
    )


def _moved(scenario: Scenario, answer: Outcome, power: Floats) -> float:
    """Share of the leader utility lost at other powers, with the prices they need."""
    power = np.clip(power, scenario.min_power_w, scenario.max_power_w)
    price = implied_price(scenario, answer.channel, power)
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        # At a power limit many prices give the same power: keep the answer's.
        held = power == answer.transmit_power_w
        price = np.where(held, answer.reuse_price, price)
        price = np.clip(price, bounds.min, bounds.max)
        power = follower_equilibrium(scenario, price).transmit_power_w
    reached = outcome(scenario, answer.channel, price, power).leader_utility
    return _share(answer.leader_utility - reached, answer.leader_utility)


def _flatness(
    scenario: Scenario, answer: Outcome, low: np.ndarray, high: np.ndarray
) -> tuple[Flatness, ...]:
    power = answer.transmit_power_w
    inside = ~(low | high)
    rows: list[Flatness] = []
    if inside.any():
        for shift in SHIFTS_DB:
            moved = np.where(inside, power * from_db(shift), power)
            lost = _moved(scenario, answer, moved)
            rows.append(Flatness("interior", shift, int(inside.sum()), lost))
    # From p_min = 0 no number of dB leads away.
    from_low = low & (power > 0.0)
    if (from_low | high).any():
        for shift in (1.0, 3.0):
            moved = np.where(from_low, power * from_db(shift), power)
            moved = np.where(high & ~low, power / from_db(shift), moved)
            lost = _moved(scenario, answer, moved)
            rows.append(Flatness("at_limit", shift, int((from_low | high).sum()), lost))
    return tuple(rows)


def _one_db_lost(scenario: Scenario, answer: Outcome) -> Floats:
    lost = np.full((scenario.num_pairs, 2), np.nan)
    slack = AT_LIMIT * (scenario.max_power_w - scenario.min_power_w)
    for j in range(scenario.num_pairs):
        for column, factor in enumerate((1.0 / from_db(1.0), from_db(1.0))):
            power = answer.transmit_power_w.copy()
            power[j] *= factor
            within = (
                scenario.min_power_w - slack <= power[j] <= scenario.max_power_w + slack
            )
            if within and answer.transmit_power_w[j] > 0.0:
                lost[j, column] = _moved(scenario, answer, power)
    return lost


def _correlation(x: Floats, y: Floats) -> float:
    if len(x) < 3 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _spread_db(values: Floats) -> float:
    return float(to_db(values.max() / values.min())) if len(values) else float("nan")


def _share(part: float, whole: float) -> float:
    return part / abs(whole) if whole else 0.0


def _cap_costs(
    scenario: Scenario, answer: Outcome, caps: Sequence[int], seed: int, restarts: int
) -> tuple[CapCost, ...]:
    costs: list[CapCost] = []
    for cap in caps:
        if cap * scenario.num_channels < scenario.num_pairs:
            continue
        found = assign_channels(
            scenario, max_pairs_per_channel=cap, seed=seed, restarts=restarts
        )
        gained = found.leader_utility_estimate - answer.leader_utility
        costs.append(
            CapCost(
                cap=cap,
                leader_utility=found.leader_utility_estimate,
                gain=_share(gained, answer.leader_utility),
                used_channels=len(np.unique(found.channel)),
                method=found.method,
            )
        )
    return tuple(costs)
