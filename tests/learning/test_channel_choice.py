"""Channels that pairs choose: odds and values against enumeration, and a world in
which the best channel is obvious.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning.small_cells import cell
from learning.tiny_methods import begun_at_once, compiling_quickly
from oracles import channel_odds as oracle
from oracles import policy_gradient, slot_learning

from stackelberg import envs
from stackelberg.envs.slot_game import slot_game
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.learning.actor_critic import values_everywhere
from stackelberg.learning.channel_choice import drawn_channel, expected_value
from stackelberg.learning.channel_menu import (
    channel_menu,
    game_on,
    utility_everywhere,
)
from stackelberg.learning.critics import Actions, Critic, Values
from stackelberg.learning.gradient import SingleLevel
from stackelberg.learning.independent_q import GridPolicy, IndependentQ, Kept, Taken
from stackelberg.learning.networks import LinkNetwork
from stackelberg.learning.policy import channel_scores, new_policy, scores_of
from stackelberg.learning.proximal import Agents, Choice, Ippo, Sight
from stackelberg.learning.transitions import (
    features_everywhere,
    follower_features,
    moment,
    with_price,
)
from stackelberg.spectrum import RadioModel

SCORES = [[0.3, -1.0, 2.0], [0.0, 0.1, -0.2]]
VALUE = [[1.0, 0.2, 0.7], [0.0, 3.0, -1.0]]


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with compiling_quickly():
        yield


def test_what_choosers_climb_is_the_mean_over_all_channels_and_the_entropy() -> None:
    scores, value = jnp.asarray(SCORES), jnp.asarray(VALUE)
    found = expected_value(scores, value, 0.3)
    slope = jax.grad(lambda s: expected_value(s, value, 0.3).sum())(scores)
    for j, row in enumerate(SCORES):
        assert float(found[j]) == pytest.approx(
            oracle.expected(row, VALUE[j], 0.3), rel=1e-5
        )
        for m in range(3):

            def along(at: list[float], pair: int = j) -> float:
                return oracle.expected(at, VALUE[pair], 0.3)

            wanted = slot_learning.slope(along, row, m)
            assert float(slope[j, m]) == pytest.approx(wanted, abs=1e-4)


def test_at_the_best_odds_nothing_is_left_to_climb() -> None:
    value = jnp.asarray(VALUE)
    best = jnp.log(jnp.asarray([oracle.best_odds(row, 0.3) for row in VALUE]))
    slope = jax.grad(lambda s: expected_value(s, value, 0.3).sum())(best)
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)


def test_channels_are_drawn_with_the_odds_of_their_scores() -> None:
    keys = jax.random.split(jax.random.key(0), 4000)
    drawn = jax.vmap(drawn_channel, in_axes=(0, None))(keys, jnp.asarray(SCORES))
    for j, row in enumerate(SCORES):
        share = np.bincount(np.asarray(drawn[:, j]), minlength=3) / 4000
        np.testing.assert_allclose(share, oracle.odds(row), atol=0.03)


LAST = [0, 1, 1, 0]
ALONE = jnp.asarray(
    [[*LAST[:j], m, *LAST[j + 1 :]] for j in range(4) for m in range(2)]
)
"""Channels where one pair at a time leaves its last for another."""


@pytest.mark.parametrize("billing", ["quoted", "instantaneous"])
def test_a_menu_holds_the_game_of_every_channel(billing: Any) -> None:
    params = cell(billing=billing, switching_loss=0.4)
    last, moved = jnp.asarray(LAST), jnp.asarray([1, 1, 1, 0])
    price = jnp.asarray([3e17, 1e17, 2e18, 4e17], jnp.float32)
    power = jnp.asarray([0.01, 0.02, 0.0, 0.005], jnp.float32)
    own = jnp.asarray([[0.03, 0.01], [0.0, 0.002], [0.01, 0.01], [0.1, 0.02]])

    @jax.jit
    def found(key: Any) -> Any:
        state = envs.reset(key, params)
        menu = channel_menu(state, params)
        every = jnp.concatenate([ALONE, last[None], moved[None]])
        games = jax.vmap(lambda channel: slot_game(state, params, channel))(every)
        game = jax.tree.map(lambda leaf: leaf[-2], games)
        value = utility_everywhere(menu, game, last, price, power, own)
        return game_on(menu, game, moved), games, value

    on, games, value = found(jax.random.key(2))
    for one, other in zip(jax.tree.leaves(on), jax.tree.leaves(games), strict=True):
        np.testing.assert_allclose(one, other[-1], rtol=1e-5)
    alone = [jax.tree.map(lambda leaf, at=i: leaf[at], games) for i in range(8)]
    for j in range(4):
        for m in range(2):
            assert float(value[j, m]) == pytest.approx(
                _utility(alone[2 * j + m], price, power, own, j, m, last), rel=1e-4
            )


def _utility(
    game: Any, price: Any, power: Any, own: Any, j: int, m: int, last: Any
) -> float:
    """Pair j's utility on channel m over beta^f B, by the oracle, less what it loses
    by changing: .4 of its rate.
    """
    plain = {
        "channel": np.asarray(game.channel),
        "bs_gain": np.asarray(game.bs_gain, float),
        "noise": np.asarray(game.noise, float),
        "coupling": np.asarray(game.coupling, float),
        "price_scale": np.asarray(game.price_scale, float),
        "beta_f": 1.0,
        "scale": 1.0,
    }
    powers = [float(p) for p in power]
    powers[j] = float(own[j, m])
    value = slot_learning.follower(plain, [float(p) for p in price], powers, j)
    if int(last[j]) != m:
        s = slot_learning.heard(plain, powers, j)
        value -= 0.4 * float(np.log1p(powers[j] / s))
    return value


@cache
def begun() -> tuple[Any, Any]:
    """A slot, of which pairs see the price, and a policy whose pairs choose."""
    params = cell()

    @jax.jit
    def slot(key: Any) -> Any:
        first, second = jax.random.split(key)
        now = moment(envs.reset(first, params), params, solve=False, channels="learned")
        policy = new_policy(second, params, width=8, channels="learned")
        # As if long trained: untrained scores are all about 0.
        return now, jax.tree.map(lambda leaf: 3.0 * leaf, policy)

    return slot(jax.random.key(1))


@jax.jit
def seen_at(now: Any, answer: Any, channel: Any) -> tuple[Sight, Any]:
    """The followers' tokens, and those on the channels that were chosen."""
    last = follower_features(now, answer, cell())
    sight = Sight(last, features_everywhere(now, answer, cell()))
    return sight, follower_features(now, answer, cell(), channel)


ANSWER = jnp.asarray([1e-4, 3e-3, 2e-4, 5e-2], jnp.float32)


def test_permuting_pairs_permutes_the_scores_of_channels() -> None:
    now, policy = begun()
    assert policy.chooser is not None
    seen = with_price(now, ANSWER, cell())
    scores = jax.jit(channel_scores)
    order = jnp.asarray([2, 0, 3, 1])
    rows = jax.tree.map(lambda leaf: leaf[order], seen)
    found = scores(policy.chooser, seen, cell())
    np.testing.assert_allclose(
        scores(policy.chooser, rows, cell()), found[order], rtol=1e-4, atol=1e-5
    )
    assert found.shape == (4, 2) and float(jnp.ptp(found[:, 0] - found[:, 1])) > 1e-3


def test_a_critic_is_asked_of_every_channel_with_others_where_they_are() -> None:
    now, _ = begun()
    critic = Critic(jax.random.key(5), now.stores.shape[1] + 1, 8)
    chosen = jnp.asarray([1, 0, 0, 1])
    actions = Actions(ANSWER, jnp.asarray([1e-4, 2e-3, 1e-4, 3e-2]), chosen)
    each = jnp.asarray([[3e-4, 1e-4], [1e-3, 0.0], [2e-4, 4e-4], [1e-2, 5e-3]])
    found = jax.jit(values_everywhere)(critic, now, actions, each)

    @jax.jit
    def alone(power: Any, channel: Any) -> Any:
        stores = (channel != now.followers.channel).astype(jnp.float32)[:, None]
        game = game_on(now.menu, now.game, channel)
        # B / (price gain): the price is one for all channels, the gain is not.
        price = cell().radio.spend_scale / (now.leader.quoted_gain * ANSWER)
        asked = Actions(game.price_scale / price, power, None)
        return critic(game, stores, asked).followers

    for j in range(4):
        for m in range(2):
            wanted = alone(actions.power_w.at[j].set(each[j, m]), chosen.at[j].set(m))
            assert float(found[j, m]) == pytest.approx(float(wanted[j]), rel=1e-3)
    assert float(jnp.ptp(found, axis=1).min()) > 1e-5


def test_the_density_of_a_choice_holds_the_odds_of_its_channels() -> None:
    now, policy = begun()
    assert policy.chooser is not None
    learner = Ippo(channels="learned").learner(cell())
    values: Any = None
    agents = Agents(policy, jnp.float32(-1.0), jnp.full(2, -1.2), values)
    channel = jnp.asarray([1, 0, 1, 1])
    said = Choice(jnp.full(4, 0.2), jnp.full((4, 2), -0.1), channel)
    sight, tried = seen_at(now, ANSWER, channel)
    assert sight.everywhere is not None
    found = jax.jit(learner._density)(agents, now, sight, said)
    scores = scores_of(policy.chooser, sight.everywhere)
    mean = policy.followers(tried.features, jnp.zeros((4, 4), bool))
    for j in range(4):
        noise = policy_gradient.log_density(
            [-0.1, -0.1], [float(x) for x in mean[j]], [math.exp(-1.2)] * 2
        )
        odds = oracle.odds([float(x) for x in scores[j]])[int(channel[j])]
        assert float(found.followers[j]) == pytest.approx(
            noise + math.log(odds), rel=1e-3
        )


def test_a_grid_policy_takes_the_best_of_channels_times_powers() -> None:
    now, _ = begun()
    learner = IndependentQ(channels="learned", gamma=0.9).learner(cell())
    nobody = jnp.zeros(4, jnp.int32)
    sight, _ = seen_at(now, ANSWER, nobody)
    features = now.leader.features.shape[1], sight.last.features.shape[1]

    @jax.jit
    def new() -> GridPolicy:
        first, second = jax.random.split(jax.random.key(0))
        return GridPolicy(
            LinkNetwork(first, features[0], 5, 8, 1, last_scale=1.0),
            LinkNetwork(second, features[1], 3, 8, 0, last_scale=1.0),
            4.0, 0.6, False, 10.0, "learned",
        )  # fmt: skip

    policy = new()
    reward = Values(jnp.float32(0.3), jnp.asarray([0.1, 0.2, 0.3, 0.4]))
    kept = Kept(
        now.leader.features, now.leader.partners, sight.last.features,
        Taken(nobody, nobody), reward, jnp.float32(0.0), now,
    )  # fmt: skip

    @jax.jit
    def played() -> Any:
        seen = with_price(now, ANSWER, cell())
        shares = policy.leader_values(now.leader.features, now.leader.partners)
        asked = policy.answer_w(shares.argmax(axis=1), now.leader, cell())
        return policy.act_followers(seen, cell()), asked, learner.target(policy, kept)

    (channel, power), asked, found = played()
    then, _ = seen_at(now, asked, nobody)
    values = [
        np.stack([policy.follower_values(rows) for rows in one.everywhere.features])
        for one in (sight, then)
        if one.everywhere is not None
    ]
    for j in range(4):
        at_once, later = (one[:, j] for one in values)
        m, level = np.unravel_index(at_once.argmax(), at_once.shape)
        assert int(channel[j]) == m
        tokens = jax.tree.map(lambda leaf, m=m: leaf[m], sight.everywhere)
        on_it = policy.power_w(jnp.full(4, level), tokens, cell())
        assert float(power[j]) == pytest.approx(float(on_it[j]), rel=1e-4)
        wanted = float(reward.followers[j]) + 0.9 * later.max()
        assert float(found.followers[j]) == pytest.approx(wanted, rel=1e-4)


@cache
def divided(**more: Any) -> envs.EnvParams:
    """Pairs 0 and 1 hardly hear the user of channel 0, pairs 2 and 3 that of 1."""
    loud, quiet = 1e-8, 1e-15
    given = envs.Gains(
        jnp.full((1, 2), 4e-11),
        jnp.full((1, 4), 2e-8),
        jnp.full((1, 4), 1e-12),
        jnp.asarray([[[quiet, quiet, loud, loud], [loud, loud, quiet, quiet]]]),
        jnp.full((1, 4, 4), 1e-13),
    )
    return envs.make_params(
        num_channels=2,
        num_pairs=4,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        gains=envs.GainTrace(given),
        fading=None,
        billing="quoted",
        **more,
    )


SEED = 1
"""With which untrained networks choose badly."""

BEST = jnp.asarray([0, 0, 1, 1])


def share_on_the_best(policy: Any) -> float:
    """Of choices in first slots, in which a random half of pairs begins wrongly."""

    @jax.jit
    def right(key: Any) -> Any:
        state = envs.reset(key, divided())
        price = policy.act_leader(envs.observe_leader(state, divided()), divided())
        seen = envs.observe_followers(state, price, divided())
        return policy.act_followers(seen, divided())[0] == BEST

    return float(jax.vmap(right)(jax.random.split(jax.random.key(9), 64)).mean())


def test_pairs_learn_which_channel_is_theirs() -> None:
    settings = SingleLevel(
        environments=8,
        slots_per_chunk=25,
        minibatch=50,
        width=8,
        rounds=0,
        learning_rate=1e-2,
        channels="learned",
    )
    learner = begun_at_once(settings.learner(divided()))
    state = learner.start(jax.random.key(SEED))
    before = share_on_the_best(learner.policy(state))
    for _ in range(15):
        state, _ = learner.advance(state)
    assert before < 0.9
    assert share_on_the_best(learner.policy(state)) > 0.97


@pytest.mark.parametrize(
    ("settings", "world", "kind", "words"),
    [
        ({"channels": "any"}, {}, ConfigError, "channels"),
        ({"channel_temperature": 0.0}, {}, DomainError, "channel_temperature"),
        (
            {"channels": "learned"},
            {"max_pairs_per_channel": 1},
            ConfigError,
            "max_pairs_per_channel",
        ),
    ],
)
def test_worlds_and_settings_without_choice_are_refused(
    settings: dict[str, Any], world: dict[str, Any], kind: type[InputError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        SingleLevel(**settings).learner(cell(**world))


def test_pairs_that_sense_one_channel_cannot_learn_to_choose() -> None:
    blind = replace(divided(), information=envs.Information(sensing="own"))
    with pytest.raises(ConfigError, match="sensing"):
        SingleLevel(channels="learned").learner(blind)
