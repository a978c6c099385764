"""A trained policy's part of a page, from sums that are known."""

from __future__ import annotations

import numpy as np
import pytest

from stackelberg.learning import Evaluation
from stackelberg.report import policy_report_data, render_figures, render_page
from stackelberg.report.learning.policy import gain_figure, policy_sentences


def sums(leader: float, settled: float) -> Evaluation:
    ones = np.ones(2)
    return Evaluation(
        leader_utility=leader * ones,
        silent_utility=1e6 * ones,
        equilibrium_utility=2e6 * ones,
        settled_utility=settled * ones,
        follower_utility=3e5 * ones,
        follower_reward=3e5 * ones,
        follower_regret=1e4 * ones,
        d2d_rate=3.9e5 * ones,
        cellular_rate=1.5e6 * ones,
        outages=ones,
        served_bits=0.0 * ones,
        expired_bits=0.0 * ones,
        found=4.0 * ones,
        slots=4,
        channels=2,
        pairs=3,
        queues=False,
    )


DATA = policy_report_data(
    {"learned": sums(1.9e6, 1.8e6), "full_power": sums(0.8e6, 0.7e6)},
    title="A policy",
    trained="by hand",
    decisions_per_second=1234.0,
)


def test_the_table_has_every_metric_in_readers_units() -> None:
    assert DATA.policies == ("learned", "full power")
    assert DATA.value("gain", "learned") == pytest.approx(0.9)
    assert DATA.value("re_equilibrated_gain", "full power") == pytest.approx(-0.3)
    assert DATA.value("follower_regret", "learned") == pytest.approx(2.5)
    assert DATA.value("sum_rate_bps", "learned") == pytest.approx(1.89 / 4)
    assert DATA.value("cellular_outage", "learned") == pytest.approx(12.5)
    shown = {row.metric for row in DATA.rows}
    assert not shown & {"deadline_misses", "follower_reward_bps"}
    assert DATA.subtitle == "by hand; 2 channels, 3 pairs, 2 episodes of 4 slots"


def test_the_sentences_say_gain_regret_and_speed() -> None:
    first, second, third = policy_sentences(DATA)
    assert "the policy earns 90 %; 80 % once" in first
    assert "miss 2.5 % of their rate" in second
    assert "1200 slots" in third.replace(",", "")


def test_the_figure_has_both_gains_of_every_policy() -> None:
    spec = gain_figure(DATA).chart.to_dict()
    rows = spec["layer"][0]["data"]["values"]
    assert [(row["policy"], row["what"]) for row in rows] == [
        ("learned", "as played"),
        ("learned", "re-equilibrated"),
        ("full power", "as played"),
        ("full power", "re-equilibrated"),
    ]
    assert rows[0]["gain"] == pytest.approx(0.9)


def test_the_page_and_the_files_hold_it() -> None:
    page = render_page(DATA)
    assert 'id="policy-report-data"' in page
    assert "What the leader earns by pricing" in page
    (figure,) = render_figures(DATA)
    assert figure.name == "policy-gain"
    assert "re-equilibrated" in figure.svg
