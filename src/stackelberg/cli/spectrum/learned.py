"""What a trained policy says of one scenario, beside the analytic concepts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackelberg.cli.output import COMPILES, timed
from stackelberg.cli.spectrum.methods import TimedResult
from stackelberg.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackelberg.io import TrainedPolicy
    from stackelberg.spectrum import Scenario

SLOTS = 20
"""Played before the policy is judged: it prices by what it heard and billed last."""


def readable(path: Path, scenario: Scenario) -> TrainedPolicy:
    """The policy in a file or a run's folder, if it can play a scenario.

    Raises:
        InputError: there is none, or it sees what a scenario lacks.
    """
    from stackelberg.cli.learn.evaluate import read_trained

    trained = read_trained(path)
    table = trained.settings.environment
    for name in ("queues", "batteries"):
        if getattr(table, name) is not None:
            raise ConfigError(
                "--policy",
                expected="a policy trained without queues and batteries, which "
                "scenarios lack",
                got=f"one with {name}",
            )
    return trained


def run_policy(
    trained: TrainedPolicy,
    scenario: Scenario,
    *,
    tolerance: float,
    max_boxes: int,
    seed: int,
    started: Callable[[str], None],
) -> TimedResult:
    """Let a policy play a scenario that stands still, and certify its last slot.

    The seconds are those of the slots played, not of compilation or the certificate.
    """
    from stackelberg.game import Status
    from stackelberg.spectrum import certify, outcome
    from stackelberg.spectrum.baselines import MethodResult
    from stackelberg.spectrum.follower import assigned

    started(f"learned{COMPILES}")
    play, states = _player(trained, scenario, seed)
    play(states)
    with timed() as watch:
        price, power = play(states)
    reached = outcome(scenario, assigned(scenario), price, power)
    proved = certify(scenario, reached, tolerance=tolerance, max_boxes=max_boxes)
    return TimedResult(
        MethodResult("learned", reached, proved, Status.CONVERGED), watch.seconds
    )


def _player(
    trained: TrainedPolicy, scenario: Scenario, seed: int
) -> tuple[Callable[[Any], tuple[Any, Any]], Any]:
    """A function that plays the slots, and the state it begins with."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from stackelberg import envs
    from stackelberg.envs.conversion import environment_of

    information = trained.settings.environment.information.record()
    params, policy = environment_of(scenario, information), trained.policy
    first = envs.reset(jax.random.key(seed), params)
    channel: Any = jnp.asarray(scenario.channel, jnp.int32)
    first = first._replace(memory=first.memory._replace(channel=channel))

    def slot(state: Any, nothing: None) -> Any:
        price = policy.act_leader(envs.observe_leader(state, params), params)
        seen = envs.observe_followers(state, price, params)
        power = policy.act_followers(seen, params)[1]
        action = envs.Action(price, channel, power)
        after = envs.step(jax.random.key(seed), state, action, params)
        return after.state, (after.outcome.reuse_price, after.outcome.transmit_power_w)

    @jax.jit
    def played(state: Any) -> Any:
        _, told = jax.lax.scan(slot, state, None, length=SLOTS)
        return jax.tree.map(lambda leaf: leaf[-1], told)

    def play(state: Any) -> tuple[Any, Any]:
        price, power = played(state)
        return np.asarray(price, np.float64), np.asarray(power, np.float64)

    return play, first
