"""A report's numbers made without any solver: a cell, prices, and what follows."""

from __future__ import annotations

import math

import numpy as np

from stackelberg import spectrum
from stackelberg.report import (
    CapRecord,
    CellularRecord,
    CertificateRecord,
    FlatnessRecord,
    MethodRecord,
    PairRecord,
    PlaceRecord,
    ReportData,
    SweepRecord,
)
from stackelberg.report.theme import METHODS

LIMITS = ("at least power", "at greatest power", "inside its limits")


def example_data(
    *, num_pairs: int = 12, num_channels: int = 6, title: str = "A cell"
) -> ReportData:
    random = np.random.default_rng(3)
    cell = spectrum.generate(
        seed=1, num_channels=num_channels, num_pairs=num_pairs, channel="random"
    )
    channel, places = cell.channel, cell.positions_m
    assert channel is not None
    assert places is not None
    pairs = tuple(
        PairRecord(
            pair=j,
            channel=int(channel[j]),
            reuse_price=10.0 ** random.uniform(14, 17.5),
            lowest_price=1e14,
            highest_price=3e17,
            transmit_power_dbm=float(random.choice([0.0, 8.0, 23.0])),
            limit=LIMITS[j % 3],
            interference_margin_db=float(random.normal(10, 15)),
            payment_bps=2.5e5,
            spend_share=0.98,
            sinr_db=float(random.normal(15, 8)),
            rate_bps=1e6,
            utility_bps=7.5e5,
            transmitter_x_m=float(places.d2d_transmitter[j, 0]),
            transmitter_y_m=float(places.d2d_transmitter[j, 1]),
            receiver_x_m=float(places.d2d_receiver[j, 0]),
            receiver_y_m=float(places.d2d_receiver[j, 1]),
        )
        for j in range(num_pairs)
    )
    users = [
        PlaceRecord("cellular user", f"user {i}", float(x), float(y))
        for i, (x, y) in enumerate(places.cellular)
    ]
    methods = tuple(
        MethodRecord(
            method=name,
            leader_utility_bps=3e7 + 1e6 * i,
            sum_rate_bps=5e7 + 2e6 * i,
            cellular_rate_lost=0.02 * i,
            users_below_5_db=i,
            follower_regret=0.0 if i else 0.3,
            price_regret=10.0 ** (-3 * i),
            bilevel_gap=8e-5 if name == "bilevel" else None,
            seconds=0.1 * i,
            cellular_sinr_db=tuple(random.normal(20 - i, 8, num_channels)),
            d2d_sinr_db=tuple(random.normal(10 + i, 8, num_pairs if i else 0)),
        )
        for i, name in enumerate(METHODS)
    )
    return ReportData(
        title=title,
        subtitle="12 pairs reuse 6 channels",
        concept="bilevel",
        status="converged",
        advice="The tolerance asked for is met.",
        facts=(("leader utility", "36 Mbit/s"), ("pairs", "12")),
        places=(PlaceRecord("base station", "base station", 0.0, 0.0), *users),
        pairs=pairs,
        pairs_per_channel=tuple(np.bincount(channel, minlength=num_channels).tolist()),
        cellular=tuple(
            CellularRecord(i, 2, 20.0, 15.0 - 4.0 * i, 16.0, 3.0, 1.2e6, 1e6, 5e5)
            for i in range(num_channels)
        ),
        methods=methods,
        sweep=tuple(
            SweepRecord(
                name, n, 4e7 + n * 1e5 * i, 3.9e7 + n * 1e5 * i, 4.2e7 + n * 1e5 * i, 4
            )
            for i, name in enumerate(METHODS)
            for n in (5, 10, 20, 40)
        ),
        flatness=tuple(
            FlatnessRecord(shift, which, 1e-4 * size * shift**2)
            for which, size in (("all", 3.0), ("inside their limits", 1.0))
            for shift in (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
        ),
        caps=(CapRecord(1, 3e7, -0.01, 6), CapRecord(4, 3.3e7, 0.02, 3)),
        certificate=(
            CertificateRecord("follower_regret", 1e-9, "bit/s", "most a pair gains"),
            CertificateRecord("bilevel_bound", math.nan, "bit/s", "not proved"),
        ),
        story=("6 of 12 pairs sit at their least power.",),
    )
