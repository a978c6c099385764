"""What reuse does to each cellular user, and whom the leader gives up for payments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stackelberg.report.numbers import (
    counted,
    listed,
    shown_percent,
    shown_rate,
    significant,
)
from stackelberg.report.spectrum.data import CellularRecord
from stackelberg.spectrum import FixedPriceBounds, Outcome, Scenario, links
from stackelberg.spectrum.rates import payments, rate_bps
from stackelberg.units import to_db, to_dbm

USABLE_DB = 5.0
"""SINR below which a cellular user is counted as badly served, dB."""

REFUSAL = 1e-6
"""Share of the leader utility by which no reuse at all must be better to be told."""

DECODABLE_DB = 0.0
"""SINR below which interference and noise drown a cellular user, dB."""


def cellular_records(scenario: Scenario, answer: Outcome) -> tuple[CellularRecord, ...]:
    """Every cellular user with and without reuse; the scenario's `channel` is not used.

    Payments are weighted as in the leader's utility, so that they compare with rates.
    """
    every_pair = np.ones(scenario.num_pairs)
    heard, quiet, loud = (
        links(scenario, answer.channel, power).cellular_sinr
        for power in (
            answer.transmit_power_w,
            scenario.min_power_w * every_pair,
            scenario.max_power_w * every_pair,
        )
    )
    alone = scenario.received_cellular_power_w / scenario.noise_power_w
    rate_alone = rate_bps(scenario.bandwidth_hz, alone)
    paid = payments(
        scenario, answer.channel, answer.reuse_price, answer.transmit_power_w
    )
    worth = scenario.leader_revenue_weight * np.bincount(
        answer.channel, weights=paid, minlength=scenario.num_channels
    )
    pairs_on = np.bincount(answer.channel, minlength=scenario.num_channels)
    with np.errstate(divide="ignore"):
        alone_db, sinr_db, quiet_db, loud_db = (
            to_db(sinr) for sinr in (alone, heard, quiet, loud)
        )
    return tuple(
        CellularRecord(
            channel=i,
            pairs=int(pairs_on[i]),
            sinr_alone_db=float(alone_db[i]),
            sinr_db=float(sinr_db[i]),
            least_power_sinr_db=float(quiet_db[i]),
            full_power_sinr_db=float(loud_db[i]),
            rate_alone_bps=float(rate_alone[i]),
            rate_bps=float(answer.cellular_rate_bps[i]),
            payments_worth_bps=float(worth[i]),
        )
        for i in range(scenario.num_channels)
    )


def sacrificed(users: Sequence[CellularRecord]) -> list[CellularRecord]:
    """Users below `USABLE_DB` whose pairs' payments outweigh the rate they lose."""
    return [
        user
        for user in users
        if user.pairs
        and user.sinr_db < USABLE_DB
        and user.sinr_db < user.sinr_alone_db
        and user.payments_worth_bps > user.rate_alone_bps - user.rate_bps
    ]


def sinr_sentence(users: Sequence[CellularRecord]) -> str:
    """Median and worst SINR without reuse, with free reuse and at the prices."""
    without, free, priced = (
        _median_and_worst(users, of)
        for of in (_without, lambda user: user.full_power_sinr_db, _with)
    )
    return (
        "What the prices do to the cellular users' SINR at the base station, median "
        f"and worst: {without} without reuse; {free} if reuse were free and all pairs "
        f"at full power; {priced} at these prices."
    )


def _median_and_worst(
    users: Sequence[CellularRecord], of: Callable[[CellularRecord], float]
) -> str:
    worst = min(users, key=of)
    middle = float(np.median([of(user) for user in users]))
    return f"{middle:.1f} and {of(worst):.1f} dB (channel {worst.channel})"


def refusal_sentences(scenario: Scenario, answer: Outcome) -> list[str]:
    """Whether the leader would rather have no pair at all, and why it cannot."""
    alone = scenario.received_cellular_power_w / scenario.noise_power_w
    refused = float(rate_bps(scenario.bandwidth_hz, alone).sum())
    reached = answer.leader_utility
    if not refused > reached + REFUSAL * abs(reached):
        return []
    if isinstance(scenario.price_bounds, FixedPriceBounds):
        why = "no price within the bounds silences them"
    elif scenario.min_power_w == 0.0:
        why = "higher prices would silence them"
    else:
        least = significant(to_dbm(scenario.min_power_w), 3)
        why = f"no price silences them, since every pair sends at least {least} dBm"
    return [
        f"Admitting these pairs costs the leader {shown_percent(1 - reached / refused)}"
        f": without any pair it would have {shown_rate(refused)} instead of "
        f"{shown_rate(reached)}; {why}."
    ]


def below_sentence(users: Sequence[CellularRecord]) -> str:
    """How many users are below each threshold, with and without reuse, and which."""
    parts = [
        f"below {threshold:g} dB: {_named(users, _with, threshold)} with reuse, "
        f"{_named(users, _without, threshold)} without"
        for threshold in (USABLE_DB, DECODABLE_DB)
    ]
    text = "; ".join(parts)
    return f"Of {counted(len(users), 'cellular user')} {text}."


def sacrifice_sentences(users: Sequence[CellularRecord]) -> list[str]:
    """Why the leader lets users down; nothing where the payments do not explain it."""
    given_up = sacrificed(users)
    if not given_up:
        return []
    worth = sum(user.payments_worth_bps for user in given_up)
    lost = sum(user.rate_alone_bps - user.rate_bps for user in given_up)
    one = len(given_up) == 1
    user, loses = ("user", "this user loses") if one else ("users", "they lose")
    sentences = [
        f"The leader sacrifices the {user} of {_channels(given_up)} on purpose: the "
        f"payments there are worth {shown_rate(worth)} to it, more than the "
        f"{shown_rate(lost)} of rate that {loses}."
    ]
    lost_anyway = [
        user
        for user in given_up
        if user.least_power_sinr_db < USABLE_DB <= user.sinr_alone_db
    ]
    if lost_anyway:
        sentences.append(
            f"Higher prices would not bring {_channels(lost_anyway)} back to "
            f"{USABLE_DB:g} dB: they are below it even with every pair at its least "
            "power. Only other channels for these pairs, a smaller cap on pairs per "
            "channel or a lower least power would."
        )
    return sentences


def _with(user: CellularRecord) -> float:
    return user.sinr_db


def _without(user: CellularRecord) -> float:
    return user.sinr_alone_db


def _named(
    users: Sequence[CellularRecord],
    of: Callable[[CellularRecord], float],
    threshold: float,
) -> str:
    found = [user for user in users if of(user) < threshold]
    return f"{len(found)} ({_channels(found)})" if found else "none"


def _channels(users: Sequence[CellularRecord]) -> str:
    numbers = [str(user.channel) for user in users]
    return f"channel{'' if len(numbers) == 1 else 's'} {listed(numbers)}"
