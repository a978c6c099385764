"""What is printed and what is true, side by side; one test for each erratum.

Numbers of the counterexamples are asserted for the printed formula and for the truth,
the truth always by a search or an enumeration that uses neither.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.power_game import Channel, all_equilibria, leader_slope
from oracles.single_price import PriceProblem, best_price

from stackelberg.spectrum import (
    marginals,
    price_given_others,
    published,
    published_price,
)

# The counterexample of E4: A, C, D, B, beta^f, beta^l, min, max.
E4 = (1.0, -0.2, -0.19, 1.0, 0.25, 1.0, 0.1, 4.5)


def nearly(value: float) -> object:
    """`value` is given to so many digits only."""
    return pytest.approx(value, abs=5.01e-5)


@pytest.mark.erratum("E1")
def test_e1_the_base_station_term_before_case_3() -> None:
    offset, price, noise, spend = [-0.2, -0.3], [1.0, 2.0], 0.1, 1.0
    printed = published.published_base_station_term(offset, price, noise, spend, 0)
    received = [spend / a + c for a, c in zip(price, offset, strict=True)]
    truth = price[0] * (
        noise + sum(received)
    )  # D alpha + B is alpha times what arrives
    residual = marginals.residual_interference(offset[0], noise, received[1])
    assert printed == pytest.approx(1.3)
    assert truth == pytest.approx(1.1)
    assert residual * price[0] + spend == pytest.approx(truth)


@pytest.mark.erratum("E2")
@pytest.mark.equation("D2D", 32)
def test_e2_the_sign_of_the_inflection() -> None:
    printed = published.published_inflection(1.0, -0.19, 1.0)
    truth = float(marginals.inflection_price(1.0, -0.19, 1.0))
    assert printed == pytest.approx(-2.014, abs=5e-4)
    assert truth == pytest.approx(2.014, abs=5e-4)
    problem = PriceProblem(*E4)
    assert (
        problem.curvature_at(truth * 0.999) < 0.0 < problem.curvature_at(truth * 1.001)
    )


@pytest.mark.erratum("E3")
def test_e3_the_order_of_inflection_and_poles() -> None:
    a, _, d, b = E4[:4]
    pole_1, pole_2 = -b / d, -b / (a + d)
    inflection = float(marginals.inflection_price(a, d, b))
    assert pole_1 == pytest.approx(5.263, abs=5e-4)
    assert pole_2 == pytest.approx(-1.235, abs=5e-4)
    assert not pole_1 < inflection < pole_2  # as printed
    assert pole_2 < inflection < pole_1


@pytest.mark.erratum("E4")
@pytest.mark.equation("D2D", 33)
def test_e4_the_printed_root_is_the_larger_one_and_a_minimum() -> None:
    problem = PriceProblem(*E4)
    root = published.published_root(*E4[:6])
    maximum, minimum = map(float, marginals.stationary_prices(*E4[:6]))
    assert root == pytest.approx(minimum, rel=1e-12)
    assert maximum < minimum
    assert problem.curvature_at(minimum) > 0.0 > problem.curvature_at(maximum)
    printed_price, printed_utility, case = published_price(*E4)
    price, utility = price_given_others(*E4)
    assert case == 4
    assert (printed_price, printed_utility) == (4.5, nearly(0.96670))
    assert (price, utility) == (nearly(0.4545), pytest.approx(1.01004, abs=5e-6))
    assert utility == pytest.approx(best_price(problem)[1], rel=1e-12)


@pytest.mark.erratum("E4b")
def test_e4b_the_printed_root_leaves_the_box() -> None:
    given = (1.0, -0.2, -0.1, 1.0, 0.4, 1.0, 0.1, 4.5)
    root = published.published_root(*given[:6])
    assert root == pytest.approx(7.384, abs=5e-4)
    assert root > 5.0  # -B/C, where the pair falls silent
    printed_price, printed_utility, _ = published_price(*given)
    price, utility = price_given_others(*given)
    assert (printed_price, printed_utility) == (4.5, nearly(0.98690))
    assert (price, utility) == (nearly(1.5047), pytest.approx(1.10677, abs=5e-6))
    assert utility == pytest.approx(best_price(PriceProblem(*given))[1], rel=1e-12)


@pytest.mark.erratum("E5")
def test_e5_delta_may_be_negative_and_the_utility_rises() -> None:
    given = (1.0, -0.2, -0.1, 1.0, 1.0, 1.0, 0.1, 4.5)
    a, c, d, b, follower, leader = given[:6]
    delta = (a * b) ** 2 * (1.0 - 4.0 * follower / (leader * c) * (d**2 / a + d))
    assert delta == pytest.approx(-0.8)
    assert math.isnan(published.published_root(*given[:6]))  # no printed root exists
    assert all(map(math.isnan, marginals.stationary_prices(*given[:6])))
    problem = PriceProblem(*given)
    assert min(problem.slope_at(x) for x in np.linspace(0.1, 4.5, 50)) > 0.0
    assert price_given_others(*given)[0] == 4.5


@pytest.mark.erratum("E6")
def test_e6_the_lower_bound_is_needed_in_case_4() -> None:
    given = (*E4[:6], 0.6, 3.0)
    printed_price, printed_utility, case = published_price(*given)
    price, utility = price_given_others(*given)
    assert (case, printed_price) == (4, 3.0)
    assert printed_utility == pytest.approx(0.91913, abs=5e-6)
    assert (price, utility) == (0.6, pytest.approx(1.00928, abs=5e-6))
    assert utility == pytest.approx(best_price(PriceProblem(*given))[1], rel=1e-12)


@pytest.mark.erratum("E7")
@pytest.mark.equation("D2D", 30)
def test_e7_a_root_outside_the_box_is_no_candidate() -> None:
    given = (1.0, -0.5, 0.0, 1.0, 0.2, 1.0, 0.1, 1.9)
    root = published.published_root(*given[:6])
    assert root == pytest.approx(-0.6)
    price, utility = price_given_others(*given)
    # The formula of the utility even prefers the negative price to every allowed one.
    at_root = 1.0 + root * -0.5 + 0.2 * math.log1p(root)
    assert at_root > utility
    assert price == 0.1
    assert utility == pytest.approx(best_price(PriceProblem(*given))[1], rel=1e-12)


@pytest.mark.erratum("E8")
def test_e8_two_bounds_may_tie() -> None:
    given = (0.2, -0.9, -0.5, 1.0, 2.6, 1.0, 0.1, 0.98116778002964)
    problem = PriceProblem(*given)
    low, high = problem.utility_at(0.1), problem.utility_at(0.98116778002964)
    assert low == pytest.approx(0.96416862594739, rel=1e-14)
    assert high == pytest.approx(low, rel=1e-14)
    assert problem.utility_at(0.5) < low - 0.01  # convex: both ends, nothing between
    assert published_price(*given)[2] == 5
    assert price_given_others(*given)[0] in (0.1, 0.98116778002964)


def two_pairs(**changes: object) -> Channel:
    """K = 2, W = ln 2 and weights 1, so that B = 1."""
    values: dict[str, object] = {
        "own": np.ones(2),
        "to_bs": np.full(2, 0.5),
        "cross": np.full((2, 2), 0.6),
        "heard": np.full(2, 0.1),
        "cellular_power": 1.0,
        "noise": 0.1,
        "bandwidth": math.log(2.0),
        "follower_price_weight": 1.0,
        "leader_revenue_weight": 1.0,
        "min_power": 0.0,
        "max_power": 10.0,
    }
    return Channel(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.erratum("E9")
@pytest.mark.equation("D2D", 28)
def test_e9_the_residual_takes_the_powers_in_use() -> None:
    channel = two_pairs(
        to_bs=np.ones(2),
        cross=np.zeros((2, 2)),
        heard=np.array([0.1, 0.2]),
        cellular_power=2.0,
        max_power=1.2,
    )
    offset, price = [-0.2, -0.3], np.array([1.0, 0.5])
    (power,) = all_equilibria(channel, price)
    assert power[1] == 1.2  # at its limit; B/alpha + C would be 1.7
    printed = published.published_residual_interference(offset, price, 0.1, 1.0, 0)
    actual = marginals.residual_interference(offset[0], 0.1, power[1])
    assert (printed, actual) == (pytest.approx(1.6), pytest.approx(1.1))

    def utility_of(residual: marginals.Floats | float) -> float:
        best, _ = price_given_others(2.0, -0.2, residual, 1.0, 1.0, 1.0, 0.1, 4.9)
        moved = np.array([float(best), price[1]])
        (answer,) = all_equilibria(channel, moved)
        return channel.leader_utility(moved, answer)

    assert utility_of(printed) == nearly(2.0627)
    assert utility_of(actual) == nearly(2.0709)


@pytest.mark.erratum("E10")
@pytest.mark.equation("D2D", 28)
def test_e10_the_other_pairs_react() -> None:
    channel, price = two_pairs(), np.array([1.2, 1.2])
    (power,) = all_equilibria(channel, price)
    offset = -(channel.interference(power, 0) + 0.1) * 0.5
    residual = marginals.residual_interference(offset, 0.1, 0.5 * power[1])
    printed = marginals.price_derivative(1.2, 1.0, offset, residual, 1.0, 1.0, 1.0)
    truth = leader_slope(channel, price, 0)
    assert printed == nearly(-0.0363)
    assert truth == nearly(0.1492)


@pytest.mark.erratum("E11")
def test_e11_past_a_power_limit_the_utility_is_linear() -> None:
    given = (1.0, -0.1, 0.0, 1.0, 1.0, 1.0, 0.1, 9.9)
    to_bs = 0.5
    limits = {"min_received_power": 0.05 * to_bs, "max_received_power": 1.0 * to_bs}
    limited = PriceProblem(*given, *limits.values())
    printed = PriceProblem(*given).utility_at(9.9)
    truth = limited.utility_at(9.9)
    assert (truth, printed) == (nearly(2.4447), nearly(2.3988))
    price, utility = price_given_others(*given, **limits)
    assert (price, utility) == (9.9, nearly(2.4447))
    assert utility == pytest.approx(best_price(limited)[1], rel=1e-12)
    without, _ = price_given_others(*given)
    assert without == pytest.approx(9.0)  # the printed optimum, not the true one
    # With hardly any cellular signal the knee inside the box is best, no printed price.
    knee_best = (0.01, -0.1, 0.0, 1.0, 1.0, 1.0, 0.1, 5.0)
    limited = PriceProblem(*knee_best, *limits.values())
    price, utility = price_given_others(*knee_best, **limits)
    assert price == pytest.approx(1.0 / (0.5 + 0.1), rel=1e-14)
    assert utility == pytest.approx(best_price(limited)[1], rel=1e-12)
    printed_price, _, _ = published_price(*knee_best)
    assert printed_price == 0.1
    assert limited.utility_at(0.1) < 0.1 * utility


@pytest.mark.erratum("E12")
@pytest.mark.equation("D2D", 30, 33)
def test_e12_division_by_nearly_nothing() -> None:
    # No cellular signal: every printed root divides by A = 0.
    with np.errstate(all="ignore"):
        for residual in (0.0, 0.3):
            root = published.published_root(0.0, -0.5, residual, 1.0, 1.0, 1.0)
            assert not math.isfinite(root)
    price, utility = price_given_others(0.0, -0.5, 0.3, 1.0, 1.0, 1.0, 0.1, 1.9)
    assert (price, utility) == (0.1, pytest.approx(0.95))
    # D next to zero: the printed root loses its digits, the unified rule does not.
    given = (1.93, -0.72, 1e-13, 1.0, 0.64, 1.0, 0.01, 1.3)
    truth, _ = best_price(PriceProblem(*given))
    printed = published.published_root(*given[:6])
    assert abs(printed / truth - 1.0) > 1e-4
    assert price_given_others(*given)[0] == pytest.approx(truth, rel=1e-14)


@pytest.mark.erratum("E13")
@pytest.mark.equation("D2D", 26)
def test_e13_strict_concavity_needs_a_gain() -> None:
    assert marginals.follower_curvature(0.1, 0.0, 1e-13, 180e3) == 0.0
    assert marginals.follower_curvature(0.1, 1e-9, 1e-13, 0.0) == 0.0
    assert marginals.follower_curvature(0.1, 1e-9, 1e-13, 180e3) < 0.0
