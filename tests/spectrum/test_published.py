"""The five printed cases: kept verbatim, and right exactly where they are right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracles.single_price import PriceProblem, best_price

from stackelberg.errors import DomainError
from stackelberg.spectrum import (
    generate,
    links,
    marginals,
    price_given_others,
    published_price,
)
from stackelberg.spectrum.published import (
    published_price_scalar,
    published_root,
)

# A, C, D, B, beta^f, beta^l, min, max; expected case and price
HAND = {
    "case 1, root inside": ((1.0, -0.5, 0.0, 1.0, 0.8, 1.0, 0.1, 1.9), 1, 0.6),
    "case 1, root below": ((1.0, -0.5, 0.0, 1.0, 0.2, 1.0, 0.1, 1.9), 1, 0.1),
    "case 1, root above": ((1.0, -0.5, 0.0, 1.0, 3.0, 1.0, 0.1, 1.9), 1, 1.9),
    "case 2, low end": ((0.4, -0.5, -0.4, 1.0, 0.2, 1.0, 0.1, 1.9), 2, 0.1),
    "case 2, high end": ((0.4, -0.5, -0.4, 1.0, 9.0, 1.0, 0.1, 1.9), 2, 1.9),
    "case 3, root inside": ((1.0, -0.5, 1.0, 1.0, 2.5, 1.0, 0.1, 1.9), 3, None),
    "case 3, root below": ((1.0, -0.5, 1.0, 1.0, 0.2, 1.0, 0.1, 1.9), 3, 0.1),
    "case 4, root a minimum": ((1.0, -0.2, -0.19, 1.0, 0.25, 1.0, 0.1, 4.5), 4, 4.5),
    "case 4, root outside": ((1.0, -0.2, -0.1, 1.0, 0.4, 1.0, 0.1, 4.5), 4, 4.5),
    "case 5, low end": ((0.2, -0.9, -0.5, 1.0, 1.0, 1.0, 0.1, 0.98), 5, 0.1),
    "case 5, high end": ((0.2, -0.9, -0.5, 1.0, 4.0, 1.0, 0.1, 0.98), 5, 0.98),
}


def problems(seed: int, count: int) -> np.ndarray:
    """[8, count] with every printed case, 1 to 5, in fair numbers."""
    rng = np.random.default_rng(seed)
    cellular = 10.0 ** rng.uniform(-2, 1, count)
    offset = -(10.0 ** rng.uniform(-2, 1, count))
    kind = rng.integers(1, 6, count)
    inside = rng.uniform(0.01, 1.0, count) * np.minimum(cellular, -offset)
    residual = np.select(
        [kind == 1, kind == 2, kind == 3, kind == 4],
        [0.0 * cellular, -cellular, 10.0 ** rng.uniform(-3, 1, count), -inside],
        -cellular * rng.uniform(1.001, 3.0, count),
    )
    offset = np.minimum(offset, 1.01 * residual)
    spend = 10.0 ** rng.uniform(-1, 1, count)
    weights = 10.0 ** rng.uniform(-1.5, 0.7, (2, count))
    high = rng.uniform(0.05, 0.999, count) * spend / -offset
    low = high * rng.uniform(0.001, 1.0, count)
    return np.stack([cellular, offset, residual, spend, *weights, low, high])


@pytest.mark.parametrize("name", HAND)
def test_each_printed_case_names_its_price(name: str) -> None:
    problem, expected_case, expected = HAND[name]
    price, utility, case = published_price(*problem)
    assert case == expected_case
    if expected is not None:
        assert price == pytest.approx(expected, rel=1e-14)
    else:  # an inside root of a concave utility is the optimum
        assert price == pytest.approx(best_price(PriceProblem(*problem))[0], rel=1e-9)
    assert utility == pytest.approx(PriceProblem(*problem).utility_at(float(price)))


def test_printed_and_unified_rules_agree_where_the_print_is_right() -> None:
    columns = problems(0, 20_000)
    price, utility = price_given_others(*columns)
    printed_price, printed_utility, case = published_price(*columns)
    assert set(np.unique(case)) == {1, 2, 3, 4, 5}
    scale = np.abs(utility)
    assert (printed_utility <= utility + 1e-13 * scale).all()  # never the better rule
    wrong = printed_utility < utility - 1e-10 * scale
    assert set(np.unique(case[wrong])) == {4}
    right = case != 4
    np.testing.assert_allclose(
        printed_utility[right], utility[right], rtol=1e-12, atol=0.0
    )
    # In case 4 the printed rule means max_price; it is right exactly where that is.
    assert (printed_price[~right] == columns[7][~right]).all()
    best_is_max = price == columns[7]
    assert not (wrong & best_is_max).any()
    assert wrong[~right].mean() > 0.3


def test_the_unified_rule_is_the_better_one_by_the_search_too() -> None:
    columns = problems(1, 4_000)
    _, _, case = published_price(*columns)
    checked = 0
    for column in columns[:, case == 4].T[:25]:
        problem = PriceProblem(*column.tolist())
        _, searched = best_price(problem, intervals=60)
        _, utility = price_given_others(*column)
        _, printed, _ = published_price(*column)
        assert utility == pytest.approx(searched, rel=1e-12)
        assert printed <= searched * (1.0 + 1e-12) + 1e-12
        checked += 1
    assert checked == 25


@pytest.mark.equation("D2D", 30)
@pytest.mark.equation("D2D", 33)
def test_the_printed_roots_are_the_stationary_prices_away_from_case_4() -> None:
    columns = problems(2, 2_000)
    maximum, minimum = marginals.stationary_prices(*columns[:6])
    _, _, case = published_price(*columns)
    for i in range(columns.shape[1]):
        root = published_root(*columns[:6, i].tolist())
        if case[i] in (1, 3):
            assert root == pytest.approx(maximum[i], rel=1e-8, abs=1e-9)
        elif case[i] == 4 and not math.isnan(root):
            assert root == pytest.approx(minimum[i], rel=1e-8)
        else:
            assert math.isnan(root)


def realistic_problems(ratio: float) -> np.ndarray:
    """[8, 1500] from generated cells with random channels and random powers."""
    columns: list[np.ndarray] = []
    for seed in range(50):
        cell = generate(
            seed=seed, num_channels=15, num_pairs=30, follower_price_weight=ratio
        )
        rng = np.random.default_rng(seed)
        channel = rng.integers(0, cell.num_channels, cell.num_pairs)
        power = cell.max_power_w * 10.0 ** rng.uniform(-2.3, 0.0, cell.num_pairs)
        heard = links(cell, channel, power)
        to_bs = np.broadcast_to(cell.gain_d2d_to_bs, (15, 30))[channel, np.arange(30)]
        own = np.broadcast_to(cell.gain_d2d, (15, 30))[channel, np.arange(30)]
        silence = (heard.d2d_interference_w + cell.noise_power_w) / own
        offset = -silence * to_bs
        together = channel[:, None] == channel[None, :]
        np.fill_diagonal(together, False)
        others = (together * (power * to_bs)[None, :]).sum(axis=1)
        spend = cell.spend_scale
        columns.append(
            np.stack(
                np.broadcast_arrays(
                    cell.received_cellular_power_w[channel],
                    offset,
                    marginals.residual_interference(offset, cell.noise_power_w, others),
                    spend,
                    cell.follower_price_weight,
                    cell.leader_revenue_weight,
                    spend / (to_bs * (cell.max_power_w + silence)),
                    spend / (to_bs * (cell.min_power_w + silence)),
                )
            )
        )
    return np.hstack(columns)


@pytest.mark.parametrize(("ratio", "wrong_from"), [(0.1, 0.02), (0.5, 0.002)])
def test_on_generated_cells_the_print_is_wrong_in_case_4_only(
    ratio: float, wrong_from: float
) -> None:
    columns = realistic_problems(ratio)
    _, utility = price_given_others(*columns)
    _, printed, case = published_price(*columns)
    wrong = printed < utility * (1.0 - 1e-9)
    assert (printed <= utility * (1.0 + 1e-13)).all()
    assert set(case.tolist()) == {3, 4, 5}
    assert (case == 3).mean() > 0.8
    assert set(case[wrong].tolist()) == {4}
    assert wrong_from < wrong.mean() < 0.1


def test_kernel_is_the_array_function_and_batches_equal_loops() -> None:
    columns = problems(3, 60).reshape(8, 6, 10)
    price, utility, case = published_price(*columns)
    assert price.shape == utility.shape == case.shape == (6, 10)
    for index in np.ndindex(6, 10):
        arguments: Any = columns[(slice(None), *index)].tolist()
        assert published_price_scalar(*arguments) == (price[index], case[index])


def test_bad_numbers_are_named_as_by_the_unified_rule() -> None:
    with pytest.raises(DomainError, match=r"^max_price: expected less than the price"):
        published_price(1.0, -0.2, -0.19, 1.0, 0.25, 1.0, 0.1, 5.5)
