"""Policies and learners in the time-varying environment, as methods of a study.

A learner is trained with the cell's seed and judged, while it learns and at the end, on
episodes of their own: the evaluation's seed plus the cell's, the same for all methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from stackelberg.learning.evaluation import evaluate
from stackelberg.learning.learner import Policy
from stackelberg.learning.methods import METHODS
from stackelberg.learning.settings import RunSettings, run_settings
from stackelberg.learning.simple_policies import SIMPLE
from stackelberg.learning.training import chunks, start_key
from stackelberg.study.methods.measured import Measured, Method

ROOMS = (
    "errors",
    "units",
    "game",
    "spectrum",
    "envs",
    "learning",
    "study/methods/environment.py",
)

CURVES = (
    "gain",
    "re_equilibrated_gain",
    "follower_regret",
    "average_utility_bps",
    "channel_capacity_bps",
)
"""Metrics that are kept while a method learns."""

_RENAMED = {"sum_rate_bps": "channel_capacity_bps"}


class AnySettings(BaseModel):
    """Settings of a learner, checked by `run_settings` with everything else."""

    model_config = ConfigDict(extra="allow")


class NoSettings(BaseModel):
    """A policy that needs no training has none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class World:
    """An environment with how long to train and on what to judge.

    Attributes:
        tables: ``environment``, ``training``, ``evaluation`` as in a settings file.
        other_pairs: numbers of pairs that policies are also judged with.
    """

    tables: Mapping[str, Any]
    other_pairs: tuple[int, ...] = field(default=())

    def settings(self, method: str, given: Mapping[str, Any], seed: int) -> RunSettings:
        """A training run in it.

        Raises:
            InputError: a key is wrong.
        """
        training = {**self.tables.get("training", {}), "seed": seed}
        method_table = {"name": method, **given}
        return run_settings(
            {**self.tables, "training": training, "method": method_table}
        )

    def any_settings(self, seed: int) -> RunSettings:
        """The same for methods that are not trained."""
        return self.settings(next(iter(METHODS)), {}, seed)


def methods() -> dict[str, Method]:
    """Every policy and learner by name."""
    learned = {
        name: Method(name, "environment", AnySettings, _trained(name), ROOMS)
        for name in METHODS
    }
    simple = {
        name: Method(name, "environment", NoSettings, _played(policy), ROOMS)
        for name, policy in SIMPLE.items()
    }
    return {**simple, **learned}


def judged(policy: Policy, run: RunSettings, world: World) -> Measured:
    """Every metric of a policy, and its gain with other numbers of pairs."""
    metrics = _metrics(policy, run)
    for pairs in world.other_pairs:
        other = World(
            {
                **world.tables,
                "environment": {**world.tables["environment"], "num_pairs": pairs},
            }
        )
        found = _metrics(policy, other.any_settings(run.training.seed))
        for name in ("gain", "re_equilibrated_gain"):
            metrics[f"{name}_at_{pairs}_pairs"] = found[name]
    return Measured(metrics)


def _played(policy: Policy) -> Any:
    def run(world: World, seed: int, settings: Mapping[str, Any]) -> Measured:
        return judged(policy, world.any_settings(seed), world)

    return run


def _trained(name: str) -> Any:
    def run(world: World, seed: int, settings: Mapping[str, Any]) -> Measured:
        asked = world.settings(name, settings, seed)
        learner = asked.learner(asked.params())
        state, steps = learner.start(start_key(seed)), 0
        curve: dict[str, list[float | None]] = {"curve_step": []}
        every, due = asked.training.evaluate_every, 0
        for chunk in chunks(learner, state, 0, until=asked.training.env_steps):
            state, steps = chunk.state, chunk.env_steps
            if not chunk.finite:
                raise FloatingPointError(f"NaN or infinity after {steps} steps")
            if every and steps >= due:
                due = steps + every
                _note(curve, steps, _metrics(learner.policy(state), asked))
        final = judged(learner.policy(state), asked, world)
        if not curve["curve_step"] or curve["curve_step"][-1] != steps:
            _note(curve, steps, final.metrics)
        return Measured(final.metrics, curve)

    return run


def _note(
    curve: dict[str, list[float | None]],
    steps: int,
    metrics: Mapping[str, float | None],
) -> None:
    curve["curve_step"].append(float(steps))
    for name in CURVES:
        curve.setdefault(f"curve_{name}", []).append(metrics[name])


def _metrics(policy: Policy, run: RunSettings) -> dict[str, float | None]:
    asked, params = run.evaluation, run.params()
    found = evaluate(
        policy,
        params,
        seed=asked.seed + run.training.seed,
        episodes=max(asked.episodes, 1),
        slots=asked.slots,
    ).metrics()
    metrics = {_RENAMED.get(name, name): value for name, value in found.items()}
    leader, pair = metrics["leader_utility_bps"], metrics["follower_utility_bps"]
    assert leader is not None
    assert pair is not None
    count = params.num_pairs
    metrics["average_utility_bps"] = (leader + count * pair) / (1 + count)
    return metrics
