"""Decisions of a trained policy beside solves of the same slots, per CPU second.

Run: .venv/bin/python benchmarks/policy_speed.py

A decision is the prices of one slot and the powers of all its pairs. The policy is the
one that ships; it knows late local state, the solvers know everything. All meet the
same 64 slots of 4 channels and 8 pairs. Compilation is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stackelberg import envs, spectrum
from stackelberg.cli.learn.demo_policy import shipped_policy
from stackelberg.envs.conversion import scenario_of
from stackelberg.envs.equilibrium import slot_equilibrium
from stackelberg.envs.slot_game import slot_game

SLOTS = 64
LEAST_SECONDS = 3.0


def per_second(work: Callable[[], Any], decisions: int) -> float:
    """Decisions per CPU second of `work`, which makes so many; warmed up first."""
    work()
    begun, done = time.process_time(), 0
    while time.process_time() - begun < LEAST_SECONDS:
        work()
        done += decisions
    return done / (time.process_time() - begun)


def main() -> None:
    """Measure and print."""
    trained = shipped_policy()
    params, policy = trained.settings.params(), trained.policy
    keys = jax.random.split(jax.random.key(11), SLOTS)
    states = jax.vmap(envs.reset, (0, None))(keys, params)

    @jax.jit
    def decide(states: envs.State) -> Any:
        def one(state: envs.State) -> Any:
            price = policy.act_leader(envs.observe_leader(state, params), params)
            seen = envs.observe_followers(state, price, params)
            return price, policy.act_followers(seen, params)

        return jax.vmap(one)(states)

    @jax.jit
    def equilibria(states: envs.State) -> Any:
        def one(state: envs.State) -> Any:
            return slot_equilibrium(slot_game(state, params, state.memory.channel))

        return jax.vmap(one)(states)

    slots = [jax.tree.map(lambda leaf, i=i: leaf[i], states) for i in range(8)]
    cells = [scenario_of(s, params, np.asarray(s.memory.channel)) for s in slots]
    first = jax.tree.map(lambda leaf: jnp.asarray(leaf)[:1], states)
    found = {
        "policy, 64 slots at a time": per_second(
            lambda: jax.block_until_ready(decide(states)), SLOTS
        ),
        "policy, one slot at a time": per_second(
            lambda: jax.block_until_ready(decide(first)), 1
        ),
        "search of the environment, 64 slots at a time": per_second(
            lambda: jax.block_until_ready(equilibria(states)), SLOTS
        ),
        "`solve`, `iterated`": per_second(
            lambda: [spectrum.solve(cell, "iterated") for cell in cells], len(cells)
        ),
        "`solve`, `bilevel`, proved to 1e-4": per_second(
            lambda: [spectrum.solve(cell, "bilevel") for cell in cells], len(cells)
        ),
    }
    print("| who decides | slots per CPU second |\n|---|---|")
    for name, speed in found.items():
        print(f"| {name} | {speed:,.3g} |")


if __name__ == "__main__":
    main()
