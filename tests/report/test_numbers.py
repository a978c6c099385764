"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from stackelberg.report.numbers import (
    certificate_value,
    listed,
    rate_unit,
    shown_change,
    shown_percent,
    shown_regret,
    shown_relative,
    shown_times,
)


@pytest.mark.parametrize("value", [0.0, 4.7e-33, -2.2e-16, 1e-9])
def test_what_is_rounding_is_called_rounding(value: float) -> None:
    assert shown_relative(value) == "0 (rounding)"
    assert shown_regret(1e-3, value, "bit/s") == "0 (rounding)"
    assert shown_percent(value) == "0 %"


def test_what_is_not_rounding_keeps_its_digits() -> None:
    assert shown_relative(1.1e-9) == "1.1e-09"
    assert shown_relative(None) == "not known"
    assert shown_regret(12.3, 1e-6, "bit/s") == "12 bit/s"
    assert shown_percent(1.4e-5, 2) == "0.0014 %"
    assert shown_percent(1.0, 2) == "100 %"
    assert shown_percent(31.4, 2) == "3100 %"


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (1.05, "1.05"),
        (31.96, "32"),
        (1e3, "1,000"),
        (45678.9, "45,679"),
        (2e7, "2e+07"),
    ],
)
def test_a_factor_is_told_in_full(factor: float, text: str) -> None:
    assert shown_times(factor) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(-1e-7, "0.00 %"), (0.0, "0.00 %"), (-0.02, "-2.00 %"), (0.0182, "+1.82 %")],
)
def test_a_change_of_nothing_has_no_sign(ratio: float, text: str) -> None:
    assert shown_change(ratio) == text


def test_an_absolute_regret_is_judged_by_its_share() -> None:
    small = {"follower_regret": 1e-5, "follower_regret_relative": 1e-12}
    large = {"follower_regret": 1e-5, "follower_regret_relative": 1e-3}
    assert certificate_value("follower_regret", small) == "0 (rounding)"
    assert certificate_value("follower_regret", large) == "1e-05"
    assert certificate_value("bilevel_gap", {"bilevel_gap": 1e-10}) == "1e-10"
    assert certificate_value("utility_error", {"utility_error": 3e234}) == (
        "over 1,000,000"
    )
    assert certificate_value("utility_error", {"utility_error": 31.25}) == "31.25"
    assert certificate_value("bargain_error", {"bargain_error": 2e-16}) == (
        "0 (rounding)"
    )
    assert certificate_value("utility_error", {"utility_error": None}) == "not stated"
    assert certificate_value("bilevel_gap", {"bilevel_gap": math.nan}) == "not known"


def test_one_unit_for_a_column() -> None:
    assert rate_unit([3e5, 7.5e7]) == (1e6, "Mbit/s")
    assert rate_unit([]) == (1.0, "bit/s")


def test_lists_in_words() -> None:
    assert [listed(list("abc")[:k]) for k in range(4)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
