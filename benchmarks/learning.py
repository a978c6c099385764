"""Methods of learning on the reference cell: curves, scores, time to a threshold.

Run: .venv/bin/python benchmarks/learning.py OUT.json [--methods a,b] [--seeds 10]
[--env-steps 48000] [--doppler 10] [--scope local] [--references a,b] [--transfer]

Every method meets the same evaluation episodes, whose equilibria are solved once;
seconds are of processor time and count training with its equilibria and the first
compilation, not evaluation. The seeds of evaluation (1e6) are none of training.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stackelberg import envs
from stackelberg.envs.equilibrium import (
    SlotEquilibrium,
    follower_regret,
    slot_equilibrium,
)
from stackelberg.envs.slot_game import SlotGame, response, slot_game, utilities
from stackelberg.learning import METHODS, make_learner
from stackelberg.learning import experience as xp
from stackelberg.learning.heads import follower_power_w, price_of_answer
from stackelberg.learning.information_bound import informed_prices
from stackelberg.learning.tokens import follower_tokens, leader_tokens

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "response_gradient_residual": ("response_gradient_residual", {}),
    "response_gradient": ("response_gradient", {}),
    "single_level": ("single_level", {}),
    "imitation": ("imitation", {}),
    "maddpg_gamma_0.9": ("maddpg", {}),
    "matd3_gamma_0": ("matd3", {"gamma": 0.0}),
    "matd3_gamma_0.9": ("matd3", {}),
    "stq_gamma_0.9": ("stq", {}),
    "stq_gamma_0_imitation": (
        "stq",
        {"gamma": 0.0, "imitate": 0.3, "imitate_floor": 0.05},
    ),
    "stq_imitation": ("stq", {"imitate": 0.3, "imitate_floor": 0.05}),
    "stq_value": ("stq", {"target": "value"}),
    "stq_all": (
        "stq",
        {
            "imitate": 0.3,
            "imitate_floor": 0.05,
            "residual": True,
            "prefit_env_steps": 3200,
        },
    ),
}

THRESHOLD = 0.85
SLOTS = 20
WARM_SLOTS = 3


def cell(doppler_hz: float, scope: Any, channels: int = 4, pairs: int = 8) -> Any:
    """The reference cell; 10 Hz: correlation .643 from slot to slot; 2 Hz: .984."""
    return envs.make_params(
        num_channels=channels,
        num_pairs=pairs,
        radio=envs_radio(),
        fading=envs.Jakes(doppler_hz),
        information=envs.delayed(1, scope),
        billing="quoted",
    )


def envs_radio() -> Any:
    from stackelberg.spectrum import RadioModel

    return RadioModel(min_power_w=0.0, follower_price_weight=0.3)


@partial(jax.jit, static_argnums=2)
def exam(key: Any, params: Any, episodes: int) -> tuple[Any, SlotGame, SlotEquilibrium]:
    """First states, and the game and equilibrium of every slot, [T, E, ...].

    Channels are kept, so no policy changes them.
    """
    states = jax.vmap(envs.reset, in_axes=(0, None))(
        jax.random.split(key, episodes), params
    )

    def one(states: Any, _: Any) -> Any:
        game = jax.vmap(lambda s: slot_game(s, params, s.memory.channel))(states)
        nothing = jnp.zeros((episodes, params.num_pairs))
        action = envs.Action(nothing + 1e20, states.memory.channel, nothing)
        after = jax.vmap(envs.step, in_axes=(None, 0, 0, None))(
            key, states, action, params
        )
        return after.state, game

    _, games = jax.lax.scan(one, states, None, SLOTS)
    games = jax.tree.map(lambda leaf: leaf[WARM_SLOTS:], games)
    return states, games, jax.vmap(jax.vmap(slot_equilibrium))(games)


@jax.jit
def marks(policy: Any, states: Any, solved: SlotEquilibrium, params: Any) -> Any:
    """How a policy does in the exam."""
    _, kept = xp.play(jax.random.key(0), states, policy, params, SLOTS)
    return scores(jax.tree.map(lambda leaf: leaf[WARM_SLOTS:], kept), solved)


def scores(kept: xp.Experience, solved: SlotEquilibrium) -> Any:
    """Gain, re-equilibrated gain and follower regret as ratios of sums."""

    def one(game: SlotGame, price: Any, power: Any) -> Any:
        reached, settled = response(game, price)
        again = utilities(game, price, reached)[0]
        _, own = utilities(game, price, power)
        return again, settled, follower_regret(game, price, power).sum(), own.sum()

    again, settled, regret, own = jax.vmap(jax.vmap(one))(
        kept.game, kept.reuse_price, kept.transmit_power_w
    )
    worth = solved.leader_utility - solved.silent_utility
    earned = kept.leader_reward - solved.silent_utility
    anew = jnp.where(settled, again - solved.silent_utility, 0.0)
    return {
        "gain": earned.sum() / worth.sum(),
        "re_equilibrated_gain": anew.sum() / jnp.where(settled, worth, 0.0).sum(),
        "follower_regret": regret.sum() / (regret.sum() + own.sum()),
        "unsettled": 1.0 - settled.mean(),
    }


def late_equilibrium(key: Any, state: Any, params: Any) -> Any:
    """The equilibrium of all gains as they were when they were seen."""
    del key
    game = slot_game(state, params, state.memory.channel, seen=True)
    return slot_equilibrium(game).reuse_price


def conjecture(key: Any, state: Any, params: Any) -> Any:
    """The conjectural equilibrium on what the leader observes."""
    del key
    tokens = leader_tokens(envs.observe_leader(state, params), params)
    return price_of_answer(tokens.conjecture_w, tokens.quoted_gain, params.radio)


REFERENCES = {
    "equilibrium_on_late_state": late_equilibrium,
    "conjecture_on_observation": conjecture,
    "informed_leader": partial(informed_prices, draws=24, steps=40),
}
"""Leaders that learn nothing; the followers play their delayed best response."""


@partial(jax.jit, static_argnums=(0,))
def reference(price_of: Any, states: Any, solved: SlotEquilibrium, params: Any) -> Any:
    """How a leader that knows the state does in the exam."""

    def slot(state: Any, key: Any) -> Any:
        price = price_of(key, state, params)
        seen = envs.observe_followers(state, price, params)
        tokens = follower_tokens(seen, seen.channel, params)
        power = follower_power_w(jnp.zeros((len(price), 2)), tokens, params)
        action = envs.Action(price, seen.channel, power)
        played = envs.step(key, state, action, params)
        return played.state, xp.Experience(
            envs.observe_leader(state, params),
            seen,
            slot_game(state, params, seen.channel),
            price,
            power,
            played.leader_reward,
            played.follower_reward,
        )

    def one(states: Any, key: Any) -> Any:
        keys = jax.random.split(key, len(states.slot))
        return jax.vmap(slot)(states, keys)

    _, kept = jax.lax.scan(one, states, jax.random.split(jax.random.key(0), SLOTS))
    return scores(jax.tree.map(lambda leaf: leaf[WARM_SLOTS:], kept), solved)


def graded(policy: Any, states: Any, solved: Any, params: Any) -> dict[str, float]:
    found = marks(policy, states, solved, params)
    return {name: float(value) for name, value in found.items()}


def run(
    learner: Any, seed: int, env_steps: int, paper: tuple[Any, Any, Any], first: float
) -> dict[str, Any]:
    """One seed: the curve, and when the threshold was reached."""
    begin = time.process_time()
    state = learner.start(jax.random.key(seed))
    seconds, steps = first + time.process_time() - begin, 0
    curve: list[dict[str, float]] = []
    while steps < env_steps:
        begin = time.process_time()
        for _ in range(max(1, 1600 // learner.env_steps_per_chunk)):
            state, _ = learner.advance(state)
            steps += learner.env_steps_per_chunk
        jax.block_until_ready(state)
        seconds += time.process_time() - begin
        point = graded(learner.policy(state), *paper)
        curve.append({"env_steps": steps, "cpu_seconds": seconds, **point})
    reached = next((point for point in curve if passed(point)), None)
    return {"seed": seed, "final": curve[-1], "reached": reached, "curve": curve}


def passed(point: dict[str, float]) -> bool:
    least = min(point["gain"], point["re_equilibrated_gain"])
    return least >= THRESHOLD and point["follower_regret"] < 0.05


def transfer(policy: Any, doppler: float, scope: str) -> dict[str, Any]:
    """The same policy in cells of other sizes."""
    found = {}
    for channels, pairs in ((8, 16), (16, 32), (2, 8), (8, 8)):
        params = cell(doppler, scope, channels, pairs)
        states, _, solved = exam(jax.random.key(1_000_001), params, 24)
        found[f"{channels}x{pairs}"] = graded(policy, states, solved, params)
    return found


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds with 95 % bootstrap intervals; steps with censoring."""
    draw = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for name in ("gain", "re_equilibrated_gain", "follower_regret"):
        values = np.array([one["final"][name] for one in runs])
        means = draw.choice(values, (2000, len(values))).mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        found[name] = [float(values.mean()), float(low), float(high)]
    reached = [one["reached"] for one in runs if one["reached"]]
    found["seeds"], found["seeds_that_reached"] = len(runs), len(reached)
    if reached:
        found["median_env_steps_of_those"] = float(
            np.median([one["env_steps"] for one in reached])
        )
        found["median_cpu_seconds_of_those"] = float(
            np.median([one["cpu_seconds"] for one in reached])
        )
    return found


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("output", type=Path)
    ask.add_argument("--methods", default=",".join(VARIANTS))
    ask.add_argument("--seeds", type=int, default=10)
    ask.add_argument("--env-steps", type=int, default=48_000)
    ask.add_argument("--doppler", type=float, default=10.0)
    ask.add_argument("--scope", choices=("local", "full"), default="local")
    ask.add_argument("--episodes", type=int, default=64)
    ask.add_argument("--references", default="")
    ask.add_argument("--transfer", action="store_true")
    given = ask.parse_args()
    params = cell(given.doppler, given.scope)
    states, _, solved = exam(jax.random.key(1_000_000), params, given.episodes)
    report: dict[str, Any] = {"doppler_hz": given.doppler, "scope": given.scope}
    for name in filter(None, given.references.split(",")):
        found = reference(REFERENCES[name], states, solved, params)
        report[name] = {key: float(value) for key, value in found.items()}
        given.output.write_text(json.dumps(report, indent=1))
        print(name, json.dumps(report[name]), flush=True)
    for variant in filter(None, given.methods.split(",")):
        method, settings = VARIANTS[variant]
        learner = make_learner(METHODS[method](**settings), params)
        begin = time.process_time()
        learner.advance(learner.start(jax.random.key(0)))
        compiled = time.process_time() - begin
        runs: list[dict[str, Any]] = []
        for seed in range(given.seeds):
            paper = (states, solved, params)
            one = run(learner, seed, given.env_steps, paper, compiled)
            runs.append(one)
            report[variant] = {"summary": summary(runs), "compile_s": compiled}
            report[variant]["runs"] = runs
            given.output.write_text(json.dumps(report, indent=1))
            print(variant, seed, one["final"], flush=True)
        print(variant, json.dumps(report[variant]["summary"]), flush=True)
        if given.transfer:
            state = learner.start(jax.random.key(0))
            for _ in range(given.env_steps // learner.env_steps_per_chunk):
                state, _ = learner.advance(state)
            found = transfer(learner.policy(state), given.doppler, given.scope)
            report[variant]["transfer"] = found
            given.output.write_text(json.dumps(report, indent=1))
            print(variant, json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
