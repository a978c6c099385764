"""A slot's equilibrium, responses and regrets against `solve`, grids and deviations."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from envs.cells import (
    actions,
    many_reset,
    many_step,
    observe_leader,
    recorded,
    reset,
    standard,
    step,
)
from oracles.bilevel import best_powers
from oracles.power_game import Channel

from stackelberg import envs
from stackelberg.errors import ConfigError
from stackelberg.spectrum import FixedPriceBounds, RadioModel, Scenario, solve_batch

KEY = jax.random.key(5)
FIXED = RadioModel(
    follower_price_weight=0.3,
    price_bounds=FixedPriceBounds(np.full(4, 3e15), np.full(4, 3e17)),
)


COUNT = 24
SLOT_GAME = jax.jit(envs.slot_game, static_argnames="seen")
UTILITIES = jax.jit(envs.utilities)
RESPOND = jax.jit(envs.follower_response)
ANSWER = jax.jit(envs.best_responses)


@jax.jit
@partial(jax.vmap, in_axes=(0, None))
def look(state: envs.State, params: envs.EnvParams) -> Any:
    """A slot's game and its equilibria by both concepts."""
    game = envs.slot_game(state, params, state.memory.channel)
    return game, {
        "bilevel": envs.slot_equilibrium(game, concept="bilevel"),
        "iterated": envs.slot_equilibrium(game, concept="iterated"),
    }


@cache
def slots(**settings: Any) -> tuple[envs.EnvParams, Any, Any, Any]:
    """Environments in float64, their states, games, and equilibria; in NumPy."""
    params = standard(dtype="float64", **settings)
    states = many_reset(jax.random.split(KEY, COUNT), params)
    return params, *jax.device_get((states, *look(states, params)))


def at(tree: Any, index: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)


def scenarios(states: Any, params: envs.EnvParams, count: int) -> list[Scenario]:
    return [
        envs.scenario_of(at(states, i), params, states.memory.channel[i])
        for i in range(count)
    ]


def channels_of(scenario: Scenario) -> list[Channel]:
    """Each occupied channel of a scenario, for the oracles."""
    assert scenario.channel is not None
    found: list[Channel] = []
    for m in np.unique(scenario.channel):
        pairs = np.flatnonzero(scenario.channel == m)
        found.append(
            Channel(
                own=scenario.gain_d2d[m, pairs],
                to_bs=scenario.gain_d2d_to_bs[m, pairs],
                cross=scenario.gain_d2d_to_d2d[m][np.ix_(pairs, pairs)],
                heard=scenario.cellular_power_w[m]
                * scenario.gain_cellular_to_d2d[m, pairs],
                cellular_power=float(scenario.received_cellular_power_w[m]),
                noise=scenario.noise_power_w,
                bandwidth=scenario.bandwidth_hz,
                follower_price_weight=scenario.follower_price_weight,
                leader_revenue_weight=scenario.leader_revenue_weight,
                min_power=scenario.min_power_w,
                max_power=scenario.max_power_w,
            )
        )
    return found


@pytest.mark.parametrize("radio", [None, RadioModel(follower_price_weight=0.3), FIXED])
def test_the_equilibrium_is_the_solver_s(radio: RadioModel | None) -> None:
    with jax.enable_x64(True):
        settings = {} if radio is None else {"radio": radio}
        params, states, _, found = slots(**settings)
        cells = scenarios(states, params, COUNT)
        fixed = radio is FIXED
        for concept in ("bilevel", "iterated"):
            mine = found[concept]
            solved = solve_batch(cells, concept, max_boxes=2_000)
            for i, answer in enumerate(solved):
                bound = answer.certificate.bilevel_bound
                utility = float(mine.leader_utility[i])
                # With fixed bounds the search is local, and both may stop at a kink.
                slack = 2e-3 if fixed and concept == "bilevel" else 1e-5
                assert utility >= answer.value.leader_utility * (1.0 - slack)
                assert utility <= bound * (1.0 + 1e-9)
                if concept == "iterated":
                    np.testing.assert_allclose(
                        mine.transmit_power_w[i],
                        answer.value.transmit_power_w,
                        atol=1e-8 * cells[i].max_power_w,
                    )
            assert np.all(mine.residual_w <= 1e-9)
            assert np.all(mine.leader_utility >= mine.silent_utility * 0.9)
        both = found["bilevel"].leader_utility - found["iterated"].leader_utility
        assert np.all(both >= -1e-9 * found["bilevel"].leader_utility)
        assert found["bilevel"].converged.mean() >= 0.9


def test_the_equilibrium_is_that_of_a_grid_where_nobody_must_transmit() -> None:
    with jax.enable_x64(True):
        radio = RadioModel(min_power_w=0.0, follower_price_weight=0.3)
        params, states, _, found = slots(radio=radio)
        done = 0
        for i, cell in enumerate(scenarios(states, params, 12)):
            channels = channels_of(cell)
            if max(len(channel.own) for channel in channels) > 2:
                continue
            busy = sum(best_powers(channel).utility for channel in channels)
            assert cell.channel is not None
            idle = np.setdiff1d(np.arange(cell.num_channels), cell.channel)
            snr = cell.received_cellular_power_w[idle] / cell.noise_power_w
            total = busy + cell.bandwidth_hz * np.log2(1.0 + snr).sum()
            mine = at(found["bilevel"], i)
            assert float(mine.leader_utility) == pytest.approx(total, rel=1e-6)
            silent = cell.bandwidth_hz * np.log2(
                1.0 + cell.received_cellular_power_w / cell.noise_power_w
            )
            assert float(mine.silent_utility) == pytest.approx(silent.sum(), rel=1e-12)
            done += 1
        assert done >= 4


FREE = RadioModel(min_power_w=0.0, follower_price_weight=0.3)


@pytest.mark.parametrize(
    "settings",
    [
        {"radio": FREE, "billing": "quoted", "information": envs.noisy(6.0)},
        {"radio": FREE, "price_per_channel": True, "price_inertia": 0.5},
        {
            "radio": FIXED,
            "equilibrium": "iterated",
            "max_pairs_per_channel": 1,
            "batteries": envs.Batteries(0.003, 0.05),
        },
    ],
    ids=["quoted", "per channel", "fixed and limited"],
)
def test_info_says_what_the_slot_was_and_how_far_from_equilibrium(
    settings: dict[str, Any],
) -> None:
    with jax.enable_x64(True):
        params = recorded(**{"dtype": "float64", "equilibrium": "bilevel", **settings})
        plan = jax.device_get(actions(3, 2, params))
        state = step(KEY, reset(KEY, params), at(plan, 0), params).state
        action = at(plan, 1)
        result = jax.device_get(step(KEY, state, action, params))
        info, outcome = result.info, result.outcome
        game = jax.device_get(SLOT_GAME(state, params, action.channel))
        charged = jax.jit(envs.charged_price)(state, action.reuse_price, params)
        price = np.asarray(charged)
        if price.ndim == 2:
            price = price[action.channel, np.arange(params.num_pairs)]
        power = outcome.transmit_power_w
        leader, followers = UTILITIES(game, price, power)
        assert float(leader) == pytest.approx(float(result.leader_reward), rel=1e-12)
        np.testing.assert_allclose(followers, outcome.follower_utility, rtol=1e-9)
        assert np.all((power >= game.min_power_w) & (power <= game.max_power_w))
        # Regret: the best of many powers of one pair, all others as they were.
        s = game.noise + game.coupling @ power
        paid = price
        if params.price_limits is None:
            paid = np.minimum(price, game.price_scale / (game.min_power_w + s))
        for j in range(params.num_pairs):
            tried = np.linspace(game.min_power_w[j], game.max_power_w[j], 2001)
            spent = paid[j] / game.price_scale[j] * tried
            nats = np.log1p(tried / s[j]) - spent
            value = game.follower_price_weight * game.spend_scale * nats
            best = float(value.max() - followers[j])
            assert float(info.follower_regret[j]) == pytest.approx(
                max(best, 0.0), rel=1e-3, abs=1e-2
            )
        settled = RESPOND(game, price)
        posted = UTILITIES(game, price, settled)[0]
        top = info.equilibrium.leader_utility
        assert float(info.leader_regret) == pytest.approx(float(top - posted))
        if params.equilibrium == "bilevel":
            assert float(info.leader_regret) >= -1e-6 * float(top)
        zero = info.equilibrium.silent_utility
        if float(top) <= float(
            zero
        ):  # `iterated` may earn less than the dearest prices
            assert np.isnan(info.gain)
            assert np.isnan(info.re_equilibrated_gain)
            return
        worth = float(top - zero)
        assert float(info.re_equilibrated_gain) * worth == pytest.approx(
            float(posted - zero)
        )
        assert float(info.gain) * worth == pytest.approx(float(leader - zero))


def test_playing_the_equilibrium_leaves_no_regret_in_any_batch() -> None:
    with jax.enable_x64(True):
        params, states, games, found = slots()
        carried = standard(dtype="float64", equilibrium="bilevel")
        mine = found["bilevel"]
        plan = envs.Action(
            mine.reuse_price, states.memory.channel, mine.transmit_power_w
        )
        keys = jax.random.split(KEY, COUNT)
        result = jax.device_get(many_step(keys, states, plan, carried))
        np.testing.assert_allclose(
            result.leader_reward, mine.leader_utility, rtol=1e-12
        )
        assert result.info.follower_regret.max() <= 1e-6
        assert np.nanmax(np.abs(result.info.gain - 1.0)) <= 1e-6
        assert float(envs.mean_gain(result.leader_reward, mine)) == pytest.approx(1.0)
        alone = jax.jit(envs.slot_equilibrium)(at(games, 3))
        assert float(alone.leader_utility) == pytest.approx(
            float(mine.leader_utility[3]), rel=1e-12
        )
        without: Any = jax.eval_shape(many_step, keys, states, plan, params)
        assert without.info is None


def test_float32_equilibria_are_those_of_float64() -> None:
    with jax.enable_x64(True):
        radio = RadioModel(follower_price_weight=0.3)
        _, _, games, found = slots(radio=radio)
        single = jax.tree.map(
            lambda x: x.astype(np.float32) if x.dtype == np.float64 else x, games
        )
        low = jax.jit(jax.vmap(envs.slot_equilibrium))(single)
    assert low.leader_utility.dtype == jnp.float32
    np.testing.assert_allclose(
        low.leader_utility, found["bilevel"].leader_utility, rtol=1e-4
    )
    assert bool(low.converged.all())


def test_pairs_find_an_equilibrium_where_there_are_several() -> None:
    # F = [[0, 2], [2, 0]], b = (1, 1), box [0, 1], twice, and a pair that is shut out.
    with jax.enable_x64(True):
        coupling = np.zeros((5, 5))
        coupling[0, 1] = coupling[1, 0] = 2.0
        coupling[2, 3] = coupling[3, 2] = 3.0
        ones = jnp.ones(5)
        game = envs.SlotGame(
            channel=jnp.array([0, 0, 1, 1, 2]),
            cellular_snr=jnp.ones(3),
            bs_gain=ones,
            noise=0.1 * ones,
            coupling=jnp.asarray(coupling),
            price_scale=ones,
            follower_price_weight=jnp.asarray(1.0),
            leader_revenue_weight=jnp.asarray(1.0),
            spend_scale=jnp.asarray(1.0),
            min_power_w=0.0 * ones,
            max_power_w=ones.at[4].set(0.0),
            price_limits=None,
        )
        for wanted in ([1.0, 1.0, 1.0, 1.0, 1.0], [0.9, 0.2, 0.5, 1.7, 1.0]):
            price = 1.0 / (0.1 + jnp.asarray(wanted))
            power = RESPOND(game, price)
            answer = ANSWER(game, price, power)
            np.testing.assert_allclose(power, answer, atol=1e-12)
            assert power[4] == 0.0


def test_the_response_has_its_exact_derivative() -> None:
    with jax.enable_x64(True):
        radio = RadioModel(min_power_w=0.0, follower_price_weight=0.3)
        _, _, games, _ = slots(radio=radio)
        game = at(games, 1)
        wanted = np.asarray([0.01, 0.03, 0.02, 0.05])
        price = np.asarray(jax.jit(envs.implied_price)(game, wanted))
        slope = jax.jit(jax.jacobian(envs.follower_response, argnums=1))(game, price)
        for j in range(4):
            nudge = 1e-5 * price[j] * (np.arange(4) == j)
            up, down = (
                np.asarray(RESPOND(game, at)) for at in (price + nudge, price - nudge)
            )
            numeric = (up - down) / (2e-5 * price[j])
            np.testing.assert_allclose(
                slope[:, j] * price[j], numeric * price[j], rtol=1e-6, atol=1e-10
            )


def test_seen_games_are_what_full_information_shows() -> None:
    with jax.enable_x64(True):
        told = envs.Information(3.0, scope="full", delay_slots=2)
        params = recorded(dtype="float64", information=told)
        state = reset(KEY, params)
        channel = np.array([0, 1, 0, 0])
        shown = jax.device_get(observe_leader(state, params)).everything
        game = SLOT_GAME(state, params, channel, seen=True)
        pair = np.arange(4)
        own = shown.d2d[channel, pair]
        shared = channel[:, None] == channel[None]
        cross = np.where(shared, shown.d2d_to_d2d[channel, pair], 0.0)
        np.testing.assert_allclose(game.coupling, cross.T / own[:, None], rtol=1e-12)
        noise = float(params.radio.noise_power_w)
        np.testing.assert_allclose(
            game.bs_gain, shown.d2d_to_bs[channel, pair] / noise, rtol=1e-12
        )
        true = SLOT_GAME(state, params, channel)
        assert not np.allclose(true.bs_gain, game.bs_gain, rtol=0.01)


def test_unknown_equilibria_are_refused() -> None:
    wrong: Any = "bilevl"
    with pytest.raises(ConfigError, match=r"equilibrium: .*bilevel"):
        envs.make_params(equilibrium=wrong)
