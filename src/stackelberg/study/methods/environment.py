"""Policies and learners in the time-varying environment, as methods of a study.

A learner is trained with the cell's seed and judged, while it learns and at the end, on
episodes of their own: the evaluation's seed plus the cell's, the same for all methods.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
from pydantic import BaseModel, ConfigDict

from stackelberg.learning.evaluation import evaluate
from stackelberg.learning.learner import Learner, Policy
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

FIRST_CHUNK = "first_chunk"
"""Processor seconds to the end of the first chunk, what was compiled included."""

CURVE_SECONDS = "curve_seconds"
"""Processor seconds of the later chunks up to each step of the curve; no evaluation."""

LEARNERS_KEPT = 8
"""Learners that a worker keeps compiled for the next seed."""

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
        begin = time.process_time()
        learner, start = _learner(
            json.dumps(
                {
                    "environment": world.tables["environment"],
                    "method": {"name": name, **settings},
                },
                sort_keys=True,
            )
        )
        state = start(start_key(seed))
        curve: dict[str, list[float | None]] = {"curve_step": []}
        clock: dict[str, list[float]] = {FIRST_CHUNK: [], CURVE_SECONDS: []}
        every, due, spent, steps = asked.training.evaluate_every, 0, 0.0, 0
        for chunk in chunks(learner, state, 0, until=asked.training.env_steps):
            now = time.process_time()
            if not clock[FIRST_CHUNK]:
                clock[FIRST_CHUNK].append(now - begin)
            else:
                spent += now - begin
            state, steps = chunk.state, chunk.env_steps
            if not chunk.finite:
                raise FloatingPointError(f"NaN or infinity after {steps} steps")
            if every and due <= steps < asked.training.env_steps:
                due = steps + every
                _note(curve, steps, _metrics(learner.policy(state), asked))
                clock[CURVE_SECONDS].append(spent)
            begin = time.process_time()
        final = judged(learner.policy(state), asked, world)
        _note(curve, steps, final.metrics)
        clock[CURVE_SECONDS].append(spent)
        return Measured(final.metrics, curve, clock)

    return run


@lru_cache(maxsize=LEARNERS_KEPT)
def _learner(tables: str) -> tuple[Learner, Any]:
    """A learner of settings in JSON and its compiled start: once for all seeds."""
    asked = run_settings(json.loads(tables))
    learner = asked.learner(asked.params())
    return learner, jax.jit(learner.start)


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
