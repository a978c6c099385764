"""What bills tell: powers, noise, and what to expect of the next slot."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import actions, observe_followers, observe_leader, play, recorded, reset

from stackelberg import envs
from stackelberg.envs.bills import (
    TYPICAL_NOISE,
    expected_noise_w,
    log_fading_correlation,
    read_bills,
)
from stackelberg.envs.recall import nothing_yet, recalled
from stackelberg.spectrum import FixedPriceBounds, RadioModel

KEY = jax.random.key(5)
PLAIN = {"information": envs.delayed(1), "billing": "quoted"}


def billed(price: float, power: Any, params: envs.EnvParams) -> Any:
    """The outcome of one slot, and what its bills tell."""
    plan = actions(2, 1, params)
    plan = plan._replace(
        reuse_price=jnp.full((1, 4), price, jnp.float32),
        transmit_power_w=jnp.asarray([power], jnp.float32),
    )
    played = jax.tree.map(lambda x: x[0], play(reset(KEY, params), plan, params)[1])
    return played.outcome, read_bills(played.observation.leader, params)


def test_reported_noise_and_sent_power_are_read_whatever_the_power() -> None:
    radio = RadioModel(min_power_w=0.0)
    power = [0.0, 1e-4, 0.05, 10.0**-0.7]
    outcome, told = billed(1e17, power, recorded(radio=radio, **PLAIN))
    np.testing.assert_allclose(told.noise_w, outcome.unit_sinr_power_w, rtol=1e-4)
    np.testing.assert_allclose(told.power_w, power, rtol=1e-4)
    np.testing.assert_array_equal(told.silent, [True, False, False, False])
    np.testing.assert_array_equal(told.limited, [False, False, False, True])


def test_with_fixed_bounds_an_answer_within_limits_tells_the_noise() -> None:
    bounds = FixedPriceBounds(np.full(4, 1e12), np.full(4, 1e22))
    params = recorded(radio=RadioModel(min_power_w=0.0, price_bounds=bounds), **PLAIN)
    outcome, told = billed(1e17, [0.0, 1e-3, 1e-3, 10.0**-0.7], params)
    # b of each pair, from its own rate: dR/dp = beta^f price gbar at b = p + s.
    gain = np.asarray(outcome.payment)[1:3] / (1e17 * 1e-3)
    answer = 180e3 / np.log(2.0) / (1e17 * gain)
    np.testing.assert_allclose(told.answer_w[1:3], answer, rtol=1e-4)
    np.testing.assert_allclose(told.noise_w[1:3], answer - 1e-3, rtol=1e-3)
    assert float(told.noise_w[0]) >= float(told.answer_w[0])
    most = float(params.radio.max_power_w)
    assert float(told.noise_w[3]) <= TYPICAL_NOISE * most * 1.0001


def test_before_the_first_slot_noise_is_typical() -> None:
    params = recorded(**PLAIN)
    seen = observe_leader(reset(KEY, params), params)
    told = read_bills(seen, params)
    typical = TYPICAL_NOISE * float(params.radio.max_power_w)
    np.testing.assert_allclose(told.noise_w, np.full(4, typical), rtol=1e-6)
    expected = expected_noise_w(seen, told, params)
    np.testing.assert_allclose(expected, told.noise_w, rtol=1e-5)
    assert not bool(told.any.any())


@pytest.mark.parametrize("doppler_hz", [2.0, 10.0, 19.0])
def test_logarithms_of_fading_correlate_as_those_drawn(doppler_hz: float) -> None:
    params = recorded(fading=envs.Jakes(doppler_hz), **PLAIN)
    draw = np.random.default_rng(3)
    angle = (np.arange(4000) + 0.5) * np.pi / 4000
    rho = np.cos(2 * np.pi * doppler_hz * 0.02 * np.sin(angle)).mean()
    one, new = (draw.normal(size=(2, 200_000)) for _ in range(2))
    next_slot = rho * one + np.sqrt(1.0 - rho**2) * new
    logs = [np.log((x**2).sum(axis=0)) for x in (one, next_slot)]
    wanted = np.corrcoef(*logs)[0, 1]
    assert float(log_fading_correlation(params)) == pytest.approx(wanted, abs=0.01)


def test_without_fading_the_last_slot_is_expected_again() -> None:
    still = recorded(fading=None, **PLAIN)
    fast = recorded(fading=envs.Rayleigh(), **PLAIN)
    assert float(log_fading_correlation(still)) == 1.0
    assert float(log_fading_correlation(fast)) == 0.0


@pytest.mark.parametrize("remembers", [False, True])
def test_expected_noise_lies_between_the_last_and_the_usual(remembers: bool) -> None:
    information = envs.Information(
        delay_slots=1, memory_slots=16.0 if remembers else None
    )
    params = recorded(
        information=information, billing="quoted", fading=envs.Jakes(10.0)
    )
    played = play(reset(KEY, params), actions(1, 6, params), params)[1]
    seen = jax.tree.map(lambda x: x[-1], played.observation.leader)
    told = read_bills(seen, params)
    mean = np.full(4, TYPICAL_NOISE * float(params.radio.max_power_w))
    if remembers:
        s = np.asarray(played.outcome.unit_sinr_power_w, np.float64)
        mean = np.exp(np.log(s).mean(axis=0))
        np.testing.assert_allclose(seen.usual.unit_sinr_power_w, mean, rtol=1e-3)
    found = np.asarray(expected_noise_w(seen, told, params))
    low, high = np.minimum(mean, told.noise_w), np.maximum(mean, told.noise_w)
    assert np.all(low < found) and np.all(found < high)


def test_means_are_plain_at_first_and_then_forget() -> None:
    draw = np.random.default_rng(8)
    values = np.exp(draw.normal(size=(9, 4)))
    means, wanted = nothing_yet(4, 4, jnp.dtype("float32")), np.zeros(4)
    for n, row in enumerate(values, start=1):
        value = jnp.asarray(row, jnp.float32)
        means = recalled(
            means, jnp.float32(3.0), cellular_to_bs=value, quoted_gain=value,
            own=value, unit_sinr_power_w=value,
        )  # fmt: skip
        weight = 1.0 / min(n, 3)
        wanted = (1.0 - weight) * wanted + weight * np.log(row)
        if n == 3:
            np.testing.assert_allclose(
                means.own, np.log(values[:3]).mean(axis=0), rtol=1e-5, atol=1e-6
            )
    for mean in means[1:]:
        np.testing.assert_allclose(mean, wanted, rtol=1e-4, atol=1e-6)


def test_agents_recall_what_they_saw_and_no_more() -> None:
    information = envs.Information(delay_slots=2, error_std_db=1.0, memory_slots=100.0)
    params = recorded(information=information, billing="quoted")
    start = reset(KEY, params)
    plan = actions(4, 5, params)
    played = play(start, plan, params)[1]
    bill, rows = played.observation.leader, played.observation.followers
    assert bill.usual is not None and rows.usual is not None
    quoted = np.log(np.asarray(bill.quoted_gain)).mean(axis=0)
    np.testing.assert_allclose(np.log(bill.usual.quoted_gain[-1]), quoted, rtol=1e-4)
    np.testing.assert_array_equal(rows.usual.to_bs, bill.usual.quoted_gain)
    first = observe_leader(start, params).cellular_to_bs
    seen = np.concatenate([first[None], np.asarray(bill.cellular_to_bs)[:-1]])
    mean = np.log(seen).mean(axis=0)
    np.testing.assert_allclose(np.log(bill.usual.cellular_to_bs[-1]), mean, rtol=1e-4)
    nothing = observe_followers(start, plan.reuse_price[0], params).usual
    assert nothing is not None
    for part in nothing:
        np.testing.assert_array_equal(part, np.zeros(4))
