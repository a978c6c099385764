"""Tokens and heads: equal pairs, any size, prices that ask for what was meant."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stackelberg import envs
from stackelberg.learning.heads import bounded, follower_power_w, price_of_answer
from stackelberg.learning.policy import LinkPolicy, new_policy
from stackelberg.learning.tokens import follower_tokens, leader_tokens
from stackelberg.spectrum import RadioModel


def cell(num_channels: int = 3, num_pairs: int = 5, **more: Any) -> envs.EnvParams:
    """A cell of given gains, which compiles much faster than one of places."""
    draw = np.random.default_rng(4)
    m, n = num_channels, num_pairs

    def gains(decades: float, *shape: int) -> Any:
        return 10.0 ** (decades + draw.normal(scale=0.5, size=(1, *shape)))

    given = envs.Gains(
        gains(-10.5, m), gains(-8.0, n), gains(-11.0, m, n),
        gains(-12.0, m, n), gains(-12.0, n, n),
    )  # fmt: skip
    return envs.make_params(
        num_channels=m,
        num_pairs=n,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        information=more.pop("information", envs.local()),
        gains=envs.GainTrace(given),
        fading=None,
        **more,
    )


@cache
def policy() -> LinkPolicy:
    return new_policy(jax.random.key(1), cell(), width=8)


@jax.jit
def _observed(key: Any, params: envs.EnvParams) -> tuple[Any, Any]:
    state = envs.reset(key, params)
    price = jnp.full(params.num_pairs, 1e20, jnp.float32)
    return envs.observe_leader(state, params), envs.observe_followers(
        state, price, params
    )


def observed(params: envs.EnvParams, seed: int = 0) -> tuple[Any, Any]:
    return _observed(jax.random.key(seed), params)


act_leader = jax.jit(LinkPolicy.act_leader)
act_followers = jax.jit(LinkPolicy.act_followers)


def test_permuting_pairs_permutes_prices_and_powers() -> None:
    params = cell()
    leader, followers = observed(params)
    grow = jnp.asarray([1.0, 3.0, 0.5, 2.0, 7.0], jnp.float32)
    leader = leader._replace(
        reuse_price=3e17 * grow,
        payment=1e4 * grow,
        quoted_gain=1e-12 * grow,
        highest_price=1e22 / grow,
    )
    order = np.array([2, 4, 0, 1, 3])
    moved = leader._replace(
        d2d_to_bs=leader.d2d_to_bs[:, order],
        channel=leader.channel[order],
        reuse_price=leader.reuse_price[order],
        payment=leader.payment[order],
        quoted_gain=leader.quoted_gain[order],
        highest_price=leader.highest_price[order],
    )
    price = act_leader(policy(), leader, params)
    np.testing.assert_allclose(
        act_leader(policy(), moved, params), price[order], rtol=1e-4
    )
    rows = jax.tree.map(lambda leaf: leaf[order], followers)
    channel, power = act_followers(policy(), followers, params)
    channel_moved, power_moved = act_followers(policy(), rows, params)
    np.testing.assert_array_equal(channel_moved, channel[order])
    np.testing.assert_allclose(power_moved, power[order], rtol=1e-4)
    assert float(jnp.ptp(price) / price.mean()) > 0.1


@pytest.mark.parametrize(("channels", "pairs"), [(2, 3), (4, 16)])
def test_a_policy_runs_in_cells_of_other_sizes(channels: int, pairs: int) -> None:
    params = cell(channels, pairs)
    leader, followers = observed(params)
    price = act_leader(policy(), leader, params)
    channel, power = act_followers(policy(), followers, params)
    assert price.shape == channel.shape == power.shape == (pairs,)
    assert bool((price > 0.0).all() & jnp.isfinite(price).all())
    assert bool((power >= 0.0).all() & (power <= params.radio.max_power_w).all())


@pytest.mark.parametrize(
    "more",
    [
        {
            "information": envs.full(),
            "queues": envs.Queues(),
            "batteries": envs.Batteries(),
        },
        {"information": envs.Information(sensing="own"), "price_inertia": 0.5},
        {"information": envs.Information(delay_slots=1, memory_slots=8.0)},
    ],
    ids=["full", "own", "memory"],
)
def test_whatever_is_observed_makes_finite_features(more: dict[str, Any]) -> None:
    params = cell(2, 3, **more)
    leader, followers = observed(params)
    rows = jax.jit(leader_tokens)(leader, params).features
    own = jax.jit(follower_tokens)(followers, followers.channel, params).features
    assert rows.shape[0] == own.shape[0] == 3
    assert np.isfinite(rows).all() and np.isfinite(own).all()
    assert np.abs(rows).max() < 10.0 and np.abs(own).max() < 10.0


def test_a_pair_answers_the_price_of_an_answer_with_it() -> None:
    radio = cell().radio
    answer = jnp.asarray([1e-6, 1e-3, 0.3], jnp.float32)
    gain = jnp.asarray([1e-15, 1e-12, 1e-9], jnp.float32)
    price = np.asarray(price_of_answer(answer, gain, radio), np.float64)
    # argmax_p W log2(1 + p / s) - beta^f price p gain, so p + s = answer.
    s = 1e-7
    power = np.linspace(0.0, 2e-3, 200_001)
    utility = 180e3 * np.log2(1.0 + power / s) - 0.3 * price[1] * power * 1e-12
    assert power[utility.argmax()] + s == pytest.approx(1e-3, rel=1e-3)


def test_an_untrained_follower_is_near_its_delayed_best_response() -> None:
    params = cell()
    _, followers = observed(params)
    tokens = follower_tokens(followers, followers.channel, params)
    exactly = follower_power_w(jnp.zeros((5, 2)), tokens, params)
    wanted = np.asarray(tokens.answer_w) - np.asarray(tokens.noise_w)
    np.testing.assert_allclose(exactly, np.clip(wanted, 0.0, 0.1995), rtol=1e-3)


def test_bounded_outputs_bend_and_still_have_slope() -> None:
    x = jnp.asarray([-100.0, -0.1, 0.0, 0.1, 100.0])
    found = np.asarray(bounded(x, 8.0))
    np.testing.assert_allclose(found[1:4], [-0.1, 0.0, 0.1], atol=1e-5)
    assert (np.abs(found) < 8.0).all()
    slope = float(jax.grad(lambda v: bounded(v, 8.0))(jnp.float32(30.0)))
    assert slope > 0.01


def test_followers_choose_among_all_channels_by_their_own_rows() -> None:
    params = cell()
    chooser = new_policy(jax.random.key(2), params, width=8, channels="learned")
    _, followers = observed(params)
    channel, _ = act_followers(chooser, followers, params)
    louder = followers._replace(own=followers.own.at[0].multiply(1e3))
    other, _ = act_followers(chooser, louder, params)
    np.testing.assert_array_equal(other[1:], channel[1:])
    assert channel.dtype == jnp.int32 and bool((channel < 3).all())
