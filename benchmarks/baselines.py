"""What the environment's baselines earn, and how fast equilibria and WMMSE are.

    python benchmarks/baselines.py [--cells 32] [--slots 8]

Three parts: sums of rates in the Gaussian interference channel of Sun et al. (2018),
with WMMSE instances per core-second beside plain NumPy; equilibria per core-second,
compile time apart; and a table of all baselines on 4 channels with 8 pairs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stackelberg import envs
from stackelberg.envs import baselines
from stackelberg.envs.params import SlotConcept
from stackelberg.spectrum import RadioModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=32)
    parser.add_argument("--slots", type=int, default=8)
    options = parser.parse_args()
    for users in (10, 20, 30):
        interference_channel(users, draws=2000)
    equilibria(batch=1024)
    table(options.cells, options.slots)


def timed(compute: Callable[..., Any], *arguments: Any) -> tuple[Any, float, float]:
    """The result, seconds to compile, and the core-seconds of a later call."""
    begin = time.perf_counter()
    compiled = jax.jit(compute).lower(*arguments).compile()
    compile_s = time.perf_counter() - begin
    jax.block_until_ready(compiled(*arguments))
    begin = time.process_time()
    result = jax.block_until_ready(compiled(*arguments))
    return result, compile_s, time.process_time() - begin


def interference_channel(users: int, draws: int) -> None:
    gain = np.random.default_rng(0).exponential(size=(draws, users, users))
    own = np.diagonal(gain, axis1=1, axis2=2)
    cross = np.swapaxes(gain * (1.0 - np.eye(users)), 1, 2) / own[:, :, None]
    ones, scalar = jnp.ones((draws, users)), jnp.ones(draws)
    game = envs.SlotGame(
        channel=jnp.zeros((draws, users), jnp.int32),
        cellular_snr=jnp.zeros((draws, 1)),
        bs_gain=ones,
        noise=jnp.asarray(1.0 / own, jnp.float32),
        coupling=jnp.asarray(cross, jnp.float32),
        price_scale=ones,
        follower_price_weight=scalar,
        leader_revenue_weight=scalar,
        spend_scale=scalar / np.log(2.0),
        min_power_w=0.0 * ones,
        max_power_w=ones,
        price_limits=None,
    )
    power, compile_s, core_s = timed(jax.vmap(baselines.wmmse), game)
    drawn = np.random.default_rng(1).uniform(size=(draws, users))
    rate = jax.vmap(baselines.sum_rate)
    by_power = (power, ones, jnp.asarray(drawn, jnp.float32))
    best, loud, random = (float(rate(game, p).mean()) for p in by_power)
    begin = time.process_time()
    for one in gain[:50]:
        plain_wmmse(one, 100)
    plain_s = (time.process_time() - begin) / 50
    print(
        f"{users} users: WMMSE {best:.3f}, full power {loud:.3f}, random {random:.3f} "
        f"b/s/Hz; {draws / core_s:,.0f} instances of 100 rounds per core-second "
        f"(compile {compile_s:.1f} s), NumPy {1.0 / plain_s:,.0f}"
    )


def plain_wmmse(gain: np.ndarray, rounds: int) -> np.ndarray:
    """WMMSE in NumPy with a loop over rounds; unit noise and powers."""
    own, v = np.sqrt(np.diag(gain)), np.ones(len(gain))
    for _ in range(rounds):
        received = 1.0 + v**2 @ gain
        u = own * v / received
        w = 1.0 / (1.0 - u * own * v)
        v = np.clip(w * u * own / (gain @ (w * u**2)), 0.0, 1.0)
    return v**2


def cell() -> envs.EnvParams:
    return envs.make_params(
        num_channels=4,
        num_pairs=8,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        fading=envs.Jakes(doppler_hz=10.0),
        information=envs.delayed(1),
    )


def equilibria(batch: int) -> None:
    params = cell()
    keys = jax.random.split(jax.random.key(0), batch)
    states = jax.jit(jax.vmap(envs.reset, (0, None)))(keys, params)
    games = jax.jit(
        jax.vmap(lambda state: envs.slot_game(state, params, state.memory.channel))
    )(states)
    solved("bilevel", games)
    solved("iterated", games)


def solved(concept: SlotConcept, games: envs.SlotGame) -> None:
    batch = len(games.noise)

    def one(game: envs.SlotGame) -> envs.SlotEquilibrium:
        return envs.slot_equilibrium(game, concept=concept)

    found, compile_s, core_s = timed(jax.vmap(one), games)
    print(
        f"{concept}: {batch / core_s:,.0f} equilibria per core-second "
        f"(compile {compile_s:.1f} s), "
        f"{float(found.converged.mean()):.2%} converged"
    )


def table(cells: int, slots: int) -> None:
    params = cell()
    print("\nmeans over slots; utilities and rates in Mbit/s")
    print("| baseline | leader | re-equilibrated | sum of rates | follower regret |")
    print("|---|---|---|---|---|")
    keys = jax.random.split(jax.random.key(1), cells)
    for name in baselines.BASELINES:
        if name == "exhaustive":
            continue
        act = baselines.make_baseline(name, params)
        played = jax.jit(jax.vmap(lambda key, act=act: play(act, key, params, slots)))
        leader, settled, rate, regret = (float(x.mean()) / 1e6 for x in played(keys))
        print(
            f"| `{name}` | {leader:.2f} | {settled:.2f} | {rate:.2f} | {regret:.3f} |"
        )


def play(
    act: baselines.BaselinePolicy, key: jax.Array, params: envs.EnvParams, slots: int
) -> Any:
    """Leader's utility, the same re-equilibrated, all rates, mean follower regret."""
    begun = envs.reset(key, params)
    seen = envs.Observation(
        envs.observe_leader(begun, params),
        envs.observe_followers(begun, begun.memory.reuse_price, params),
    )

    def slot(carry: Any, key: jax.Array) -> Any:
        state, seen = carry
        result = envs.step(key, state, act(key, seen, state), params)
        out = result.outcome
        game = envs.slot_game(state, params, out.channel)
        regret = envs.follower_regret(game, out.reuse_price, out.transmit_power_w)
        row = (
            out.leader_utility,
            envs.re_equilibrated_utility(game, out.reuse_price),
            out.d2d_rate_bps.sum() + out.cellular_rate_bps.sum(),
            regret.mean(),
        )
        return (result.state, result.observation), row

    return jax.lax.scan(slot, (begun, seen), jax.random.split(key, slots))[1]


if __name__ == "__main__":
    main()
