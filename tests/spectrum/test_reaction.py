"""The differentiable reaction of the followers against the exact solver."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spectrum.cases import MULTI_PAIR, all_games, cell, only_games, scenario_of

from stackelberg.spectrum import follower_equilibrium, generate, leader_gradient
from stackelberg.spectrum.reaction import (
    ChannelArrays,
    follower_reaction,
    leader_utility_of_prices,
)
from stackelberg.spectrum.solve import solve

REACT = jax.jit(follower_reaction)
UTILITY = jax.jit(leader_utility_of_prices)
SLOPE = jax.jit(jax.grad(leader_utility_of_prices))

UNIQUE = [case for case in MULTI_PAIR if case["expected"]["equilibrium_unique"]]


def arrays(games, row=0, dtype=jnp.float64) -> ChannelArrays:
    return ChannelArrays(
        *(
            jnp.asarray(np.asarray(getattr(games, name)[row]), dtype)
            for name in ChannelArrays._fields
        )
    )


@pytest.mark.parametrize("case", UNIQUE, ids=lambda case: case["id"])
def test_the_reference_powers_utility_and_gradient(case):
    expected = case["expected"]
    scenario = scenario_of(case["scenario"])
    price = np.array(case["reuse_price"])
    total, gradient = 0.0, np.empty(len(price))
    with jax.enable_x64(True):
        for games in all_games(scenario):
            for row in range(len(games)):
                pairs = games.pairs[row]
                game = arrays(games, row)
                power, settled = REACT(jnp.asarray(price[pairs]), game)
                assert settled
                np.testing.assert_allclose(
                    power,
                    np.array(expected["transmit_power_w"])[pairs],
                    atol=1e-9 * scenario.max_power_w,
                )
                total += float(UTILITY(jnp.asarray(price[pairs]), game))
                gradient[pairs] = SLOPE(jnp.asarray(price[pairs]), game)
    assert sum(map(len, all_games(scenario))) == scenario.num_channels
    assert total == pytest.approx(expected["leader_utility"], rel=1e-9)
    wanted = np.array(expected["leader_gradient"])
    np.testing.assert_allclose(
        gradient, wanted, rtol=1e-6, atol=1e-12 * np.abs(wanted).max()
    )


@pytest.mark.parametrize("num_pairs", [1, 2, 6])
def test_random_games_with_one_equilibrium_are_solved(num_pairs):
    random = np.random.default_rng(num_pairs)
    seen = 0
    with jax.enable_x64(True):
        for seed in range(25):
            scenario = cell(seed, num_pairs, coupling=0.8 / num_pairs)
            game = arrays(only_games(scenario))
            price = np.exp(random.normal(0.0, 1.0, num_pairs))
            exact = follower_equilibrium(scenario, price)
            if exact.p_matrix[0] != 1:
                continue
            power, settled = REACT(jnp.asarray(price), game)
            assert settled
            np.testing.assert_allclose(power, exact.transmit_power_w, atol=1e-12)
            wanted = leader_gradient(scenario, price, exact.transmit_power_w)
            np.testing.assert_allclose(
                SLOPE(jnp.asarray(price), game),
                wanted,
                rtol=1e-9,
                atol=1e-12 * np.abs(wanted).max(),
            )
            seen += 1
    assert seen >= 10


def test_the_cyclic_coupling_that_defeats_best_response_is_solved():
    scenario = cell(0, 3)
    cyclic = 1.5 * np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    with jax.enable_x64(True):
        game = arrays(only_games(scenario))._replace(
            coupling=jnp.asarray(cyclic),
            noise=jnp.full(3, 0.5),
            price_scale=jnp.ones(3),
            min_power_w=jnp.asarray(0.0),
        )
        # b = 1/price - noise = 1.5, so that p + 1.5 p = 1.5.
        power, settled = REACT(jnp.full(3, 0.5), game)
    assert settled
    np.testing.assert_allclose(power, 0.6, rtol=1e-14)


def test_what_is_called_settled_is_an_equilibrium_where_there_are_several():
    settled_ones = 0
    with jax.enable_x64(True):
        for seed in range(30):
            scenario = cell(seed, 3, coupling=3.0, min_power=0.001)
            price = np.full(3, 0.3)
            listed = follower_equilibrium(scenario, price).equilibria[0]
            games = only_games(scenario)
            power, settled = REACT(jnp.asarray(price), arrays(games))
            assert np.isfinite(np.asarray(power)).all()
            if settled:
                assert np.abs(listed - np.asarray(power)).max(axis=1).min() <= 1e-12
                settled_ones += len(listed) > 1
    assert settled_ones >= 2


@pytest.mark.parametrize("dtype, accuracy", [("float64", 1e-12), ("float32", 1e-4)])
def test_solved_prices_sit_on_knees_and_still_settle(dtype, accuracy):
    with jax.enable_x64(True):
        for seed in range(12):
            channel = np.arange(12) % 4
            scenario = generate(
                seed=seed, num_channels=4, num_pairs=12, channel=channel
            )
            answer = solve(scenario, max_boxes=1).value
            games = only_games(scenario)
            for row in range(4):
                pairs = games.pairs[row]
                power, settled = REACT(
                    jnp.asarray(answer.reuse_price[pairs], dtype),
                    arrays(games, row, jnp.dtype(dtype)),
                )
                assert settled
                assert power.dtype == jnp.dtype(dtype)
                np.testing.assert_allclose(
                    power,
                    answer.transmit_power_w[pairs],
                    atol=accuracy * scenario.max_power_w,
                )


def test_single_precision_gradients_agree_with_double():
    scenario = cell(1, 4, coupling=0.2)
    games = only_games(scenario)
    price = np.array([0.7, 1.1, 1.6, 0.9])
    power = follower_equilibrium(scenario, price).transmit_power_w
    wanted = leader_gradient(scenario, price, power)
    slope = SLOPE(jnp.asarray(price, jnp.float32), arrays(games, 0, jnp.float32))
    assert slope.dtype == jnp.float32
    np.testing.assert_allclose(slope, wanted, atol=1e-4 * np.abs(wanted).max())


def test_a_batch_by_vmap_equals_one_by_one():
    scenario = cell(2, 8, num_channels=4, coupling=0.2)
    games = only_games(scenario)
    price = np.linspace(0.5, 2.0, 8)[games.pairs]
    with jax.enable_x64(True):
        each = [arrays(games, row) for row in range(4)]
        batch = jax.tree.map(lambda *x: jnp.stack(x), *each)
        power, settled = jax.jit(jax.vmap(follower_reaction))(price, batch)
        slope = jax.jit(jax.vmap(jax.grad(leader_utility_of_prices)))(price, batch)
        for row in range(4):
            alone, _ = REACT(jnp.asarray(price[row]), each[row])
            np.testing.assert_allclose(power[row], alone, rtol=1e-13)
            np.testing.assert_allclose(
                slope[row], SLOPE(jnp.asarray(price[row]), each[row]), rtol=1e-10
            )
    assert settled.all()


def test_the_powers_are_differentiable_in_the_channel_too():
    scenario = cell(3, 3, coupling=0.2)
    price = jnp.array([0.8, 1.0, 1.3])

    with jax.enable_x64(True):
        game = arrays(only_games(scenario))
        price = jnp.asarray(price, jnp.float64)

        @jax.jit
        def total(noise):
            return follower_reaction(price, game._replace(noise=noise))[0].sum()

        slope = jax.grad(total)(game.noise)
        step = 1e-6
        for j in range(3):
            more = total(game.noise.at[j].add(step))
            less = total(game.noise.at[j].add(-step))
            wanted = float((more - less) / (2 * step))
            assert float(slope[j]) == pytest.approx(wanted, rel=1e-6, abs=1e-8)


def test_too_few_pivots_are_admitted():
    scenario = cell(1, 6, coupling=0.1)
    price = np.array([0.1, 50.0, 0.1, 50.0, 0.1, 50.0])
    with jax.enable_x64(True):
        game = arrays(only_games(scenario))
        react = jax.jit(follower_reaction, static_argnums=2)
        _, settled = react(jnp.asarray(price), game, 0)
        _, later = REACT(jnp.asarray(price), game)
    assert not settled
    assert later


def test_a_caller_keeps_his_precision_setting():
    before = jax.config.read("jax_enable_x64")
    scenario = cell(1, 2)
    solve(scenario)
    follower_equilibrium(scenario, [1.0, 1.0])
    assert jax.config.read("jax_enable_x64") == before
