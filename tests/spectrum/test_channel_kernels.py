"""The numba kernels against differences, automatic differentiation and grids."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stackelberg.spectrum import bilevel, generate
from stackelberg.spectrum.channel_game import (
    ChannelColumns,
    ChannelGame,
    ChannelGames,
    games_of,
)
from stackelberg.spectrum.channel_kernels import (
    best_of_starts,
    curvature,
    local_maximum,
    objective,
    value_and_gradient,
)


def games(num_pairs: int, *, ratio: float = 0.3, num_channels: int = 6) -> ChannelGames:
    scenario = generate(
        seed=11,
        num_channels=num_channels,
        num_pairs=16,
        follower_price_weight=ratio,
        leader_revenue_weight=1.7,
    )
    random = np.random.default_rng(num_pairs)
    return games_of(
        [scenario],
        [
            (0, c, np.sort(random.choice(16, num_pairs, replace=False)))
            for c in range(num_channels)
        ],
    )


def limits(g: ChannelGames) -> tuple[np.ndarray, np.ndarray]:
    return np.log(g.min_power_w), np.log(g.max_power_w)


def derivatives(
    y: np.ndarray, game: ChannelGame
) -> tuple[float, np.ndarray, np.ndarray]:
    k = len(y)
    gradient, share = np.empty(k), np.empty((k, k + 1))
    rho, bend, work = np.empty(k + 1), np.empty(k + 1), np.empty(k + 1)
    value = value_and_gradient(np.exp(y), game, gradient, share, rho, bend, work)
    minus = np.zeros((k, k))
    curvature(np.arange(k), k, share, rho, bend, work, minus)
    hessian = -(np.tril(minus) + np.tril(minus, -1).T)
    return value, gradient, hessian


def somewhere(g: ChannelGames, seed: int) -> np.ndarray:
    low, high = limits(g)
    return np.random.default_rng(seed).uniform(low[0], high[0], g.num_pairs)


@pytest.mark.parametrize("num_pairs", [1, 3, 7])
def test_derivatives_are_those_of_automatic_differentiation(num_pairs, strict_ranks):
    g = games(num_pairs)
    with jax.enable_x64(True):
        for c in range(len(g)):
            y = somewhere(g, c)
            batched = jax.tree.map(
                lambda x, c=c: jnp.asarray(x[..., c]), bilevel.game_arrays(g)
            )

            def leader(y, game=batched):
                return bilevel.single_level_objective(jnp.exp(y), game)

            value, gradient, hessian = derivatives(y, g.game(c))
            assert value == pytest.approx(float(leader(y)), rel=1e-14)
            np.testing.assert_allclose(
                gradient, jax.grad(leader)(y), rtol=1e-11, atol=1e-14
            )
            np.testing.assert_allclose(
                hessian, jax.hessian(leader)(y), rtol=1e-11, atol=1e-14
            )


@pytest.mark.parametrize("num_pairs", [1, 2, 5])
def test_derivatives_are_those_of_central_differences(num_pairs):
    g = games(num_pairs)
    step = 1e-5
    for c in range(len(g)):
        y, game = somewhere(g, 100 + c), g.game(c)
        _, gradient, hessian = derivatives(y, game)
        for i in range(num_pairs):
            ahead, behind = y.copy(), y.copy()
            ahead[i] += step
            behind[i] -= step
            slope = objective(np.exp(ahead), game) - objective(np.exp(behind), game)
            turn = derivatives(ahead, game)[1] - derivatives(behind, game)[1]
            assert gradient[i] == pytest.approx(slope / (2 * step), abs=1e-9)
            np.testing.assert_allclose(hessian[i], turn / (2 * step), atol=1e-9)


def test_curvature_of_some_variables_is_that_part_of_the_whole():
    g = games(6)
    y, game = somewhere(g, 3), g.game(2)
    _, _, hessian = derivatives(y, game)
    gradient, share = np.empty(6), np.empty((6, 7))
    rho, bend, work = np.empty(7), np.empty(7), np.empty(7)
    value_and_gradient(np.exp(y), game, gradient, share, rho, bend, work)
    free = np.array([1, 3, 4, 0, 0, 0])
    minus = np.zeros((6, 6))
    curvature(free, 3, share, rho, bend, work, minus)
    whole = np.tril(-hessian[np.ix_(free[:3], free[:3])])
    np.testing.assert_array_equal(minus[:3, :3], whole)
    assert not minus[3:].any()


@pytest.mark.parametrize("num_pairs", [1, 2, 4, 9])
@pytest.mark.parametrize("ratio", [0.1, 1.0])
def test_ascent_ends_where_no_power_may_rise_further(num_pairs, ratio):
    g = games(num_pairs, ratio=ratio)
    low, high = limits(g)
    for c in range(len(g)):
        game = g.game(c)
        lows, highs = np.full(num_pairs, low[c]), np.full(num_pairs, high[c])
        y = somewhere(g, 40 + c)
        start = objective(np.exp(y), game)
        value, iterations = local_maximum(y, lows, highs, game)
        assert value >= start
        assert value == pytest.approx(objective(np.exp(y), game), rel=1e-14)
        assert np.all((y >= lows) & (y <= highs))
        assert 0 <= iterations < 100
        _, gradient, _ = derivatives(y, game)
        outward = ((y == lows) & (gradient <= 0)) | ((y == highs) & (gradient >= 0))
        np.testing.assert_array_less(np.where(outward, 0.0, np.abs(gradient)), 1e-6)


@pytest.mark.parametrize("ratio", [0.1, 1.0])
def test_best_of_starts_is_the_best_on_a_grid_of_two_powers(ratio):
    g = games(2, ratio=ratio)
    low, high = limits(g)
    point, value = best_of_starts(
        g.columns(),
        low,
        high,
    )
    for c in range(len(g)):
        axis = np.exp(np.linspace(low[c], high[c], 60))
        on_grid = max(
            objective(np.array([first, second]), g.game(c))
            for first in axis
            for second in axis
        )
        assert value[c] >= on_grid * (1 - 1e-14)
        assert value[c] <= on_grid * (1 + 1e-2)
        reached = objective(np.exp(point[c]), g.game(c))
        assert reached == pytest.approx(value[c], rel=1e-14)


def test_no_corner_of_the_power_box_is_a_better_start():
    """Three strongly coupled pairs: the common starts alone miss 7 % of such channels,
    starting with each pair alone high misses none.
    """
    random = np.random.default_rng(0)
    missed_by_common_starts = 0
    low, high = np.full(3, np.log(1e-3)), np.zeros(3)
    for _ in range(200):
        coupling = 10.0 ** random.uniform(-1, 2, (3, 3))
        np.fill_diagonal(coupling, 0.0)
        game = ChannelGame(
            10.0 ** random.uniform(0, 3),
            10.0 ** random.uniform(-1, 2, 3),
            10.0 ** random.uniform(-3, 0, 3),
            coupling,
            1.0,
            1.0,
            1e-3,
            1.0,
        )
        batch = ChannelColumns(*(np.array([x]) for x in game))
        value = best_of_starts(batch, low[:1], high[:1])[1][0]

        def reached(start, game=game):
            return local_maximum(np.array(start), low, high, game)[0]

        corners = itertools.product((low[0], high[0]), repeat=3)
        assert max(reached(corner) for corner in corners) <= value * (1 + 1e-12)
        common = max(reached(start) for start in (low, high, 0.5 * (low + high)))
        missed_by_common_starts += common < value * (1 - 1e-9)
    assert missed_by_common_starts >= 5


@pytest.mark.parametrize("num_pairs", [1, 2, 4])
def test_best_of_starts_agrees_with_the_batched_solver(num_pairs):
    g = games(num_pairs)
    low, high = limits(g)
    _, value = best_of_starts(
        g.columns(),
        low,
        high,
    )
    wanted = bilevel.solve_games(g, g.min_power_w, g.max_power_w).value
    np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_a_channel_does_not_depend_on_the_others_in_the_batch():
    g = games(4)
    low, high = limits(g)

    def solve(rows):
        part = g.take(np.array(rows))
        return best_of_starts(
            part.columns(),
            low[rows],
            high[rows],
        )

    whole, alone = solve([0, 1, 2, 3]), solve([2])
    np.testing.assert_array_equal(whole[0][2], alone[0][0])
    assert whole[1][2] == alone[1][0]
