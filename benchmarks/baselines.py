"""What the environment's baselines earn, and how fast equilibria and WMMSE are.

    python benchmarks/baselines.py [--cells 32] [--slots 8] [--only PART]

Four parts: `channel`: sums of rates in the Gaussian interference channel of Sun et al.
(2018), with WMMSE instances per core-second beside plain NumPy; `speed`: equilibria per
core-second, compile time apart; `table`: all baselines but `exhaustive` on 4 channels
with 8 pairs; `small`: all of them on 3 channels with 4 pairs.
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
from stackelberg.envs.baselines.policy import MOST_ALLOCATIONS
from stackelberg.envs.params import SlotConcept
from stackelberg.spectrum import RadioModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=32)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--only", choices=("channel", "speed", "table", "small"))
    options = parser.parse_args()

    def wanted(part: str) -> bool:
        return options.only in (None, part)

    if wanted("channel"):
        for users in (10, 20, 30):
            interference_channel(users, draws=2000)
    if wanted("speed"):
        equilibria(batch=1024)
    if wanted("table"):
        table(cell(4, 8), options.cells, options.slots)
    if wanted("small"):
        table(cell(3, 4), options.cells, options.slots)


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


def cell(num_channels: int, num_pairs: int) -> envs.EnvParams:
    return envs.make_params(
        num_channels=num_channels,
        num_pairs=num_pairs,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        fading=envs.Jakes(doppler_hz=10.0),
        information=envs.delayed(1),
    )


def equilibria(batch: int) -> None:
    params = cell(4, 8)
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


def table(params: envs.EnvParams, cells: int, slots: int) -> None:
    """Every baseline in the same cells, one row each."""
    size = params.num_channels**params.num_pairs
    print(f"\n{params.num_channels} channels, {params.num_pairs} pairs; means over")
    print(f"{cells * slots} slots; utilities and rates in Mbit/s")
    print("| baseline | leader | re-equilibrated | sum of rates | follower regret |")
    print("|---|---|---|---|---|", flush=True)
    keys = jax.random.split(jax.random.key(1), cells)
    begun = jax.jit(jax.vmap(first, (0, None)))(keys, params)
    played = jax.jit(jax.vmap(play, (0, 0, 0, None)))
    for name in baselines.BASELINES:
        if name == "exhaustive" and size > MOST_ALLOCATIONS:
            continue
        act = jax.jit(jax.vmap(baselines.make_baseline(name, params)))
        (state, seen), rows = begun, list[Any]()
        for slot in range(slots):
            now = jax.vmap(jax.random.fold_in, (0, None))(keys, slot)
            (state, seen), row = played(now, state, act(now, seen, state), params)
            rows.append(jax.device_get(row))
        leader, settled, rate, regret = np.asarray(rows).mean(axis=(0, 2)) / 1e6
        print(
            f"| `{name}` | {leader:.2f} | {settled:.2f} | {rate:.2f} | {regret:.3f} |",
            flush=True,
        )


def first(
    key: jax.Array, params: envs.EnvParams
) -> tuple[envs.State, envs.Observation]:
    """A new episode and what everybody sees in it."""
    begun = envs.reset(key, params)
    leader = envs.observe_leader(begun, params)
    pairs = envs.observe_followers(begun, begun.memory.reuse_price, params)
    return begun, envs.Observation(leader, pairs)


def play(
    key: jax.Array, state: envs.State, action: envs.Action, params: envs.EnvParams
) -> Any:
    """What follows; leader's utility, that re-equilibrated, all rates, mean regret."""
    result = envs.step(key, state, action, params)
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


if __name__ == "__main__":
    main()
