"""What reuse does to each cellular user, and whom the leader gives up for payments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stackelberg.report.numbers import counted, listed, shown_rate
from stackelberg.report.spectrum.data import CellularRecord
from stackelberg.spectrum import Outcome, Scenario, links
from stackelberg.spectrum.rates import payments, rate_bps
from stackelberg.units import to_db

USABLE_DB = 5.0
"""SINR below which a cellular user is counted as badly served, dB."""

DECODABLE_DB = 0.0
"""SINR below which interference and noise drown a cellular user, dB."""


def cellular_records(scenario: Scenario, answer: Outcome) -> tuple[CellularRecord, ...]:
    """Every cellular user with and without reuse; the scenario's `channel` is not used.

    Payments are weighted as in the leader's utility, so that they compare with rates.
    """
    least = np.full(scenario.num_pairs, scenario.min_power_w)
    heard = links(scenario, answer.channel, answer.transmit_power_w)
    quiet = links(scenario, answer.channel, least).cellular_sinr
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
        alone_db, sinr_db, quiet_db = (
            to_db(alone),
            to_db(heard.cellular_sinr),
            to_db(quiet),
        )
    return tuple(
        CellularRecord(
            channel=i,
            pairs=int(pairs_on[i]),
            sinr_alone_db=float(alone_db[i]),
            sinr_db=float(sinr_db[i]),
            least_power_sinr_db=float(quiet_db[i]),
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
    """Median and worst SINR with and without reuse."""
    parts: list[str] = []
    for name, of in (("with", _with), ("without", _without)):
        worst = min(users, key=of)
        middle = float(np.median([of(user) for user in users]))
        parts.append(
            f"{name} reuse the median is {middle:.1f} dB and the worst "
            f"{of(worst):.1f} dB (channel {worst.channel})"
        )
    return (
        "What the price does to the cellular users' SINR at the base station: "
        f"{parts[0]}; {parts[1]}."
    )


def below_sentence(users: Sequence[CellularRecord]) -> str:
    """How many users are below each threshold, with and without reuse, and which."""
    parts = [
        f"below {threshold:g} dB are {_named(users, _with, threshold)} with reuse, "
        f"{_named(users, _without, threshold)} without"
        for threshold in (USABLE_DB, DECODABLE_DB)
    ]
    text = "; ".join(parts)
    return f"Of {counted(len(users), 'cellular user')}, {text}."


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
            f"{USABLE_DB:g} dB: with every pair at its least power it is missed too, "
            "so only other channels for these pairs, fewer pairs there or a lower "
            "least power would."
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
