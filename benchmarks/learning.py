"""Methods of learning on the reference cell: curves, scores, time to a threshold.

Run: .venv/bin/python benchmarks/learning.py [OUT.json] [--methods a,b] [--seeds 10]
[--env-steps 48000] [--doppler 10] [--scope local] [--memory-slots 16]
[--warm-slots 3] [--references a,b] [--policy FILE] [--transfer]

Every method meets the same evaluation episodes, whose equilibria are solved once;
seconds are of processor time and count training with its equilibria and the first
compilation, not evaluation. The seeds of evaluation (1e6) are none of training. Every
method is compared with the conjectural equilibrium on the same information, seed by
seed and episode by episode: 95 % bootstrap intervals over both.
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

from stackelberg import envs, io
from stackelberg.envs.equilibrium import (
    SlotEquilibrium,
    follower_regret,
    slot_equilibrium,
)
from stackelberg.envs.slot_game import SlotGame, response, slot_game, utilities
from stackelberg.learning import METHODS, make_learner
from stackelberg.learning import experience as xp
from stackelberg.learning.heads import follower_power_w
from stackelberg.learning.information_bound import informed_prices
from stackelberg.learning.simple_policies import Conjectural
from stackelberg.learning.tokens import follower_tokens

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

GRADIENTS = (
    "response_gradient_residual",
    "response_gradient",
    "single_level",
    "imitation",
)
TOLD = ("seed", "final", "reached", "curve")
"""Of a run, in the file."""

THRESHOLD = 0.85
SCORED_SLOTS = 17
WARM_SLOTS = 3
"""Played before slots count: what agents remember is then so many slots old."""


def cell(
    doppler_hz: float,
    scope: Any,
    channels: int = 4,
    pairs: int = 8,
    memory_slots: float | None = None,
    horizon_slots: int = 100,
) -> Any:
    """The reference cell; 10 Hz: correlation .643 from slot to slot; 2 Hz: .984."""
    return envs.make_params(
        num_channels=channels,
        num_pairs=pairs,
        radio=envs_radio(),
        fading=envs.Jakes(doppler_hz),
        information=envs.Information(
            scope=scope, delay_slots=1, memory_slots=memory_slots
        ),
        billing="quoted",
        horizon_slots=horizon_slots,
    )


def envs_radio() -> Any:
    from stackelberg.spectrum import RadioModel

    return RadioModel(min_power_w=0.0, follower_price_weight=0.3)


@partial(jax.jit, static_argnums=(2, 3))
def exam(
    key: Any, params: Any, episodes: int, warm_slots: int = WARM_SLOTS
) -> tuple[Any, SlotGame, SlotEquilibrium]:
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

    _, games = jax.lax.scan(one, states, None, warm_slots + SCORED_SLOTS)
    games = jax.tree.map(lambda leaf: leaf[warm_slots:], games)
    return states, games, jax.vmap(jax.vmap(slot_equilibrium))(games)


@partial(jax.jit, static_argnums=4)
def marks(
    policy: Any,
    states: Any,
    solved: SlotEquilibrium,
    params: Any,
    warm_slots: int = WARM_SLOTS,
) -> Any:
    """How a policy does in the exam."""
    slots = warm_slots + SCORED_SLOTS
    _, kept = xp.play(jax.random.key(0), states, policy, params, slots)
    return scores(jax.tree.map(lambda leaf: leaf[warm_slots:], kept), solved)


def scores(kept: xp.Experience, solved: SlotEquilibrium) -> Any:
    """Sums over slots of each episode, from which gains and regret follow [E]."""

    def one(game: SlotGame, price: Any, power: Any) -> Any:
        reached, settled = response(game, price)
        again = utilities(game, price, reached)[0]
        _, own = utilities(game, price, power)
        return again, settled, follower_regret(game, price, power).sum(), own.sum()

    def total(values: Any) -> Any:
        return values.sum(axis=0)

    again, settled, regret, own = jax.vmap(jax.vmap(one))(
        kept.game, kept.reuse_price, kept.transmit_power_w
    )
    worth = solved.leader_utility - solved.silent_utility
    earned = kept.leader_reward - solved.silent_utility
    anew = jnp.where(settled, again - solved.silent_utility, 0.0)
    return {
        "earned": total(earned),
        "worth": total(worth),
        "anew": total(anew),
        "settled_worth": total(jnp.where(settled, worth, 0.0)),
        "regret": total(regret),
        "own": total(own),
    }


def graded(sums: dict[str, Any]) -> dict[str, Any]:
    """Gain, re-equilibrated gain and follower regret, as ratios of sums over episodes.

    Args:
        sums: of `scores`, any leading axes, episodes last.
    """
    total = {name: np.asarray(x, np.float64).sum(axis=-1) for name, x in sums.items()}
    return {
        "gain": total["earned"] / total["worth"],
        "re_equilibrated_gain": total["anew"] / total["settled_worth"],
        "follower_regret": total["regret"] / (total["regret"] + total["own"]),
    }


def plain(found: dict[str, Any]) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in found.items()}


def late_equilibrium(key: Any, state: Any, params: Any) -> Any:
    """The equilibrium of all gains as they were when they were seen."""
    del key
    game = slot_game(state, params, state.memory.channel, seen=True)
    return slot_equilibrium(game).reuse_price


REFERENCES = {
    "equilibrium_on_late_state": late_equilibrium,
    "informed_leader": informed_prices,
    "informed_of_own_links": partial(informed_prices, hears=False),
}
"""Leaders that learn nothing; the followers play their delayed best response."""


@partial(jax.jit, static_argnums=(0, 4))
def reference(
    price_of: Any,
    states: Any,
    solved: SlotEquilibrium,
    params: Any,
    warm_slots: int = WARM_SLOTS,
) -> Any:
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

    keys = jax.random.split(jax.random.key(0), warm_slots + SCORED_SLOTS)
    _, kept = jax.lax.scan(one, states, keys)
    return scores(jax.tree.map(lambda leaf: leaf[warm_slots:], kept), solved)


def run(
    learner: Any, seed: int, env_steps: int, paper: tuple[Any, ...], first: float
) -> dict[str, Any]:
    """One seed: the curve, and when the threshold was reached."""
    begin = time.process_time()
    state = learner.start(jax.random.key(seed))
    seconds, steps = first + time.process_time() - begin, 0
    curve: list[dict[str, float]] = []
    sums: Any = None
    while steps < env_steps:
        begin = time.process_time()
        apart = 1600 if steps < 16_000 else max(8000, env_steps // 12)
        for _ in range(max(1, apart // learner.env_steps_per_chunk)):
            state, _ = learner.advance(state)
            steps += learner.env_steps_per_chunk
        jax.block_until_ready(state)
        seconds += time.process_time() - begin
        sums = marks(learner.policy(state), *paper)
        point = {"env_steps": steps, "cpu_seconds": round(seconds, 2)}
        curve.append({**point, **plain(graded(sums))})
    reached = next((point for point in curve if passed(point)), None)
    found = {"seed": seed, "final": curve[-1], "reached": reached, "curve": curve}
    return found | {"sums": sums, "policy": learner.policy(state)}


def passed(point: dict[str, float]) -> bool:
    least = min(point["gain"], point["re_equilibrated_gain"])
    return least >= THRESHOLD and point["follower_regret"] < 0.05


SIZES = ((4, 8), (4, 16), (8, 16), (4, 32), (16, 32), (2, 8), (8, 8))
"""Channels and pairs of the cells that policies of 4 x 8 are tried in."""


def transfer(
    policies: list[Any], cell_of_size: Any, episodes: int = 24
) -> dict[str, Any]:
    """The same policies in cells of other sizes, beside the conjecture there."""
    found: dict[str, Any] = {}
    for channels, pairs in SIZES:
        params = cell_of_size(channels, pairs)
        states, _, solved = exam(jax.random.key(1_000_001), params, episodes)
        many = [graded(marks(one, states, solved, params)) for one in policies]
        mean = {name: np.mean([one[name] for one in many]) for name in many[0]}
        same = graded(marks(Conjectural(), states, solved, params))
        found[f"{channels}x{pairs}"] = {
            "policy": plain(mean),
            "conjectural": plain(same),
        }
        print(f"{channels}x{pairs}", json.dumps(found[f"{channels}x{pairs}"]))
    return found


def interval(values: Any) -> list[float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return [round(float(low), 5), round(float(high), 5)]


def summary(runs: list[dict[str, Any]], same: dict[str, Any]) -> dict[str, Any]:
    """Means over seeds; differences from `same`, paired; steps with censoring.

    Intervals are of 95 %, by 2,000 draws of seeds and of episodes.
    """
    draw = np.random.default_rng(0)
    sums = {
        name: np.stack([np.asarray(one["sums"][name], np.float64) for one in runs])
        for name in same
    }
    means, differences = [], []
    for _ in range(2000):
        seed = draw.integers(0, len(runs), len(runs))
        episode = draw.integers(0, sums["worth"].shape[1], sums["worth"].shape[1])
        mine = graded({name: x[seed][:, episode] for name, x in sums.items()})
        other = graded({name: np.asarray(x)[episode] for name, x in same.items()})
        means.append({name: x.mean() for name, x in mine.items()})
        differences.append({name: x.mean() - other[name] for name, x in mine.items()})
    found: dict[str, Any] = {}
    at_once, beside = graded(sums), graded(same)
    for name, values in at_once.items():
        found[name] = {
            "mean": round(float(values.mean()), 5),
            "interval": interval([one[name] for one in means]),
            "least": round(float(values.min()), 5),
            "greatest": round(float(values.max()), 5),
            "over_conjectural": round(float(values.mean() - beside[name]), 5),
            "over_conjectural_interval": interval([one[name] for one in differences]),
        }
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


def save(output: Path | None, report: dict[str, Any]) -> None:
    if output is not None:
        output.write_text(json.dumps(report, indent=1) + "\n")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("output", type=Path, nargs="?")
    ask.add_argument("--methods", default=",".join(VARIANTS))
    ask.add_argument("--seeds", type=int, default=10)
    ask.add_argument("--env-steps", type=int, default=48_000)
    ask.add_argument("--doppler", type=float, default=10.0)
    ask.add_argument("--scope", choices=("local", "full"), default="local")
    ask.add_argument("--memory-slots", type=float)
    ask.add_argument("--warm-slots", type=int, default=WARM_SLOTS)
    ask.add_argument("--episodes", type=int, default=64)
    ask.add_argument("--references", default="")
    ask.add_argument("--policy", type=Path, help="a trained policy, judged as well")
    ask.add_argument("--transfer", action="store_true")
    given = ask.parse_args()
    warm = given.warm_slots
    of_size = partial(
        cell,
        given.doppler,
        given.scope,
        memory_slots=given.memory_slots,
        horizon_slots=max(100, 2 * warm),
    )
    params = of_size()
    states, _, solved = exam(jax.random.key(1_000_000), params, given.episodes, warm)
    paper = (states, solved, params, warm)
    same = marks(Conjectural(), *paper)
    report: dict[str, Any] = {
        "doppler_hz": given.doppler,
        "scope": given.scope,
        "memory_slots": given.memory_slots,
        "warm_slots": warm,
        "conjectural": plain(graded(same)),
    }
    print("conjectural", report["conjectural"], flush=True)
    if given.policy is not None:
        trained = io.read_policy(given.policy).policy
        report["policy"] = plain(graded(marks(trained, *paper)))
        print("policy", report["policy"], flush=True)
    for name in filter(None, given.references.split(",")):
        found = reference(REFERENCES[name], *paper)
        report[name] = plain(graded(found))
        save(given.output, report)
        print(name, json.dumps(report[name]), flush=True)
    for variant in filter(None, given.methods.split(",")):
        method, settings = VARIANTS[variant]
        if method in GRADIENTS:
            settings = {"decay_env_steps": given.env_steps, **settings}
        learner = make_learner(METHODS[method](**settings), params)
        begin = time.process_time()
        learner.advance(learner.start(jax.random.key(0)))
        compiled = time.process_time() - begin
        runs: list[dict[str, Any]] = []
        for seed in range(given.seeds):
            one = run(learner, seed, given.env_steps, paper, compiled)
            runs.append(one)
            report[variant] = {
                "env_steps": given.env_steps,
                "summary": summary(runs, same),
                "compile_s": round(compiled, 2),
                "runs": [{k: one[k] for k in TOLD} for one in runs],
            }
            save(given.output, report)
            print(variant, seed, one["final"], flush=True)
        print(variant, json.dumps(report[variant]["summary"]), flush=True)
        if given.transfer:
            found = transfer([one["policy"] for one in runs], of_size)
            report[variant]["transfer"] = found
            save(given.output, report)


if __name__ == "__main__":
    main()
