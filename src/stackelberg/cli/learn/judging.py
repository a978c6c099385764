"""The numbers by which a policy is judged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackelberg.envs import EnvParams
    from stackelberg.learning import Policy
    from stackelberg.learning.settings import RunSettings

_REPEATS = 20


def judge(policy: Policy, settings: RunSettings) -> dict[str, Any]:
    """Every metric of the policy on the episodes that the settings name."""
    from stackelberg.learning.evaluation import evaluate

    asked = settings.evaluation
    found = evaluate(
        policy,
        settings.params(),
        seed=asked.seed,
        episodes=asked.episodes,
        slots=asked.slots,
    )
    return dict(found.metrics())


def decisions_per_second(
    policy: Policy, params: EnvParams, *, seed: int, batch: int = 64
) -> float:
    """Slots decided per second, prices and all powers, compiled and in a batch.

    Compiling is left out, and so is the environment itself.
    """
    import equinox as eqx
    import jax

    from stackelberg import envs

    states = jax.vmap(envs.reset, (0, None))(
        jax.random.split(jax.random.key(seed), batch), params
    )

    @eqx.filter_jit
    def decide(policy: Policy, leader: Any, followers: Any) -> Any:
        prices = jax.vmap(lambda seen: policy.act_leader(seen, params))(leader)
        acts = jax.vmap(lambda seen: policy.act_followers(seen, params))(followers)
        return prices, acts

    leader = jax.vmap(lambda state: envs.observe_leader(state, params))(states)
    price = jax.vmap(lambda seen: policy.act_leader(seen, params))(leader)
    followers = jax.vmap(
        lambda state, price: envs.observe_followers(state, price, params)
    )(states, price)
    jax.block_until_ready(decide(policy, leader, followers))
    begun = time.perf_counter()
    for _ in range(_REPEATS):
        jax.block_until_ready(decide(policy, leader, followers))
    return batch * _REPEATS / (time.perf_counter() - begun)
