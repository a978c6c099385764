"""Whether learners that know rewards alone beat what needs no learning; run by hand.

Run: PYTHONPATH=src:tests .venv/bin/python tests/learning/rewards_alone.py

On the small cell, 8,000 slots each. Compilation takes 10 to 30 s of CPU a method and
learning 2 to 6, which is why no test does this. Prints what prices earn the leader at
the followers' equilibrium above silence, as a share of silence: it owes nothing to
followers who answer badly.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
from learning.small_cells import cell
from learning.tiny_methods import compiling_quickly

from stackelberg.envs.equilibrium import re_equilibrated_utility, silent_utility
from stackelberg.learning import METHODS
from stackelberg.learning import experience as xp

SETTINGS: dict[str, Any] = {
    "environments": 16,
    "slots_per_chunk": 25,
    "gamma": 0.0,
    "width": 16,
    "learning_rate": 1e-2,
}
CHUNKS = 20


@partial(jax.jit, static_argnums=1)
def worth(policy: Any, num_slots: int = 10) -> dict[str, Any]:
    """Of the policy's prices, of these times random factors, of prices near 0."""
    params = cell()
    key = jax.random.key(77)
    states = xp.start_states(key, params, 32)
    _, kept = xp.play(key, states, policy, params, num_slots)
    kept = xp.flat(kept)
    silent = jax.vmap(silent_utility)(kept.game)
    giveaway = kept.game.price_scale / (1e3 * kept.game.max_power_w)
    drawn = 10.0 ** jax.random.uniform(key, giveaway.shape, minval=-2.0, maxval=2.0)
    utility = jax.vmap(re_equilibrated_utility)
    price = kept.reuse_price
    offers = {"own": price, "random": price * drawn, "full_power": giveaway}
    return {
        name: (utility(kept.game, one) - silent).sum() / silent.sum()
        for name, one in offers.items()
    }


def main() -> None:
    """Train each, print, and end with an error where one is no better."""
    with compiling_quickly():
        for name in ("independent_q", "ippo", "mappo"):
            kind: Any = METHODS[name]
            learner = kind(**SETTINGS).learner(cell())
            state = learner.start(jax.random.key(0))
            before = float(worth(learner.policy(state))["own"])
            for _ in range(CHUNKS):
                state, _ = learner.advance(state)
            found = {k: float(v) for k, v in worth(learner.policy(state)).items()}
            told = ", ".join(f"{k} {v:.3f}" for k, v in found.items())
            print(f"{name}: untrained {before:.3f}, {told}")
            if found["own"] <= max(0.0, before, found["random"], found["full_power"]):
                raise SystemExit(f"{name} learned nothing")


if __name__ == "__main__":
    main()
