"""Learning where a decision matters later: queues with deadlines, against no foresight.

Run: .venv/bin/python benchmarks/learning_coupled.py [OUT.json] [--seeds 3]
[--env-steps 24000] [--episodes 64] [--methods a,b]

The reference cell with queues and deadlines. Every policy plays the same episodes and
is compared with the conjectural equilibrium on the same information, which takes every
slot for itself and does not look at queues: leader's reward, pairs' reward (useful rate
less payment and loss), both per slot, and the share of the data that expired. 95 %
bootstrap intervals over seeds and episodes, paired. Channels are kept, so a loss by
switching would change nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from stackelberg import envs
from stackelberg.learning import METHODS, make_learner
from stackelberg.learning.simple_policies import Conjectural
from stackelberg.spectrum import RadioModel

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "response_gradient_residual": ("response_gradient_residual", {}),
    "matd3_gamma_0": ("matd3", {"gamma": 0.0, "residual": True}),
    "matd3_gamma_0.9": ("matd3", {"gamma": 0.9, "residual": True}),
    "stq_gamma_0.9": (
        "stq",
        {"gamma": 0.9, "residual": True, "imitate": 0.3, "imitate_floor": 0.05},
    ),
}
SLOTS, WARM_SLOTS = 40, 5


def world() -> Any:
    """The reference cell with packets of 10 kbit in half of the slots."""
    return envs.make_params(
        num_channels=4,
        num_pairs=8,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        fading=envs.Jakes(10.0),
        information=envs.delayed(1),
        billing="quoted",
        queues=envs.Queues(),
    )


@jax.jit
def played(policy: Any, states: Any, params: Any) -> dict[str, Any]:
    """Sums over the slots of each episode [E]."""

    def slot(state: Any) -> Any:
        price = policy.act_leader(envs.observe_leader(state, params), params)
        seen = envs.observe_followers(state, price, params)
        action = envs.Action(price, *policy.act_followers(seen, params))
        after = envs.step(jax.random.key(0), state, action, params)
        assert after.served_bits is not None
        assert after.expired_bits is not None
        told = {
            "leader": after.leader_reward,
            "pairs": after.follower_reward.mean(),
            "served": after.served_bits.sum(),
            "expired": after.expired_bits.sum(),
        }
        return after.state, told

    def one(states: Any, _: None) -> Any:
        return jax.vmap(slot)(states)

    _, told = jax.lax.scan(one, states, None, SLOTS)
    return {name: x[WARM_SLOTS:].sum(axis=0) for name, x in told.items()}


def shown(sums: dict[str, Any]) -> dict[str, Any]:
    """Mbit/s per slot, and the share that expired; episodes are the last axis."""
    mean = {name: np.asarray(x, np.float64).mean(axis=-1) for name, x in sums.items()}
    slots = SLOTS - WARM_SLOTS
    return {
        "leader_mbps": mean["leader"] / slots / 1e6,
        "pair_mbps": mean["pairs"] / slots / 1e6,
        "expired_share": mean["expired"] / (mean["expired"] + mean["served"]),
    }


def interval(values: Any) -> list[float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return [round(float(low), 5), round(float(high), 5)]


def compared(runs: list[dict[str, Any]], same: dict[str, Any]) -> dict[str, Any]:
    """Means over seeds and paired differences from `same`."""
    draw = np.random.default_rng(0)
    sums = {name: np.stack([one[name] for one in runs]) for name in same}
    episodes = sums["leader"].shape[1]
    differences: list[dict[str, Any]] = []
    for _ in range(2000):
        seed = draw.integers(0, len(runs), len(runs))
        episode = draw.integers(0, episodes, episodes)
        mine = shown({name: x[seed][:, episode] for name, x in sums.items()})
        other = shown({name: np.asarray(x)[episode] for name, x in same.items()})
        differences.append({name: x.mean() - other[name] for name, x in mine.items()})
    mine, other = shown(sums), shown(same)
    return {
        name: {
            "mean": round(float(values.mean()), 5),
            "over_conjectural": round(float(values.mean() - other[name]), 5),
            "over_conjectural_interval": interval([d[name] for d in differences]),
        }
        for name, values in mine.items()
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("output", type=Path, nargs="?")
    ask.add_argument("--methods", default=",".join(VARIANTS))
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--env-steps", type=int, default=24_000)
    ask.add_argument("--episodes", type=int, default=64)
    given = ask.parse_args()
    params = world()
    keys = jax.random.split(jax.random.key(1_000_000), given.episodes)
    states = jax.vmap(envs.reset, in_axes=(0, None))(keys, params)
    same = played(Conjectural(), states, params)
    report: dict[str, Any] = {
        "conjectural": {k: round(float(v), 5) for k, v in shown(same).items()}
    }
    print("conjectural", report["conjectural"], flush=True)
    for variant in filter(None, given.methods.split(",")):
        method, settings = VARIANTS[variant]
        learner = make_learner(METHODS[method](**settings), params)
        runs: list[dict[str, Any]] = []
        for seed in range(given.seeds):
            state, steps = learner.start(jax.random.key(seed)), 0
            while steps < given.env_steps:
                state, _ = learner.advance(state)
                steps += learner.env_steps_per_chunk
            runs.append(played(learner.policy(state), states, params))
        report[variant] = {
            "env_steps": given.env_steps,
            "seeds": given.seeds,
            **compared(runs, same),
        }
        if given.output is not None:
            given.output.write_text(json.dumps(report, indent=1) + "\n")
        print(variant, json.dumps(report[variant]), flush=True)


if __name__ == "__main__":
    main()
