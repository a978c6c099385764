"""The batched ascents against the scalar kernel, the proof, and themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import bilevel as oracle
from oracles.cells import channel_of, random_cell
from spectrum.cases import cell, only_games

from stackelberg.spectrum import Scenario, generate
from stackelberg.spectrum.bilevel import (
    MAX_STEP_NEPER,
    Game,
    advance,
    ascend,
    best_ascent,
    game_arrays,
    newton_step,
    single_level_objective,
    solve_games,
    start_ascent,
    starting_points,
)
from stackelberg.spectrum.channel_game import ChannelGames, channel_games
from stackelberg.spectrum.channel_kernels import best_of_starts, objective
from stackelberg.spectrum.leader_bound import prove_games


def realistic(num_pairs: int, count: int, ratio: float = 0.3) -> ChannelGames:
    """`count` channels of `num_pairs` pairs, four to a scenario."""
    channel = np.arange(4 * num_pairs) % 4
    scenarios = [
        generate(
            seed=seed,
            num_channels=4,
            num_pairs=4 * num_pairs,
            channel=channel,
            follower_price_weight=ratio,
        )
        for seed in range(-(-count // 4))
    ]
    games = channel_games(scenarios, [channel] * len(scenarios))[num_pairs]
    return games.take(np.arange(count))


def scalar_values(games: ChannelGames) -> np.ndarray:
    return best_of_starts(
        games.columns(),
        np.log(games.min_power_w),
        np.log(games.max_power_w),
    )[1]


def on_device(games: ChannelGames, dtype: str) -> Game:
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), game_arrays(games))


@pytest.mark.parametrize("num_pairs", [1, 2, 7])
def test_the_ascents_reach_what_the_scalar_kernel_and_the_proof_reach(num_pairs):
    games = realistic(num_pairs, 40)
    found = solve_games(games, games.min_power_w, games.max_power_w)
    assert found.power_w.shape == (40, num_pairs)
    assert found.settled.all()
    np.testing.assert_allclose(found.value, scalar_values(games), rtol=1e-9)
    for row in range(40):
        at = objective(found.power_w[row], games.game(row))
        assert at == pytest.approx(found.value[row], rel=1e-13)
    proof = prove_games(games, games.price_scale, found.power_w, 1e-5, 50_000)
    best = proof.utility / games.spend_scale
    assert (found.value <= proof.upper_bound / games.spend_scale).all()
    assert np.median(1.0 - found.value / best) <= 1e-12
    assert ((best - found.value) > 1e-6 * best).sum() <= 1
    low, high = games.min_power_w[:, None], games.max_power_w[:, None]
    assert ((found.power_w >= low) & (found.power_w <= high)).all()


def test_the_ascents_reach_the_oracles_best():
    for seed in range(8):
        fields = random_cell(seed, 2, coupling=(0.1, 1.0)[seed % 2])
        games = only_games(Scenario(**fields))
        found = solve_games(games, games.min_power_w, games.max_power_w)
        wanted = oracle.best_powers(channel_of(fields)[0])
        reached = found.value[0] * games.spend_scale[0]
        assert reached <= wanted.utility * (1.0 + 1e-9)
        assert reached >= wanted.utility * (1.0 - 1e-6)


@pytest.mark.parametrize("num_pairs", [2, 7])
def test_a_channel_has_the_same_bits_in_every_batch(num_pairs):
    games = realistic(num_pairs, 200)
    whole = solve_games(games, games.min_power_w, games.max_power_w)
    for rows in ([5], list(range(3, 20)), [199, 0, 77, 5], list(range(64, 129))):
        part = games.take(np.array(rows))
        alone = solve_games(part, part.min_power_w, part.max_power_w)
        np.testing.assert_array_equal(alone.power_w, whole.power_w[rows])
        np.testing.assert_array_equal(alone.value, whole.value[rows])
        np.testing.assert_array_equal(alone.settled, whole.settled[rows])
        np.testing.assert_array_equal(alone.iterations, whole.iterations[rows])


def test_the_largest_batches_give_the_same_bits_as_small_ones():
    games = realistic(2, 600)
    whole = solve_games(games, games.min_power_w, games.max_power_w)
    rows = np.arange(500, 600)
    part = games.take(rows)
    alone = solve_games(part, part.min_power_w, part.max_power_w)
    np.testing.assert_array_equal(alone.power_w, whole.power_w[rows])
    np.testing.assert_array_equal(alone.iterations, whole.iterations[rows])


def test_channels_with_limits_of_their_own_are_solved_within_them():
    games = realistic(2, 8)
    low = np.geomspace(1e-4, 0.05, 8)
    high = low * np.linspace(1.0 + 1e-9, 30.0, 8)
    found = solve_games(games, low, high)
    inside = (found.power_w >= low[:, None]) & (found.power_w <= high[:, None])
    assert inside.all()
    one = solve_games(games.take(np.array([6])), low[6:7], high[6:7])
    np.testing.assert_array_equal(one.power_w[0], found.power_w[6])


def test_every_start_is_there():
    low, high = jnp.array([0.0, -2.0]), jnp.array([1.0, 2.0])
    starts = np.asarray(starting_points(low, high, 3))
    assert starts.shape == (3, 6, 2)
    found = {tuple(np.round(start, 6)) for start in starts[:, :, 0].T}
    assert found == {
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 1.0),
        (0.5, 0.5, 0.5),
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        (0.0, 0.0, 1.0),
    }
    assert starting_points(low, high, 1).shape == (1, 3, 2)


@pytest.mark.parametrize("num_pairs", [1, 2, 7])
def test_the_newton_step_uses_the_true_gradient(num_pairs):
    games = realistic(num_pairs, 6)
    random = np.random.default_rng(1)
    with jax.enable_x64(True):
        game = on_device(games, "float64")
        y = jnp.asarray(random.uniform(-6.0, -2.0, (num_pairs, 6)))
        low, high = jnp.full(6, -7.0), jnp.full(6, -1.6)
        value, gradient, step = jax.jit(newton_step)(y, game, low, high)[:3]

        def total(y):
            return single_level_objective(jnp.exp(y), game).sum()

        wanted = jax.jit(jax.grad(total))(y)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-13)
        assert float(value.sum()) == pytest.approx(float(total(y)), rel=1e-13)
        assert float((gradient * step).sum(axis=0).min()) >= 0.0  # it ascends
        if num_pairs == 1:
            bend = jax.jit(jax.grad(lambda x: jax.grad(total)(x).sum()))(y)
            proper = np.asarray(-gradient / bend)[0]
            proper = np.where(np.asarray(bend)[0] < -1e-6, proper, np.nan)
            short = np.abs(proper) <= MAX_STEP_NEPER
            assert short.any()
            np.testing.assert_allclose(np.asarray(step)[0][short], proper[short], 1e-6)


@pytest.mark.parametrize("num_pairs", [2, 7])
def test_pairs_at_a_limit_that_pushes_outwards_stay(num_pairs):
    games = realistic(num_pairs, 20)
    found = solve_games(games, games.min_power_w, games.max_power_w)
    with jax.enable_x64(True):
        game = on_device(games, "float64")
        low, high = jnp.log(games.min_power_w), jnp.log(games.max_power_w)
        y = jnp.clip(jnp.log(found.power_w.T), low, high)
        state = start_ascent(y)
        step = jax.jit(advance)
        for _ in range(2):
            state = step(state, game, low, high)
        np.testing.assert_allclose(state.value, found.value, rtol=1e-12)
        np.testing.assert_allclose(np.exp(state.log_power), found.power_w.T, rtol=1e-4)
        held = np.asarray((y <= low) | (y >= high))
        moved = np.asarray(state.log_power != y)
        assert held.any()
        assert not (held & moved).any()


def test_the_solver_runs_inside_a_callers_own_jit_and_in_single_precision():
    games = realistic(2, 24)
    exact = solve_games(games, games.min_power_w, games.max_power_w)

    @jax.jit
    def mine(game, low, high):
        y, value, settled, spent = best_ascent(game, low, high)
        return jnp.exp(y), 2.0 * value, settled, spent

    game = on_device(games, "float32")
    low = jnp.log(jnp.asarray(games.min_power_w, "float32"))
    high = jnp.log(jnp.asarray(games.max_power_w, "float32"))
    power, twice, settled, spent = mine(game, low, high)
    assert power.dtype == twice.dtype == jnp.float32
    assert settled.all() and (np.asarray(spent) >= 3 * 5).all()
    np.testing.assert_allclose(twice / 2.0, exact.value, rtol=2e-4)
    for row in range(24):
        at = objective(
            np.asarray(power[:, row], dtype=np.float64),
            games.game(row),
        )
        assert at == pytest.approx(float(twice[row]) / 2.0, rel=2e-6)


def test_one_ascent_climbs_to_a_stationary_point():
    games = realistic(2, 12)
    with jax.enable_x64(True):
        game = on_device(games, "float64")
        low, high = jnp.log(games.min_power_w), jnp.log(games.max_power_w)
        start = jnp.broadcast_to(0.5 * (low + high), (2, 12))
        end = jax.jit(ascend)(start, game, low, high)
        assert end.done.all()
        before = jax.jit(single_level_objective)(jnp.exp(start), game)
        assert (end.value >= before).all()
        at_limit = (end.log_power <= low) | (end.log_power >= high)
        slope = jnp.where(at_limit, 0.0, jnp.abs(end.gradient)).max(axis=0)
        assert (slope <= 1e-6 * end.value).all()


def test_the_objective_is_differentiable_in_powers_and_channel():
    games = only_games(cell(1, 3, coupling=0.4))
    power = jnp.array([[0.1], [0.5], [0.9]])
    with jax.enable_x64(True):
        game = on_device(games, "float64")
        power = jnp.asarray(power, "float64")

        @jax.jit
        def value(power, game):
            return single_level_objective(power, game)[0]

        slope_of_power, slope_of_game = jax.grad(value, argnums=(0, 1))(power, game)
        step = 1e-6
        for j in range(3):
            more, less = (value(power.at[j, 0].add(d), game) for d in (step, -step))
            wanted = float(more - less) / (2 * step)
            assert float(slope_of_power[j, 0]) == pytest.approx(wanted, rel=1e-6)
        for name in Game._fields:
            field = getattr(game, name)
            more, less = (
                value(power, game._replace(**{name: field * (1.0 + d)}))
                for d in (step, -step)
            )
            wanted = float(more - less) / (2 * step)
            slope = float((getattr(slope_of_game, name) * field).sum())
            assert slope == pytest.approx(wanted, rel=1e-5, abs=1e-9)


def test_the_objective_is_the_leaders_utility_at_induced_prices():
    fields = random_cell(2, 3, follower_price_weight=0.4, leader_revenue_weight=1.7)
    scenario = Scenario(**fields)
    channel, _ = channel_of(fields)
    powers = np.random.default_rng(2).uniform(0.01, 1.0, (20, 3))
    wanted = oracle.leader_utilities(
        channel, oracle.induced_prices(channel, powers), powers
    )
    with jax.enable_x64(True):
        game = on_device(only_games(scenario), "float64")
        same = jax.tree.map(lambda x: jnp.broadcast_to(x, (*x.shape[:-1], 20)), game)
        value = single_level_objective(jnp.asarray(powers.T), same)
    reached = np.asarray(value) * scenario.spend_scale
    np.testing.assert_allclose(reached, wanted, rtol=1e-12)


def test_the_precision_setting_is_left_as_it_was():
    games = realistic(1, 3)
    before = jax.config.read("jax_enable_x64")
    found = solve_games(games, games.min_power_w, games.max_power_w)
    assert found.value.dtype == np.float64
    assert jax.config.read("jax_enable_x64") == before
