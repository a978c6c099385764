"""The leader that knows late channel state: its law of fading, and what it earns."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning.small_cells import cell
from scipy import special

from stackelberg import envs
from stackelberg.envs.equilibrium import re_equilibrated_utility, slot_equilibrium
from stackelberg.envs.slot_game import response, slot_game
from stackelberg.learning.information_bound import (
    drawn_fading,
    fading_correlation,
    informed_prices,
)


@pytest.mark.parametrize(("doppler", "wanted"), [(10.0, 0.6425), (2.0, 0.9843)])
def test_the_correlation_is_that_of_jakes(doppler: float, wanted: float) -> None:
    params = envs.make_params(fading=envs.Jakes(doppler), information=envs.delayed(1))
    found = float(fading_correlation(params))
    assert found == pytest.approx(wanted, abs=1e-3)
    assert found == pytest.approx(special.j0(2 * np.pi * doppler * 0.02), abs=1e-5)
    assert float(fading_correlation(envs.make_params(information=envs.delayed(1)))) == 0


def test_drawn_fading_has_the_mean_and_spread_of_its_law() -> None:
    seen, rho = jnp.full(40_000, 2.0), jnp.float32(0.6)
    drawn = np.asarray(drawn_fading(jax.random.key(0), seen, rho), np.float64)
    # |rho h + sqrt(1 - rho^2) z|^2: mean rho^2 x + (1 - rho^2), a noncentral square.
    rest = 1.0 - 0.36
    assert drawn.mean() == pytest.approx(0.36 * 2.0 + rest, rel=0.02)
    assert drawn.var() == pytest.approx(rest**2 + 2.0 * rest * 0.36 * 2.0, rel=0.04)
    sure = drawn_fading(jax.random.key(0), seen, jnp.float32(1.0))
    np.testing.assert_allclose(sure, 2.0, rtol=1e-5)


def test_a_quick_search_finds_the_same_equilibria_or_says_that_it_did_not() -> None:
    params = cell()

    @jax.jit
    def both(keys: jax.Array) -> Any:
        def one(key: jax.Array) -> Any:
            state = envs.reset(key, params)
            game = slot_game(state, params, state.memory.channel)
            asked = 0.02 * jnp.exp(3.0 * jax.random.normal(key, (4,)))
            price = game.price_scale / asked
            return response(game, price), response(game, price, thorough=False)

        return jax.vmap(one)(keys)

    (power, settled), (quick, found) = both(jax.random.split(jax.random.key(8), 256))
    settled, found = np.asarray(settled), np.asarray(found)
    assert found.mean() > 0.9
    assert not (found & ~settled).any()
    np.testing.assert_allclose(quick[found], power[found], rtol=1e-4, atol=1e-9)


def test_who_knows_more_earns_more() -> None:
    params = cell()
    keys = jax.random.split(jax.random.key(3), 24)

    @jax.jit
    def earned(keys: jax.Array) -> tuple[jax.Array, ...]:
        def one(key: jax.Array) -> tuple[jax.Array, ...]:
            state = envs.reset(key, params)
            channel = state.memory.channel
            game = slot_game(state, params, channel)
            late = slot_equilibrium(slot_game(state, params, channel, seen=True))
            best = slot_equilibrium(game)
            worth = best.leader_utility - best.silent_utility
            utility = partial(re_equilibrated_utility, game)

            def got(hears: jax.Array) -> jax.Array:
                price = informed_prices(
                    key, state, params, hears=hears, draws=8, steps=45
                )
                return utility(price) - best.silent_utility

            more, less = jax.vmap(got)(jnp.asarray([True, False]))
            return worth, more, less, utility(late.reuse_price) - best.silent_utility

        return jax.vmap(one)(keys)

    worth, got, less, late = (float(part.sum()) for part in earned(keys))
    assert late < got < worth
    assert 0.8 * worth < less < got
    assert got > 0.85 * worth
