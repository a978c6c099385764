"""Play baselines of the environment in the same cells and compare what they earn.

Every policy meets the same users, shadowing and fading. Utility alone misleads: pairs
that lag behind, or do not look at the price, can be charged more than they would pay.
The last column lets them settle at the posted prices first.
"""

from typing import Any

import jax

from stackelberg import envs
from stackelberg.envs import baselines
from stackelberg.spectrum import RadioModel

CELLS, SLOTS = 8, 5
NAMES = ("random", "wmmse", "equilibrium_reported", "equilibrium")

params = envs.make_params(
    num_channels=2,
    num_pairs=4,
    radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
    fading=envs.Jakes(doppler_hz=10.0),
    information=envs.delayed(1),
)


def play(policy: baselines.BaselinePolicy, key: jax.Array) -> Any:
    """Leader utility, re-equilibrated utility and sum of rates in every slot."""
    begun = envs.reset(key, params)
    seen = envs.Observation(
        envs.observe_leader(begun, params),
        envs.observe_followers(begun, begun.memory.reuse_price, params),
    )

    def slot(carry: Any, key: jax.Array) -> Any:
        state, seen = carry
        result = envs.step(key, state, policy(key, seen, state), params)
        out = result.outcome
        game = envs.slot_game(state, params, out.channel)
        settled = envs.re_equilibrated_utility(game, out.reuse_price)
        rate = out.d2d_rate_bps.sum() + out.cellular_rate_bps.sum()
        return (result.state, result.observation), (out.leader_utility, settled, rate)

    return jax.lax.scan(slot, (begun, seen), jax.random.split(key, SLOTS))[1]


keys = jax.random.split(jax.random.key(0), CELLS)
settled_mbps: dict[str, float] = {}
print(f"{'Mbit/s':22}{'leader':>10}{'all rates':>11}{'re-equilibrated':>17}")
for name in NAMES:
    policy = baselines.make_baseline(name, params)
    played = jax.jit(jax.vmap(lambda key, p=policy: play(p, key)))(keys)
    leader, settled, rate = (float(x.mean()) / 1e6 for x in played)
    settled_mbps[name] = settled
    print(f"{name:22}{leader:>10.2f}{rate:>11.2f}{settled:>17.2f}")
