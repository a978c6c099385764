"""From a solved cell to the numbers and sentences of its report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackelberg import report, spectrum
from stackelberg.report import ReportData
from stackelberg.report.numbers import shown_percent
from stackelberg.report.spectrum.cellular import (
    below_sentence,
    cellular_records,
    refusal_sentences,
    sacrifice_sentences,
    sinr_sentence,
)
from stackelberg.report.spectrum.story import story
from stackelberg.spectrum.baselines import no_reuse
from stackelberg.spectrum.insight import Insight, describe
from stackelberg.spectrum.solve import SpectrumSolution
from stackelberg.units import from_db


@pytest.fixture(scope="module")
def cell() -> spectrum.Scenario:
    return spectrum.generate(
        seed=6, num_channels=3, num_pairs=6, follower_price_weight=0.2
    )


@pytest.fixture(scope="module")
def solution(cell: spectrum.Scenario) -> SpectrumSolution:
    return spectrum.solve(cell)


@pytest.fixture(scope="module")
def seen(cell: spectrum.Scenario, solution: SpectrumSolution) -> Insight:
    return describe(cell, solution.value, caps=(2, 3))


@pytest.fixture(scope="module")
def data(
    cell: spectrum.Scenario, solution: SpectrumSolution, seen: Insight
) -> ReportData:
    return report.collect_data(
        cell,
        solution.value,
        solution.certificate,
        seen,
        concept="bilevel",
        status=solution.status,
        title="A cell",
    )


def test_pairs_carry_the_numbers_of_the_answer(
    cell: spectrum.Scenario,
    solution: SpectrumSolution,
    data: ReportData,
) -> None:
    answer = solution.value
    for j, pair in enumerate(data.pairs):
        i = answer.channel[j]
        gain = cell.gain_to_bs(int(i))[j]
        assert pair.channel == i
        assert pair.lowest_price <= pair.reuse_price * (1.0 + 1e-9)
        assert pair.reuse_price <= pair.highest_price * (1.0 + 1e-9)
        assert 1e-3 * from_db(pair.transmit_power_dbm) == pytest.approx(
            answer.transmit_power_w[j], rel=1e-12
        )
        paid = answer.reuse_price[j] * answer.transmit_power_w[j] * gain
        assert pair.payment_bps == pytest.approx(paid, rel=1e-12)
        margin = (
            cell.cellular_power_w[i] * cell.gain_cellular_to_bs[i]
            / (cell.max_power_w * gain)
        )  # fmt: skip
        assert from_db(pair.interference_margin_db) == pytest.approx(margin)
        held = {
            "at least power": answer.transmit_power_w[j] <= cell.min_power_w * 1.001,
            "at greatest power": answer.transmit_power_w[j] >= cell.max_power_w * 0.999,
        }
        assert held.get(pair.limit, not any(held.values()))


def test_places_are_seen_from_the_base_station(
    cell: spectrum.Scenario, solution: SpectrumSolution, seen: Insight
) -> None:
    where = cell.positions_m
    assert where is not None
    moved = cell.replace(
        positions_m=spectrum.Positions(
            base_station=where.base_station + 100.0,
            cellular=where.cellular + 100.0,
            d2d_transmitter=where.d2d_transmitter + 100.0,
            d2d_receiver=where.d2d_receiver + 100.0,
        )
    )
    here, there = (
        report.collect_data(
            one, solution.value, solution.certificate, seen,
            concept="bilevel", status=solution.status, title="",
        )
        for one in (cell, moved)
    )  # fmt: skip
    assert [p.x_m for p in there.places] == pytest.approx([p.x_m for p in here.places])
    assert there.pairs[2].receiver_y_m == pytest.approx(here.pairs[2].receiver_y_m)


def test_a_cell_without_positions_has_no_map(
    cell: spectrum.Scenario, solution: SpectrumSolution, seen: Insight
) -> None:
    data = report.collect_data(
        cell.replace(positions_m=None), solution.value, solution.certificate, seen,
        concept="bilevel", status=solution.status, title="",
    )  # fmt: skip
    names = [figure.name for figure in report.draw_figures(data)]
    assert "map" not in names
    assert "price-margin" in names


def test_the_certificate_is_told_as_it_is(
    solution: SpectrumSolution, data: ReportData
) -> None:
    rows = {row.name: row.value for row in data.certificate}
    assert rows["bilevel_gap"] == solution.certificate.bilevel_gap
    assert rows["follower_regret"] == solution.certificate.follower_regret


def test_the_story_is_in_the_scenarios_own_numbers(
    data: ReportData, seen: Insight
) -> None:
    told = " ".join(data.story)
    low, high, inside = (
        len(x) for x in (seen.at_min_power, seen.at_max_power, seen.interior)
    )
    for count, where in (
        (low, "at the least power"),
        (high, "at the greatest"),
        (inside, "in between"),
    ):
        assert (f"{count} {where}" in told) == (0 < count < 6)
    assert "the Stackelberg equilibrium proper" in told
    assert "the price box itself is the limit" in told or "No price is at" in told
    assert "by 1 dB" in told
    assert "Under caps on pairs per channel" in told
    assert f"{np.min(seen.spend_share):.3g}" in told
    assert "optimal" not in told
    assert "What the prices do to the cellular users' SINR" in told


@pytest.mark.parametrize("concept", ["iterated", "published"])
def test_a_conjectural_answer_is_never_called_a_stackelberg_equilibrium(
    cell: spectrum.Scenario,
    solution: SpectrumSolution,
    seen: Insight,
    concept: str,
) -> None:
    first = story(cell, solution.value, seen, concept)[0]
    assert f"This is the {concept} concept" in first
    assert "it need not be a Stackelberg equilibrium" in first


def test_a_cell_without_pairs_has_a_story() -> None:
    empty = spectrum.generate(seed=0, num_channels=2, num_pairs=0)
    answer = spectrum.solve(empty)
    seen = describe(empty, answer.value)
    assert story(empty, answer.value, seen, "bilevel") == (
        "There is no pair: every channel belongs to its cellular user.",
    )


def test_lost_rate_and_sinr_of_a_method(cell: spectrum.Scenario) -> None:
    channel = [0, 0, 1, 1, 2, 2]
    power = np.array([0.2, 0.0, 0.1, 0.05, 0.2, 0.001])
    answer = spectrum.outcome(cell, channel, np.ones(6), power)
    alone = spectrum.outcome(cell, channel, np.ones(6), np.zeros(6))
    record = report.method_record(cell, "random", answer, None, 0.5)
    kept = answer.cellular_rate_bps.sum() / alone.cellular_rate_bps.sum()
    assert record.cellular_rate_lost == pytest.approx(1.0 - kept)
    assert len(record.d2d_sinr_db) == 5
    assert len(record.cellular_sinr_db) == 3
    assert record.follower_regret is record.bilevel_gap is None
    sinr = np.array([user.sinr_db for user in cellular_records(cell, answer)])
    assert record.users_below_5_db == (sinr < 5.0).sum()


def user(channel: int, alone: float, now: float, lost: float, worth: float) -> Any:
    return report.CellularRecord(
        channel=channel, pairs=2, sinr_alone_db=alone, sinr_db=now,
        least_power_sinr_db=now, full_power_sinr_db=now - 10.0, rate_alone_bps=lost,
        rate_bps=0.0, payments_worth_bps=worth,
    )  # fmt: skip


def test_cellular_users_with_and_without_reuse(
    cell: spectrum.Scenario, solution: SpectrumSolution, data: ReportData
) -> None:
    answer = solution.value
    for i, record in enumerate(data.cellular):
        on = np.flatnonzero(answer.channel == i)
        signal = cell.cellular_power_w[i] * cell.gain_cellular_to_bs[i]
        heard = cell.gain_to_bs(i)[on] * answer.transmit_power_w[on]
        paid = (answer.reuse_price[on] * heard).sum()
        assert record.pairs == len(on)
        assert from_db(record.sinr_alone_db) == pytest.approx(
            signal / cell.noise_power_w
        )
        assert from_db(record.sinr_db) == pytest.approx(
            signal / (cell.noise_power_w + heard.sum())
        )
        assert record.payments_worth_bps == pytest.approx(
            cell.leader_revenue_weight * paid
        )
        assert record.rate_bps == pytest.approx(answer.cellular_rate_bps[i])
        loudest = cell.gain_to_bs(i)[on].sum() * cell.max_power_w
        assert from_db(record.full_power_sinr_db) == pytest.approx(
            signal / (cell.noise_power_w + loudest)
        )
    facts = dict(data.facts)
    worst = min(user.sinr_db for user in data.cellular)
    assert facts["worst cellular SINR"] == f"{worst:.1f} dB"
    below = sum(user.sinr_db < 5.0 for user in data.cellular)
    assert facts["cellular users below 5 dB"] == f"{below} of 3"


def test_sacrificed_users_are_named_only_where_payments_outweigh_their_rate() -> None:
    users = [
        user(0, 20.0, 19.0, 1e4, 2e6),
        user(1, 15.0, -40.0, 9e5, 2.5e6),
        user(2, 12.0, 4.0, 7e5, 6e5),
        user(3, 6.0, 2.0, 3e5, 8e5),
    ]
    assert sacrifice_sentences(users)[0] == (
        "The leader sacrifices the users of channels 1 and 3 on purpose: the payments "
        "there are worth 3.3 Mbit/s to it, more than the 1.2 Mbit/s of rate that they "
        "lose."
    )
    assert (
        "Higher prices would not bring channels 1 and 3 back"
        in (sacrifice_sentences(users)[1])
    )
    assert below_sentence(users) == (
        "Of 4 cellular users below 5 dB: 3 (channels 1, 2 and 3) with reuse, none "
        "without; below 0 dB: 1 (channel 1) with reuse, none without."
    )
    assert sinr_sentence(users) == (
        "What the prices do to the cellular users' SINR at the base station, median "
        "and worst: 13.5 and 6.0 dB (channel 3) without reuse; -7.0 and -50.0 dB "
        "(channel 1) if reuse were free and all pairs at full power; 3.0 and -40.0 dB "
        "(channel 1) at these prices."
    )
    assert sacrifice_sentences([users[0], users[2]]) == []


def test_the_leader_is_told_where_it_would_rather_have_no_pair() -> None:
    cell = spectrum.generate(
        seed=0, num_channels=1, num_pairs=3, min_power_dbm=10.0, channel=[0, 0, 0],
        leader_revenue_weight=0.01,
    )  # fmt: skip
    answer = spectrum.solve(cell).value
    refused = no_reuse(cell).leader_utility
    assert refused > answer.leader_utility
    (told,) = refusal_sentences(cell, answer)
    lost = shown_percent(1.0 - answer.leader_utility / refused)
    assert f"costs the leader {lost}: without any pair" in told
    assert told.endswith("since every pair sends at least 10 dBm.")
    seen = describe(cell, answer)
    assert story(cell, answer, seen, "bilevel")[1] == told
    held = cell.replace(
        price_bounds=spectrum.FixedPriceBounds(np.ones(3), 2.0 * np.ones(3))
    )
    assert "no price within the bounds" in refusal_sentences(held, answer)[0]
    silent = cell.replace(min_power_w=0.0)
    assert "higher prices would" in refusal_sentences(silent, answer)[0]
    assert refusal_sentences(silent, spectrum.solve(silent).value) == []
