"""From a scenario and its answer to everything that a report shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stackelberg.game import Status
from stackelberg.report.certificate import certificate_records
from stackelberg.report.numbers import shown_percent, shown_rate, significant
from stackelberg.report.spectrum.cellular import USABLE_DB, cellular_records
from stackelberg.report.spectrum.data import (
    CapRecord,
    FlatnessRecord,
    MethodRecord,
    PlaceRecord,
    ReportData,
    SweepRecord,
)
from stackelberg.report.spectrum.pairs import pair_records
from stackelberg.report.spectrum.story import flatness_of, story
from stackelberg.spectrum import Outcome, Scenario
from stackelberg.spectrum.certify import SpectrumCertificate
from stackelberg.spectrum.insight import Insight
from stackelberg.units import to_dbm


def collect_data(
    scenario: Scenario,
    answer: Outcome,
    certificate: SpectrumCertificate,
    seen: Insight,
    *,
    concept: str,
    status: Status,
    title: str,
    methods: tuple[MethodRecord, ...] = (),
    sweep: tuple[SweepRecord, ...] = (),
    protection: tuple[str, ...] = (),
) -> ReportData:
    """Everything that the report of one answer shows.

    Args:
        scenario: the cell; its own `channel` is not used.
        answer: an outcome of it.
        certificate: of that outcome.
        seen: `spectrum.describe` of that outcome.
        concept: which solution concept it is.
        status: how its solve ended.
        title: of the page.
        methods: other methods on the same channels, `answer`'s among them.
        sweep: sum rate against number of pairs.
        protection: what it takes that every cellular user keeps an SINR, in sentences.
    """
    return ReportData(
        title=title,
        subtitle=f"A base station prices the reuse of {scenario.num_channels} cellular "
        f"channels by {scenario.num_pairs} D2D pairs.",
        concept=concept,
        status=status.label.replace("_", " "),
        advice=status.advice,
        facts=_facts(scenario, answer, certificate),
        places=_places(scenario),
        pairs=pair_records(scenario, answer),
        pairs_per_channel=tuple(int(k) for k in seen.pairs_per_channel),
        cellular=cellular_records(scenario, answer),
        methods=methods,
        sweep=sweep,
        protection=protection,
        flatness=_flatness(seen),
        caps=tuple(
            CapRecord(c.cap, c.leader_utility, c.gain, c.used_channels)
            for c in seen.caps
        ),
        certificate=certificate_records(certificate),
        story=story(scenario, answer, seen, concept),
    )


def _facts(
    scenario: Scenario, answer: Outcome, certificate: SpectrumCertificate
) -> tuple[tuple[str, str], ...]:
    low, high = scenario.min_power_w, scenario.max_power_w
    users = cellular_records(scenario, answer)
    least = f"{significant(to_dbm(low), 3)}" if low > 0.0 else "no power"
    return (
        ("leader utility", shown_rate(answer.leader_utility)),
        ("bilevel gap", shown_percent(certificate.bilevel_gap, 2)),
        ("worst cellular SINR", f"{min(u.sinr_db for u in users):.1f} dB"),
        (
            f"cellular users below {USABLE_DB:g} dB",
            f"{sum(u.sinr_db < USABLE_DB for u in users)} of {len(users)}",
        ),
        ("cellular rate", shown_rate(float(answer.cellular_rate_bps.sum()))),
        ("D2D rate", shown_rate(float(answer.d2d_rate_bps.sum()))),
        ("channels", f"{scenario.num_channels} of {scenario.bandwidth_hz / 1e3:g} kHz"),
        ("D2D pairs", str(scenario.num_pairs)),
        ("power of a pair", f"{least} to {significant(to_dbm(high), 3)} dBm"),
        (
            "price weights",
            f"follower {scenario.follower_price_weight:g}, "
            f"leader {scenario.leader_revenue_weight:g}",
        ),
    )


def _places(scenario: Scenario) -> tuple[PlaceRecord, ...]:
    """Base station and cellular users, as seen from the base station."""
    where = scenario.positions_m
    if where is None:
        return ()
    users = [
        PlaceRecord(
            "cellular user", f"cellular user of channel {i}", float(x), float(y)
        )
        for i, (x, y) in enumerate(np.asarray(where.cellular) - where.base_station)
    ]
    return (PlaceRecord("base station", "base station", 0.0, 0.0), *users)


def _flatness(seen: Insight) -> tuple[FlatnessRecord, ...]:
    rows = [FlatnessRecord(r.shift_db, flatness_of(r), r.lost) for r in seen.flatness]
    still = [replace(row, shift_db=0.0, lost=0.0) for row in _first_of_each(rows)]
    return tuple(sorted(rows + still, key=lambda row: (row.which, row.shift_db)))


def _first_of_each(rows: list[FlatnessRecord]) -> list[FlatnessRecord]:
    return list({row.which: row for row in rows}.values())
