"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from stackelberg.report.numbers import (
    beside,
    certificate_cell,
    certificate_value,
    digits_for,
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


def test_rates_of_a_certificate_have_a_prefix_and_bounds_the_digits_of_their_gap() -> (
    None
):
    values = {"bilevel_bound": 6.08195e6, "bilevel_gap": 1.126e-5, "price_regret": 4593}
    assert certificate_cell("bilevel_bound", "bit/s", values) == ("6.081950", "Mbit/s")
    assert certificate_cell("price_regret", "bit/s", values) == ("4.593", "kbit/s")
    assert certificate_cell("bilevel_gap", "", values) == ("1.126e-05", "")
    unproved = {"bilevel_bound": math.inf, "bilevel_gap": math.inf}
    assert certificate_cell("bilevel_bound", "bit/s", unproved) == ("inf", "bit/s")
    silent = {"follower_regret": 1e-5, "follower_regret_relative": 1e-12}
    assert certificate_cell("follower_regret", "bit/s", silent) == (
        "0 (rounding)",
        "bit/s",
    )


@pytest.mark.parametrize(
    ("value", "other", "texts"),
    [
        (-522.381834012, -522.381832458, ("-522.3818340", "-522.3818325")),
        (21.061, 27.2, ("21.06", "27.20")),
        (1.0, 1.0, ("1", "1")),
        (1.0986122886681098, 1.0986122886681098, ("1.09861228866811",) * 2),
        (0.0, 0.0, ("0", "0")),
        (3.0, math.inf, ("3", "inf")),
        (1.5e20, 1.6e20, ("1.500e+20", "1.600e+20")),
        (2e-9, 2.2e-9, ("2.000e-09", "2.200e-09")),
        (0.0, 1e-12, ("0.000e+00", "1.000e-12")),
        (1234567.0, 1234599.0, ("1234567", "1234599")),
        (2.0, 2.0000000000000004, ("2.00000000000000",) * 2),
    ],
)
def test_an_objective_and_its_bound_show_what_lies_between(
    value: float, other: float, texts: tuple[str, str]
) -> None:
    assert (beside(value, other), beside(other, value)) == texts
    both = {"objective": value, "dual_bound": other}
    assert (
        certificate_value("objective", both),
        certificate_value("dual_bound", both),
    ) == texts
    owner = {"profit": value, "upper_bound": other}
    assert certificate_value("profit", owner) == texts[0]


def test_digits_follow_the_error() -> None:
    assert digits_for(-522.38183, 1.6e-6) == "-522.3818300"
    assert digits_for(2.0, math.inf) == "2.000"
    assert digits_for(None, 1.0) == digits_for(math.nan, 1.0) == "not known"


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
