"""`price_given_others` against public cases and a 40-digit search, and its contract."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.single_price import PriceProblem, best_price

from stackelberg.errors import DomainError, ShapeError
from stackelberg.spectrum import price_given_others
from stackelberg.spectrum.single_price import (
    best_limited_price_scalar,
    best_price_scalar,
    limited_price_utility_scalar,
    price_utility_scalar,
)

ARGUMENTS = (
    "cellular_power",
    "interference_offset",
    "residual_interference",
    "spend_scale",
    "follower_price_weight",
    "leader_revenue_weight",
    "min_price",
    "max_price",
)
CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data/spectrum/single_price.json").read_text()
)
EXAMPLE = dict(
    zip(ARGUMENTS, (1.0, -0.2, -0.19, 1.0, 0.25, 1.0, 0.1, 4.5), strict=True)
)


def random_problems(seed: int, count: int) -> np.ndarray:
    """[8, count]: residuals of both signs, boxes that stop short of -B/C."""
    rng = np.random.default_rng(seed)
    cellular = 10.0 ** rng.uniform(-2, 1, count)
    offset = -(10.0 ** rng.uniform(-2, 1, count))
    residual = offset * rng.uniform(0.0, 1.0, count)
    positive = rng.random(count) < 0.3
    residual[positive] = 10.0 ** rng.uniform(-3, 1, positive.sum())
    residual[rng.random(count) < 0.05] = 0.0
    spend = 10.0 ** rng.uniform(-1, 1, count)
    follower = 10.0 ** rng.uniform(-1.5, 0.7, count)
    leader = 10.0 ** rng.uniform(-0.5, 0.5, count)
    high = rng.uniform(0.05, 0.999, count) * spend / -offset
    low = high * rng.uniform(0.001, 1.0, count)
    return np.stack([cellular, offset, residual, spend, follower, leader, low, high])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_public_cases(case: dict[str, Any]) -> None:
    price, utility = price_given_others(*(case[name] for name in ARGUMENTS))
    assert utility == pytest.approx(case["best_utility"], rel=1e-12, abs=0.0)
    if case["delta_sign"] != 0:
        assert price == pytest.approx(case["best_price"], rel=1e-9, abs=0.0)


@pytest.mark.parametrize("seed", range(40))
def test_equals_a_search_at_40_digits(seed: int) -> None:
    columns = random_problems(seed, 1)[:, 0]
    _, utility = price_given_others(*columns)
    problem = PriceProblem(*columns.tolist())
    _, searched = best_price(problem, intervals=60)
    assert utility == pytest.approx(searched, rel=1e-12, abs=0.0)


def test_no_price_on_a_grid_is_better() -> None:
    columns = random_problems(1, 3000)
    _, utility = price_given_others(*columns)
    low, high = columns[6], columns[7]
    for part in np.linspace(0.0, 1.0, 101):
        price = low + part * (high - low)
        _, there = price_given_others(*np.vstack([columns[:6], price, price]))
        assert (there <= utility + 4e-16 * np.abs(utility) * 4).all()


def test_power_limits_equal_a_search_at_40_digits() -> None:
    rng = np.random.default_rng(3)
    knees_hit = 0
    for columns in random_problems(4, 60).T:
        a, c, d, b, follower, leader, low, high = map(float, columns)
        d = max(d, 0.9 * c)  # some noise or other pair is heard besides
        least = float(rng.choice([0.0, 0.05, 0.3])) * -c
        most = least - c * float(rng.uniform(0.1, 5.0))
        high *= 4.0
        given = (a, c, d, b, follower, leader, low, high)
        price, utility = price_given_others(
            *given, min_received_power=least, max_received_power=most
        )
        problem = PriceProblem(*given, least, most)
        _, searched = best_price(problem, intervals=80)
        assert utility == pytest.approx(searched, rel=2e-9)
        assert utility >= searched * (1.0 - 1e-12)
        assert utility == pytest.approx(problem.utility_at(float(price)), rel=1e-12)
        knees_hit += any(price == pytest.approx(b / (p - c)) for p in (least, most))
    assert knees_hit > 0


def test_unlimited_power_is_the_plain_problem() -> None:
    columns = random_problems(5, 200)
    plain = price_given_others(*columns)
    limited = price_given_others(
        *columns, min_received_power=0.0, max_received_power=np.inf
    )
    np.testing.assert_array_equal(plain[0], limited[0])
    np.testing.assert_array_equal(plain[1], limited[1])


def test_a_silent_pair_ties_all_prices_and_gets_the_lowest() -> None:
    price, utility = price_given_others(
        1.0, -0.5, 0.1, 1.0, 1.0, 1.0, 2.5, 9.0, min_received_power=0.0
    )
    assert price == 2.5
    assert utility == pytest.approx(math.log1p(1.0 / 0.6), rel=1e-15)


def test_equal_bounds_leave_one_price() -> None:
    price, _ = price_given_others(**EXAMPLE | {"min_price": 2.0, "max_price": 2.0})
    assert price == 2.0


def test_no_cellular_signal_makes_the_lowest_price_best() -> None:
    for residual in (-0.19, 0.0, 0.3):
        price, utility = price_given_others(
            **EXAMPLE | {"cellular_power": 0.0, "residual_interference": residual}
        )
        assert price == EXAMPLE["min_price"]
        assert utility == pytest.approx(1.0 - 0.1 * 0.2, rel=1e-15)


def test_arguments_broadcast_and_a_batch_equals_a_loop() -> None:
    columns = random_problems(6, 12).reshape(8, 3, 4)
    price, utility = price_given_others(*columns)
    assert price.shape == utility.shape == (3, 4)
    for index in np.ndindex(3, 4):
        one = price_given_others(*columns[(slice(None), *index)])
        assert (price[index], utility[index]) == (one[0], one[1])
    a_row, _ = price_given_others(**EXAMPLE | {"max_price": np.array([1.0, 2.0, 4.5])})
    assert a_row.shape == (3,)


def test_scalar_kernels_are_the_array_function() -> None:
    columns = random_problems(7, 300)
    price, utility = price_given_others(*columns)
    for i, column in enumerate(columns.T):
        arguments: Any = column.tolist()
        assert best_price_scalar(*arguments) == price[i]
        unlimited: Any = [*arguments, 0.0, math.inf]
        assert best_limited_price_scalar(*unlimited) == price[i]
        at_price: Any = [float(price[i]), *arguments[:6]]
        assert price_utility_scalar(*at_price) == utility[i]
        at_price += [0.0, math.inf]
        assert limited_price_utility_scalar(*at_price) == utility[i]


def test_rescaling_watts_or_money_changes_nothing() -> None:
    columns = random_problems(8, 500)
    price, utility = price_given_others(*columns)
    for watts, money in ((1e-12, 1.0), (1.0, 1e6), (1e-15, 2.6e5)):
        unit = np.array(
            [watts, watts, watts, money, 1, 1, money / watts, money / watts]
        )
        scaled = price_given_others(*(columns * unit[:, None]))
        np.testing.assert_allclose(scaled[1], utility * money, rtol=1e-12)
        same = np.isclose(scaled[0] * watts / money, price, rtol=1e-9)
        assert same.mean() > 0.995  # nearly tied prices may swap


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"max_price": 5.0}, "max_price: expected less than the price that silences "),
        ({"max_price": 5.0}, "-B/C = 5, got 5.0"),
        ({"max_price": 7.0}, "-B/C = 5, got 7.0"),
        ({"min_price": 4.6}, "max_price: expected at least min_price = 4.6, got 4.5"),
        ({"min_price": 0.0}, "min_price: expected a finite number > 0, got 0.0"),
        ({"max_price": math.nan}, "max_price: expected a finite number > 0, got nan"),
        ({"max_price": math.inf}, "max_price: expected a finite number > 0, got inf"),
        ({"spend_scale": -1.0}, "spend_scale: expected a finite number > 0, got -1.0"),
        ({"follower_price_weight": 0}, "follower_price_weight: expected a finite num"),
        ({"leader_revenue_weight": 0}, "leader_revenue_weight: expected a finite num"),
        ({"cellular_power": -1.0}, "cellular_power: expected a finite number >= 0, go"),
        ({"interference_offset": 0.0}, "interference_offset: expected a finite numb"),
        ({"residual_interference": math.nan}, "residual_interference: expected a fin"),
        (
            {"residual_interference": -0.3},
            "residual_interference: expected more than -spend_scale/max_price = "
            "-0.222222, got -0.3",
        ),
        ({"cellular_power": [1, 1, -2]}, "cellular_power[2]: expected a finite number"),
        ({"cellular_power": "much"}, "cellular_power: expected real numbers, got 'm"),
        ({"min_received_power": -1.0}, "min_received_power: expected a finite number"),
        ({"max_received_power": math.nan}, "max_received_power: expected more than mi"),
        (
            {"min_received_power": 2.0, "max_received_power": 1.0},
            "max_received_power: expected more than min_received_power = 2, got 1.0",
        ),
    ],
)
def test_a_number_outside_its_domain_is_named(
    change: dict[str, Any], text: str
) -> None:
    with pytest.raises(DomainError) as caught:
        price_given_others(**EXAMPLE | change)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_shapes_that_do_not_broadcast_are_named() -> None:
    with pytest.raises(ShapeError, match=r"cellular_power \[2\], min_price \[3\]"):
        price_given_others(
            **EXAMPLE | {"cellular_power": [1.0, 2.0], "min_price": [0.1] * 3}
        )
