"""A tiny training run reaches a stated gain, and the same key the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from learning.small_cells import cell
from learning.tiny_methods import (
    assert_goes_on_to_the_same_bits,
    begun_at_once,
    compiling_quickly,
)

from stackelberg.envs.equilibrium import (
    follower_regret,
    re_equilibrated_utility,
    slot_equilibrium,
)
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.learning import METHODS
from stackelberg.learning import experience as xp
from stackelberg.learning.gradient import (
    GradientLearner,
    GradientSettings,
    ResponseGradientResidual,
    SingleLevel,
)

TINY: dict[str, Any] = {
    "environments": 8,
    "slots_per_chunk": 25,
    "minibatch": 50,
    "width": 16,
    "decay_env_steps": 6_000,
    "learning_rate": 1e-2,
}


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with compiling_quickly():
        yield


@cache
def learner() -> GradientLearner:
    return begun_at_once(ResponseGradientResidual(**TINY).learner(cell()))


@cache
def trained() -> Any:
    state = learner().start(jax.random.key(0))
    state, first = learner().advance(state)
    last = first
    for _ in range(29):
        state, last = learner().advance(state)
    return learner().policy(state), first, last


@jax.jit
def scores(kept: xp.Experience) -> Any:
    found = jax.vmap(slot_equilibrium)(kept.game)
    again = jax.vmap(re_equilibrated_utility)(kept.game, kept.reuse_price)
    giveaway = kept.game.price_scale / (1e3 * kept.game.max_power_w)
    full = jax.vmap(re_equilibrated_utility)(kept.game, giveaway)
    drawn = 10.0 ** jax.random.uniform(
        jax.random.key(1), kept.reuse_price.shape, minval=-2.0, maxval=2.0
    )
    random = jax.vmap(re_equilibrated_utility)(kept.game, kept.reuse_price * drawn)
    regret = jax.vmap(follower_regret)(
        kept.game, kept.reuse_price, kept.transmit_power_w
    )
    silent = found.silent_utility.sum()
    worth = found.leader_utility.sum() - silent

    def gain(utility: Any) -> Any:
        return (utility.sum() - silent) / worth

    return {
        "gain": gain(kept.leader_reward),
        "re_equilibrated": gain(again),
        "full_power": gain(full),
        "random_prices": gain(random),
        "regret": regret.sum() / found.follower_utility.sum(),
    }


def test_a_tiny_run_earns_nine_tenths_of_what_pricing_is_worth() -> None:
    policy, first, last = trained()
    params = learner().params
    key = jax.random.key(77)
    states = xp.start_states(key, params, 32)
    _, kept = jax.jit(partial(xp.play, num_slots=10))(key, states, policy, params)
    found = {k: float(v) for k, v in scores(xp.flat(kept)).items()}
    assert found["gain"] > 0.85
    assert 0.85 < found["re_equilibrated"] < 1.001
    assert 0.0 <= found["regret"] < 0.05
    assert found["gain"] > max(0.0, found["full_power"], found["random_prices"])
    assert float(last["leader_loss"]) < float(first["leader_loss"])


def test_the_same_key_gives_the_same_bits_and_counts_its_steps() -> None:
    def run() -> Any:
        state = learner().start(jax.random.key(5))
        state, metrics = learner().advance(state)
        return jax.tree.map(np.asarray, (state.policy, metrics, state.env_steps))

    first, second = run(), run()
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(first[2]) == learner().env_steps_per_chunk == 200


def test_every_method_makes_a_learner_of_its_name() -> None:
    made = {name: kind().learner(cell()) for name, kind in METHODS.items()}
    assert {name: one.name for name, one in made.items()} == {n: n for n in METHODS}
    shapes = jax.eval_shape(made["single_level"].start, jax.random.key(0))
    assert jax.tree.leaves(shapes)


@pytest.mark.parametrize(
    ("settings", "params", "kind", "words"),
    [
        (SingleLevel(minibatch=10_000), {}, DomainError, "minibatch"),
        (SingleLevel(learning_rate=0.0), {}, DomainError, "learning_rate"),
        (SingleLevel(width=0), {}, DomainError, "width"),
        (SingleLevel(), {"price_per_channel": True}, ConfigError, "price_per_channel"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    settings: GradientSettings, params: Any, kind: type[InputError], words: str
) -> None:
    assert isinstance(settings, SingleLevel)
    with pytest.raises(kind, match=words):
        settings.learner(cell(**params))


def test_it_goes_on_from_a_file_to_the_same_bits(tmp_path: Path) -> None:
    assert_goes_on_to_the_same_bits(learner(), tmp_path / "one.checkpoint")
