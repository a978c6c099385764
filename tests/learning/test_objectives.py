"""Every objective and its gradient, against an oracle that knows one pair at a time."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning.slot_games import UNIT, N, arrays, plain
from oracles import slot_learning as oracle

from stackelberg.envs.params import Radio
from stackelberg.learning import objectives

PRICE = [1.5, 2.5, 4.0, 0.9]

through = jax.jit(jax.value_and_grad(objectives.leader_through_reaction))
naive = jax.jit(jax.value_and_grad(objectives.leader_at_powers))
own = jax.jit(jax.value_and_grad(objectives.followers_own))
powers = jax.jit(jax.value_and_grad(objectives.single_level))


def settled(game: dict[str, Any], price: list[float]) -> float:
    return oracle.leader(game, price, oracle.best_response_play(game, price))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_leader_climbs_its_utility_at_the_followers_equilibrium(seed: int) -> None:
    game = plain(seed)
    value, gradient = through(jnp.asarray(PRICE), arrays(game))
    assert float(value) == pytest.approx(settled(game, PRICE) / UNIT, rel=1e-4)
    wanted = [oracle.slope(lambda a: settled(game, a), PRICE, j) for j in range(N)]
    np.testing.assert_allclose(gradient, np.array(wanted) / UNIT, rtol=5e-3, atol=1e-4)


def test_the_naive_gradient_has_the_wrong_sign_where_followers_would_leave() -> None:
    game = plain(0, snr=0.05)  # little to protect: cheaper prices would earn more
    power = oracle.best_response_play(game, PRICE)
    truth = [oracle.slope(lambda a: settled(game, a), PRICE, j) for j in range(N)]
    _, ours = through(jnp.asarray(PRICE), arrays(game))
    _, blind = naive(jnp.asarray(PRICE), jnp.asarray(power), arrays(game))
    leaving = np.array(truth) < -0.1
    assert leaving.sum() >= 2 and np.array(power)[leaving].min() > 0.0
    assert np.asarray(ours)[leaving].max() < 0.0
    assert np.asarray(blind)[leaving].min() > 0.0


def test_the_single_level_form_is_the_utility_at_the_prices_it_implies() -> None:
    game, power = plain(3), [0.4, 0.2, 0.7, 0.3]

    def value(p: list[float]) -> float:
        price = [
            game["price_scale"][j] / (p[j] + oracle.heard(game, p, j)) for j in range(N)
        ]
        return oracle.leader(game, price, p)

    found, gradient = powers(jnp.asarray(power), arrays(game))
    assert float(found) == pytest.approx(value(power) / UNIT, rel=1e-5)
    wanted = [oracle.slope(value, power, j) / UNIT for j in range(N)]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-3, atol=1e-4)


def test_each_follower_climbs_its_own_utility_and_no_other() -> None:
    game, power = plain(4), [0.4, 0.2, 0.7, 0.3]
    found, gradient = own(jnp.asarray(power), jnp.asarray(PRICE), arrays(game))
    value = sum(oracle.follower(game, PRICE, power, j) for j in range(N))
    assert float(found) == pytest.approx(value / UNIT, rel=1e-4)

    def own_slope(j: int) -> float:
        return oracle.slope(lambda p: oracle.follower(game, PRICE, p, j), power, j)

    wanted = [own_slope(j) / UNIT for j in range(N)]
    np.testing.assert_allclose(gradient, wanted, rtol=2e-3, atol=1e-4)


def test_imitation_counts_ratios() -> None:
    found = objectives.imitation(jnp.asarray([1.0, 4.0]), jnp.asarray([2.0, 1.0]))
    wanted = (np.log(2.0) ** 2 + np.log(4.0) ** 2) / 2.0
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_real_prices_give_finite_gradients_in_price_units_only() -> None:
    radio = Radio(
        bandwidth_hz=jnp.float32(180e3),
        noise_power_w=jnp.float32(2e-15),
        cellular_power_w=jnp.full(2, 0.2),
        min_power_w=jnp.float32(0.0),
        max_power_w=jnp.float32(0.2),
        follower_price_weight=jnp.float32(0.3),
        leader_revenue_weight=jnp.float32(1.0),
    )
    unit = radio.spend_scale / radio.noise_power_w
    game = arrays(plain(0))
    in_watts = game._replace(price_scale=game.price_scale * unit)
    price = jnp.asarray(PRICE) * unit
    value, gradient = through(price / unit, objectives.in_price_units(in_watts, radio))
    wanted, _ = through(jnp.asarray(PRICE), game)
    assert float(value) == pytest.approx(float(wanted), rel=1e-4)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 1e-3
