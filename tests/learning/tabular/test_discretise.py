"""Cells as tabular games: the same utilities, and an equilibrium that comes nearer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from spectrum.cases import cell, fixed_cell

from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.learning import (
    StqSettings,
    iterate_values,
    learn_stq,
    solve_stage_games,
)
from stackelberg.learning.tabular.discretise import (
    discretise,
    fading_cells,
    power_grid,
    price_grid,
    rayleigh_levels,
)
from stackelberg.learning.tabular.grid_error import followers_contract, grid_error_bound
from stackelberg.spectrum import follower_equilibrium, outcome, solve

ONE = np.ones(2)


def test_rewards_are_the_cells_utilities() -> None:
    game_cell = fixed_cell(1, 2, num_channels=2)
    prices, powers = price_grid(game_cell, 3), power_grid(game_cell, 4)
    game = discretise([game_cell], np.ones((1, 1)), prices, powers)
    assert game.reward.shape == (3, 1, 9, 4, 4)
    for leader, first, second in ((0, 0, 0), (5, 1, 3), (8, 3, 2)):
        price = np.array([prices[0, leader // 3], prices[1, leader % 3]])
        power = np.array([powers[first], powers[second]])
        told = outcome(game_cell, game_cell.channel, price, power)  # type: ignore[arg-type]
        found = game.reward[:, 0, leader, first, second] * game_cell.bandwidth_hz
        wanted = [*told.follower_utility, told.leader_utility]
        assert np.allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_one_shot_equilibrium_comes_near_the_certified_one(seed: int) -> None:
    game_cell = fixed_cell(seed, 2, coupling=0.1, spread=0.5)
    assert followers_contract(game_cell)
    certified = solve(game_cell)
    assert certified.status.label == "converged"
    errors: list[float] = []
    bounds: list[float] = []
    for sizes in ((3, 5), (5, 17), (9, 65)):
        prices, powers = (
            price_grid(game_cell, sizes[0]),
            power_grid(game_cell, sizes[1]),
        )
        game = discretise([game_cell], np.ones((1, 1)), prices, powers)
        found = solve_stage_games(game.reward)
        assert (found.num_equilibria > 0).all()
        utility = float(found.value[-1, 0]) * game_cell.bandwidth_hz
        bound = grid_error_bound(game_cell, prices, powers)
        slack = float(certified.certificate.bilevel_gap)
        assert abs(utility - certified.value.leader_utility) <= bound + slack
        errors.append(abs(utility - certified.value.leader_utility))
        bounds.append(bound)
    assert bounds[0] > 1.7 * bounds[1] > 1.7**2 * bounds[2]
    assert errors[2] < 0.02 * certified.value.leader_utility
    assert errors[2] < 0.5 * errors[0]


def test_powers_on_the_grid_are_as_near_as_the_bound_says() -> None:
    # The part of the bound that the followers answer for, price by price.
    game_cell = fixed_cell(5, 2, coupling=0.1, spread=0.5)
    prices, powers = price_grid(game_cell, 4), power_grid(game_cell, 33)
    game = discretise([game_cell], np.ones((1, 1)), prices, powers)
    found = solve_stage_games(game.reward)
    gap = float(np.diff(powers).max())
    for leader in range(16):
        price = np.array([prices[0, leader // 4], prices[1, leader % 4]])
        exact = follower_equilibrium(game_cell, price).transmit_power_w
        near = powers[found.reply[0, leader]]
        assert np.abs(near - exact).max() <= 2.0 * gap


def test_levels_of_fading_have_mean_one_and_the_chain_its_correlation() -> None:
    for levels in (1, 2, 5):
        assert rayleigh_levels(levels).mean() == pytest.approx(1.0)
        draws = np.random.default_rng(0).exponential(size=200_000)
        bins = np.sort(draws).reshape(levels, -1).mean(axis=1)
        assert np.allclose(rayleigh_levels(levels), bins, rtol=0.03)
    base = fixed_cell(2, 2)
    cells, chain = fading_cells(base, 3, 0.6)
    assert (len(cells), chain.shape) == (9, (9, 9))
    assert np.allclose(chain.sum(axis=1), 1.0)
    first = np.array([c.gain_d2d[0] / base.gain_d2d[0] for c in cells])
    mean = first.mean()  # all states are equally likely
    assert mean == pytest.approx(1.0)
    spread = ((first - mean) ** 2).mean()
    after = chain @ (first - mean)
    assert ((first - mean) * after).mean() == pytest.approx(0.6 * spread)


def test_learning_in_a_fading_cell_finds_the_one_shot_equilibrium() -> None:
    base = fixed_cell(4, 2, coupling=0.1, spread=0.5)
    cells, chain = fading_cells(base, 2, 0.5)
    game = discretise(cells, chain, price_grid(base, 2), power_grid(base, 3), 0.5)
    once = solve_stage_games(game.reward)
    assert game.exogenous
    exact = iterate_values(game)
    assert exact.status.label == "converged"
    assert np.array_equal(exact.value.leader_action, once.leader_action)
    assert np.array_equal(exact.value.reply, once.reply)
    learnt = learn_stq(game, settings=StqSettings(steps=400_000))
    assert learnt.certificate.holds(0.05)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: price_grid(cell(0, 2), 3), ConfigError, "FixedPriceBounds"),
        (lambda: price_grid(fixed_cell(0, 2), 1), DomainError, "size: expected"),
        (lambda: fading_cells(fixed_cell(0, 2), 0, 0.5), DomainError, "levels"),
        (lambda: fading_cells(fixed_cell(0, 2), 2, 1.0), DomainError, "persistence"),
        (lambda: discretise([], [[1.0]], [[1.0]], [1.0]), ShapeError, "equal size"),
        (lambda: discretise([cell(0, 2)], [[1.0]], [[1.0]], [1.0]), ShapeError, "pric"),
        (lambda: grid_error_bound(cell(0, 2), ONE, ONE), ConfigError, "fixed"),
        (lambda: bound_of(fixed_cell(0, 2, coupling=30.0)), DomainError, "radius"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(
    call: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        call()


def bound_of(game_cell: Any) -> float:
    return grid_error_bound(
        game_cell, price_grid(game_cell, 2), power_grid(game_cell, 2)
    )
