"""What an answer looks like, in sentences made of the scenario's own numbers."""

from __future__ import annotations

import numpy as np

from stackelberg.report.numbers import (
    counted,
    listed,
    shown_change,
    shown_percent,
    shown_rate,
)
from stackelberg.report.spectrum.cellular import (
    below_sentence,
    cellular_records,
    refusal_sentences,
    sacrifice_sentences,
    sinr_sentence,
)
from stackelberg.spectrum import FixedPriceBounds, Outcome, Scenario
from stackelberg.spectrum.insight import Flatness, Insight

FLAT = 1e-3
"""Share of the leader utility below which a loss is called flat."""

ALIKE = 0.9
"""Least payment over B from which payments are called alike."""


def story(
    scenario: Scenario, answer: Outcome, seen: Insight, concept: str
) -> tuple[str, ...]:
    """Sentences for a reader: what it means for the cellular users first, then limits,
    price box, flatness, payments, channels and caps.
    """
    if seen.num_pairs == 0:
        return ("There is no pair: every channel belongs to its cellular user.",)
    users = cellular_records(scenario, answer)
    sentences = [
        _what_it_is(seen, concept),
        *refusal_sentences(scenario, answer),
        sinr_sentence(users),
        below_sentence(users),
        *sacrifice_sentences(users),
        _cellular(scenario, answer),
        _limits(seen),
        *_by_occupancy(seen),
        _box(scenario, seen),
        *_flat(seen),
        _payments(scenario, seen),
        *_prices(seen),
        _channels(seen),
        *_caps(seen),
    ]
    return tuple(sentences)


def flatness_of(row: Flatness) -> str:
    """Which powers a row of `Insight.flatness` moves, in words."""
    if row.moved == "interior":
        return f"{counted(row.pairs, 'power')} inside the limits"
    return f"{counted(row.pairs, 'power')} at a limit, moved inwards"


def _what_it_is(seen: Insight, concept: str) -> str:
    shared = int((seen.pairs_per_channel >= 2).sum())
    if concept == "bilevel":
        return (
            "This is the bilevel concept, the Stackelberg equilibrium proper: prices "
            "are chosen knowing how all pairs on a channel answer together. How far it "
            "can be from the best prices is the bilevel gap of the certificate."
        )
    rule = "the printed rule" if concept == "published" else "the exact rule"
    sharing = (
        f"{counted(shared, 'channel carries', 'channels carry')} two pairs or more, so "
        "it need not be a Stackelberg equilibrium"
        if shared
        else "no channel carries two pairs, where this and bilevel mean the same"
    )
    return (
        f"This is the {concept} concept: {rule} for one price at a time while the "
        f"others' powers stay put. {sharing[0].upper()}{sharing[1:]}."
    )


def _limits(seen: Insight) -> str:
    places = (
        ("at the least power", len(seen.at_min_power)),
        ("at the greatest", len(seen.at_max_power)),
        ("in between", len(seen.interior)),
    )
    parts = [f"{count} {where}" for where, count in places if count]
    if len(parts) == 1:
        where = next(where for where, count in places if count)
        where += "" if where == "at the least power" else " power"
        return f"All {seen.num_pairs} pairs sit {where}."
    return f"Of {counted(seen.num_pairs, 'pair')}, {listed(parts)}."


def _by_occupancy(seen: Insight) -> list[str]:
    if len(seen.limits_by_occupancy) < 2:
        return []
    parts = [
        f"{row.at_min} of {row.pairs} where "
        + (
            "one pair is"
            if row.pairs_on_channel == 1
            else f"{row.pairs_on_channel} are"
        )
        for row in seen.limits_by_occupancy
    ]
    return [f"At the least power, by pairs on the channel: {listed(parts)}."]


def _box(scenario: Scenario, seen: Insight) -> str:
    held, gain = len(seen.at_max_price), shown_percent(seen.past_bound_gain, 2)
    if isinstance(scenario.price_bounds, FixedPriceBounds):
        past = f"upper price bounds {seen.past_bound_db:g} dB higher"
    else:
        past = (
            f"prices up to {seen.past_bound_db:g} dB past the box (a least power lower "
            "by as much)"
        )
    if held == 0:
        return f"No price is at its upper bound; {past} would earn the leader {gain}."
    whose = f"The prices of {counted(held, 'pair')}"
    return (
        f"{whose} are at the upper bound: there the price box itself is the limit. "
        f"With {past} the leader would earn {gain} more."
    )


def _flat(seen: Insight) -> list[str]:
    """What 1 dB costs, inside the limits and at them."""
    sentences: list[str] = []
    inside = [row for row in seen.flatness if row.moved == "interior"]
    lost = [row.lost for row in inside if abs(row.shift_db) == 1.0]
    if lost:
        sentences.append(
            f"Moving all powers that are inside the limits ({inside[0].pairs}) by 1 dB "
            f"costs the leader at most {shown_percent(max(lost), 2)}"
            + (": the answer is flat there." if max(lost) < FLAT else ".")
        )
    for row in seen.flatness:
        if row.moved == "at_limit" and row.shift_db == 1.0:
            sentences.append(
                f"Moving all powers that are at a limit ({row.pairs}) inwards by 1 dB "
                f"costs {shown_percent(row.lost, 2)}."
            )
    return sentences


def _payments(scenario: Scenario, seen: Insight) -> str:
    low, middle = np.quantile(seen.spend_share, [0.0, 0.5])
    most = shown_rate(scenario.spend_scale, 3)
    alike = ", whatever their gain" if low >= ALIKE else ""
    return (
        f"Each pair pays between {low:.3g} and {seen.spend_share.max():.3g} of B = "
        f"{most}, the most that an unclipped pair pays; half of them at least "
        f"{middle:.3g}{alike}."
    )


def _prices(seen: Insight) -> list[str]:
    if np.isnan(seen.price_gain_correlation):
        return []
    undone = seen.price_gain_correlation < -0.7
    return [
        f"Prices range over {seen.price_spread_db:.0f} dB, gains to the base station "
        f"over {seen.gain_spread_db:.0f} dB; the correlation of their logarithms is "
        f"{seen.price_gain_correlation:.2f}"
        + (": prices mostly undo the gain." if undone else ".")
    ]


def _cellular(scenario: Scenario, answer: Outcome) -> str:
    snr = scenario.received_cellular_power_w / scenario.noise_power_w
    alone = float(scenario.bandwidth_hz * np.log2(1.0 + snr).sum())
    kept = float(answer.cellular_rate_bps.sum())
    lost = 1.0 - kept / alone if alone > 0.0 else 0.0
    return f"Reuse costs the cellular users {shown_percent(lost, 2)} of their rate."


def _channels(seen: Insight) -> str:
    counts = np.bincount(seen.pairs_per_channel)
    parts = [
        f"{counted(int(count), 'channel')} with "
        + ("no pair" if pairs == 0 else counted(pairs, "pair"))
        for pairs, count in enumerate(counts)
        if count
    ]
    return f"Channels: {listed(parts)}."


def _caps(seen: Insight) -> list[str]:
    if not seen.caps:
        return []
    parts = [f"{shown_change(row.gain)} at {row.cap}" for row in seen.caps]
    return [
        "Under caps on pairs per channel, with channels assigned anew, the leader's "
        f"utility would change by {listed(parts)}."
    ]
