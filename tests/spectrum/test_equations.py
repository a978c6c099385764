"""Each printed equation against differences, loops or a search, never itself."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from oracles.power_game import Channel, all_equilibria
from oracles.single_price import DIGITS, PriceProblem, central_difference

from stackelberg import spectrum
from stackelberg.spectrum import marginals

W = 180e3


def cell_of(seed: int) -> spectrum.Scenario:
    rng = np.random.default_rng(seed)
    m, n = 3, 6
    return spectrum.Scenario(
        bandwidth_hz=W,
        noise_power_w=2.3e-15,
        follower_price_weight=0.7,
        leader_revenue_weight=1.3,
        min_power_w=0.0,
        max_power_w=0.2,
        channel=np.array([0, 1, 2, 0, 1, 0]),
        cellular_power_w=rng.uniform(0.05, 0.2, m),
        gain_cellular_to_bs=10.0 ** rng.uniform(-12, -10, m),
        gain_d2d=10.0 ** rng.uniform(-9, -7, n),
        gain_d2d_to_bs=10.0 ** rng.uniform(-12, -10, n),
        gain_cellular_to_d2d=10.0 ** rng.uniform(-13, -11, (m, n)),
        gain_d2d_to_d2d=10.0 ** rng.uniform(-13, -10, (n, n)),
        price_bounds=spectrum.InterferencePriceBounds(),
    )


def channel_of(cell: spectrum.Scenario, i: int) -> tuple[np.ndarray, Channel]:
    """The pairs on channel i and the oracle's view of it."""
    on = np.flatnonzero(np.asarray(cell.channel) == i)
    return on, Channel(
        own=cell.gain_d2d[on],
        to_bs=cell.gain_d2d_to_bs[on],
        cross=cell.gain_d2d_to_d2d[np.ix_(on, on)],
        heard=cell.cellular_power_w[i] * cell.gain_cellular_to_d2d[i, on],
        cellular_power=float(cell.received_cellular_power_w[i]),
        noise=cell.noise_power_w,
        bandwidth=cell.bandwidth_hz,
        follower_price_weight=cell.follower_price_weight,
        leader_revenue_weight=cell.leader_revenue_weight,
        min_power=cell.min_power_w,
        max_power=cell.max_power_w,
    )


@pytest.mark.equation("D2D", 1)
@pytest.mark.parametrize("seed", range(5))
def test_sinr_equals_a_loop_over_interferers(seed: int) -> None:
    cell = cell_of(seed)
    power = np.random.default_rng(seed).uniform(0.0, 0.2, cell.num_pairs)
    assert cell.channel is not None
    sinr = spectrum.links(cell, cell.channel, power).d2d_sinr
    for i in range(cell.num_channels):
        on, channel = channel_of(cell, i)
        for position, j in enumerate(on):
            heard = channel.interference(power[on], position) + cell.noise_power_w
            expected = cell.gain_d2d[j] * power[j] / heard
            assert sinr[j] == pytest.approx(expected, rel=1e-13)


def follower_utility(power: Decimal, price: float, to_bs: float) -> Decimal:
    """W log2(1 + g p / (I + N0)) - beta^f alpha p gbar at fixed g and I + N0."""
    sinr = Decimal("2e-8") * power / Decimal("3e-14")
    rate = Decimal(W) * (1 + sinr).ln() / Decimal(2).ln()
    return rate - Decimal("0.7") * Decimal(price) * power * Decimal(to_bs)


@pytest.mark.equation("D2D", 25)
@pytest.mark.parametrize("power", [1e-6, 1e-3, 0.2])
@pytest.mark.parametrize("price", [1e14, 3e17])
def test_follower_marginal_utility_is_a_difference_quotient(
    power: float, price: float
) -> None:
    with localcontext(prec=DIGITS):
        expected = central_difference(
            lambda p: follower_utility(p, price, 4e-12), Decimal(power), 1
        )
    slope = marginals.follower_marginal_utility(
        power, 2e-8, 3e-14, price, 4e-12, W, 0.7
    )
    assert slope == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.equation("D2D", 26)
@pytest.mark.parametrize("power", [1e-6, 1e-3, 0.2])
def test_follower_curvature_is_a_second_difference(power: float) -> None:
    with localcontext(prec=DIGITS):
        expected = central_difference(
            lambda p: follower_utility(p, 1e15, 4e-12), Decimal(power), 2
        )
    curvature = marginals.follower_curvature(power, 2e-8, 3e-14, W)
    assert curvature == pytest.approx(float(expected), rel=1e-12)
    assert curvature < 0.0


@pytest.mark.equation("D2D", 27)
@pytest.mark.parametrize("seed", range(5))
def test_leader_utility_of_prices_is_the_outcome_when_no_power_is_clipped(
    seed: int,
) -> None:
    cell = cell_of(seed)
    assert cell.channel is not None
    power = np.random.default_rng(seed).uniform(0.01, 0.19, cell.num_pairs)
    heard = spectrum.links(cell, cell.channel, power)
    silence = (heard.d2d_interference_w + cell.noise_power_w) / cell.gain_d2d
    price = cell.spend_scale / (cell.gain_d2d_to_bs * (power + silence))
    for i in range(cell.num_channels):
        on, channel = channel_of(cell, i)
        equilibria = all_equilibria(channel, price[on])
        assert any(np.allclose(p, power[on], rtol=1e-9) for p in equilibria)
    value = marginals.leader_utility_of_prices(
        cell.received_cellular_power_w,
        -silence * cell.gain_d2d_to_bs,
        price,
        cell.channel,
        cell.noise_power_w,
        cell.spend_scale,
        cell.bandwidth_hz,
        cell.leader_revenue_weight,
    )
    outcome = spectrum.outcome(cell, cell.channel, price, power)
    assert value == pytest.approx(outcome.leader_utility, rel=1e-12)


PROBLEMS = {
    1: PriceProblem(1.3, -0.5, 0.0, 1.7, 0.8, 1.2, 0.1, 3.3),
    2: PriceProblem(0.4, -0.5, -0.4, 1.7, 0.8, 1.2, 0.1, 3.3),
    3: PriceProblem(1.3, -0.5, 0.6, 1.7, 2.8, 1.2, 0.1, 3.3),
    4: PriceProblem(1.0, -0.2, -0.19, 1.0, 0.25, 1.0, 0.1, 4.5),
    5: PriceProblem(0.2, -0.9, -0.5, 1.0, 2.6, 1.0, 0.1, 1.0),
}


@pytest.mark.equation("D2D", 28)
@pytest.mark.parametrize("case", PROBLEMS)
def test_price_derivative_is_a_difference_quotient(case: int) -> None:
    p = PROBLEMS[case]
    for price in np.linspace(p.min_price, p.max_price, 7):
        slope = marginals.price_derivative(
            price,
            p.cellular_power,
            p.interference_offset,
            p.residual_interference,
            p.spend_scale,
            p.follower_price_weight,
            p.leader_revenue_weight,
        )
        assert slope == pytest.approx(p.slope_at(float(price)), rel=1e-11, abs=1e-14)


@pytest.mark.equation("D2D", 32)
@pytest.mark.parametrize("case", PROBLEMS)
def test_price_curvature_is_a_second_difference(case: int) -> None:
    p = PROBLEMS[case]
    for price in np.linspace(p.min_price, p.max_price, 7):
        curvature = marginals.price_curvature(
            price,
            p.cellular_power,
            p.residual_interference,
            p.spend_scale,
            p.follower_price_weight,
        )
        expected = p.curvature_at(float(price))
        assert curvature == pytest.approx(expected, rel=1e-10)


@pytest.mark.equation("D2D", 29)
def test_curvature_at_zero_residual_is_a_second_difference_below_zero() -> None:
    p = PROBLEMS[1]
    for price in (0.1, 1.0, 3.3):
        curvature = marginals.price_curvature_at_zero_residual(
            price, p.cellular_power, p.spend_scale, p.follower_price_weight
        )
        assert curvature == pytest.approx(p.curvature_at(price), rel=1e-11)
        assert curvature < 0.0


@pytest.mark.equation("D2D", 31)
def test_curvature_at_opposite_residual_is_a_second_difference_above_zero() -> None:
    p = PROBLEMS[2]
    for price in (0.1, 1.0, 3.3):
        curvature = marginals.price_curvature_at_opposite_residual(
            price, p.cellular_power, p.spend_scale, p.follower_price_weight
        )
        assert curvature == pytest.approx(p.curvature_at(price), rel=1e-11)
        assert curvature > 0.0


@pytest.mark.equation("D2D", 30)
@pytest.mark.parametrize("weight", [0.45, 0.6, 0.8])
def test_stationary_price_at_zero_residual_has_slope_zero(weight: float) -> None:
    price = marginals.stationary_price_at_zero_residual(1.3, -0.5, 1.7, weight, 1.0)
    problem = PriceProblem(1.3, -0.5, 0.0, 1.7, weight, 1.0, 0.1, 3.3)
    assert price > 0.0
    assert problem.slope_at(float(price)) == pytest.approx(0.0, abs=1e-14)
    maximum, minimum = marginals.stationary_prices(1.3, -0.5, 0.0, 1.7, weight, 1.0)
    assert maximum == pytest.approx(price, rel=1e-14)
    assert math.isnan(minimum)


@pytest.mark.equation("D2D", 33)
def test_stationary_prices_have_slope_zero_and_the_named_curvature() -> None:
    rng = np.random.default_rng(0)
    seen = {"maximum": 0, "minimum": 0}
    for _ in range(200):
        offset = -float(rng.uniform(0.05, 0.5))
        problem = PriceProblem(
            cellular_power=float(rng.uniform(0.1, 2.0)),
            interference_offset=offset,
            residual_interference=float(rng.uniform(offset, 0.3)),
            spend_scale=1.3,
            follower_price_weight=float(rng.uniform(0.1, 1.5)),
            leader_revenue_weight=0.9,
            min_price=1e-3,
            max_price=1.29 / -offset,
        )
        roots = marginals.stationary_prices(*(list(vars(problem).values())[:6]))
        for name, root in zip(seen, map(float, roots), strict=True):
            if not problem.min_price < root < problem.max_price:
                continue
            seen[name] += 1
            scale = abs(problem.curvature_at(root)) * root
            assert abs(problem.slope_at(root)) <= 1e-12 * (scale - offset)
            curvature = problem.curvature_at(root)
            assert curvature < 0.0 if name == "maximum" else curvature > 0.0
    assert seen["maximum"] > 20
    assert seen["minimum"] > 5


@pytest.mark.parametrize("residual", [1e-9, 1e-13, 0.0, -1e-13, -1e-9])
def test_stationary_price_is_exact_where_print_cancels(residual: float) -> None:
    """At 40 digits the slope at the root is rounding only, however small D is."""
    problem = PriceProblem(1.93, -0.72, residual, 1.0, 0.64, 1.0, 0.01, 1.3)
    root, _ = marginals.stationary_prices(*(list(vars(problem).values())[:6]))
    assert abs(problem.slope_at(float(root))) < 1e-15
