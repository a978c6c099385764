"""Slots per core-second of the environment, against gym-d2d, compilation apart.

    ./run bench environment                  every section
    ./run bench environment --write          and put them into docs/benchmarks.md
    ./run bench environment --only peer      sections: peer, draws, scaling, faces

gym-d2d is installed from PyPI into a virtual environment of its own, made in a
temporary folder and removed again; without it the ratios are left out. CPU seconds of
one process on one core, all its threads added up: compare ratios of one run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# One core, and the peer inherits it; must be set before JAX is loaded, which counts
# cores to choose its threads. Threads that wait for each other burn time: on two cores
# a call takes 0.45 ms whatever its batch, on one 0.16.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import jax
import jax.numpy as jnp
import numpy as np

from stackelberg import envs
from stackelberg.envs.hashing import exponential, hash_key, random_bits

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BATCH = 1024
ROUNDS = 8
SECONDS = 0.4
"""CPU seconds of each measurement: short, so that some are not disturbed."""

ACTIONS = 8
"""Different actions, taken in turn."""

OWN = envs.Information(sensing="own")

PEER = """
import json, random, sys, time, warnings
warnings.simplefilter("ignore")
from gym_d2d.envs import D2DEnv
channels, pairs, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
random.seed(0)
env = D2DEnv({"num_rbs": channels, "num_cues": channels, "num_due_pairs": pairs})
env.reset()
devices = env.simulator.devices
actions = []
for _ in range(32):
    cues = {i: env.action_space["cue"].sample() for i in devices.cues}
    dues = {i: env.action_space["due"].sample() for i, _ in devices.dues}
    actions.append({**cues, **dues})
actions = [{k: int(v) for k, v in a.items()} for a in actions]
decoded = [env._extract_actions(a) for a in actions]
def rate(step, acts):
    for a in acts[:4]: step(a)
    count, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        step(acts[count % 32]); count += 1
    return count / (time.process_time() - start)
print(json.dumps([rate(env.step, actions), rate(env.simulator.step, decoded)]))
"""


def peer_python(folder: Path) -> Path | None:
    """An interpreter with gym-d2d, or None where it cannot be installed."""
    python = folder / "peer" / "bin" / "python"
    wanted = ["gym-d2d==0.0.3", "gym==0.26.2"]
    if sys.version_info < (3, 13):
        wanted.append("numpy<2")  # which gym was written for
    steps = (
        [sys.executable, "-m", "venv", str(folder / "peer")],
        [str(python), "-m", "pip", "install", "-qq", "setuptools<66", "wheel"],
        [str(python), "-m", "pip", "install", "-qq", *wanted],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"gym-d2d left out: {done.stderr.strip()[-200:]}", file=sys.stderr)
            return None
    return python


def peer_rates(python: Path | None, channels: int, pairs: int) -> tuple[float, float]:
    """gym-d2d's `env.step()` and `simulator.step()` per CPU second."""
    if python is None:
        return float("nan"), float("nan")
    import json

    words = [str(channels), str(pairs), str(SECONDS)]
    done = subprocess.run(
        [str(python), "-c", PEER, *words], capture_output=True, text=True, check=True
    )
    step, simulator = json.loads(done.stdout)
    return step, simulator


def params_of(
    channels: int, pairs: int, *, new: bool = False, **settings: Any
) -> envs.EnvParams:
    """A cell whose episodes begin anew by themselves or, in effect, never end."""
    return envs.make_params(
        num_channels=channels, num_pairs=pairs, auto_reset=new, **settings
    )


def drawn_actions(params: envs.EnvParams, batch: int) -> list[envs.Action]:
    draw = np.random.default_rng(0)
    m, n = params.num_channels, params.num_pairs
    return [
        jax.device_put(
            envs.Action(
                jnp.asarray(np.exp(draw.uniform(34.0, 42.0, (batch, n))), jnp.float32),
                jnp.asarray(draw.integers(0, m, (batch, n)), jnp.int32),
                jnp.asarray(draw.uniform(1e-3, 0.2, (batch, n)), jnp.float32),
            )
        )
        for _ in range(ACTIONS)
    ]


class Measured:
    """One environment, compiled once and measured as often as is wanted.

    Attributes:
        rate: slots per CPU second, of the round that was disturbed least.
        compile_s: CPU seconds.
        bytes: that XLA counts, per slot.
        flops: likewise.
    """

    def __init__(self, params: envs.EnvParams, batch: int) -> None:
        keys = jax.random.split(jax.random.key(0), batch)
        reset = jax.jit(jax.vmap(envs.reset, in_axes=(0, None)))
        state = reset(keys, params)
        # Episodes end at different times, as after a long run.
        self._state = state._replace(slot=jnp.arange(batch, dtype=jnp.int32) % 100)
        self._actions = drawn_actions(params, batch)
        plain = jax.jit(jax.vmap(envs.step, in_axes=(0, 0, 0, None)), donate_argnums=1)
        lowered = plain.lower(keys, self._state, self._actions[0], params)
        start = time.process_time()
        compiled: Any = lowered.compile()
        self.compile_s = time.process_time() - start
        self._step: Callable[[Any, Any], envs.Step] = lambda state, action: (
            envs.step_batch(keys, state, action, params)
        )
        cost = compiled.cost_analysis()
        self.bytes = float(cost.get("bytes accessed", np.nan)) / batch
        self.flops = float(cost.get("flops", np.nan)) / batch
        self.rate, self._batch = 0.0, batch
        self._play(3)

    def measure(self) -> float:
        """One round; everything that `step` returns is made."""
        count, start = 0, time.process_time()
        while time.process_time() - start < SECONDS:
            self._play(1)
            count += 1
        rate = self._batch * count / (time.process_time() - start)
        self.rate = max(self.rate, rate)
        return self.rate

    def _play(self, slots: int) -> None:
        for _ in range(slots):
            result = self._step(self._state, self._actions[0])
            self._state = jax.block_until_ready(result).state
            self._actions = self._actions[1:] + self._actions[:1]


def copy_speed() -> float:
    """Bytes that one core reads and writes per second, in cache, each counted once."""
    source = np.ones(2**17, np.float32)
    target = np.empty_like(source)
    speeds: list[float] = []
    for _ in range(20):
        start = time.process_time()
        for _ in range(200):
            np.copyto(target, source)
        speeds.append(200 * 2 * source.nbytes / (time.process_time() - start))
    return max(speeds)


def floor_bytes(params: envs.EnvParams) -> int:
    """What a slot at least reads and writes: its gains, action, state and results."""
    key = jax.random.key(0)
    state = jax.eval_shape(envs.reset, key, params)
    action = jax.tree.map(lambda leaf: leaf[0], drawn_actions(params, 1)[0])
    result: Any = jax.eval_shape(envs.step, key, state, action, params)
    read = (state.world.gains, action, state.memory)
    written = (result.state.memory, result.observation, result.outcome)
    leaves = jax.tree.leaves((read, written))
    return sum(int(np.prod(leaf.shape)) * leaf.dtype.itemsize for leaf in leaves)


def peer_section(python: Path | None) -> str:
    """Against gym-d2d, in turns, the best round of each."""
    lines = [
        f"Slots per core-second, batch {BATCH}, observations of everybody included, "
        f"the best of {ROUNDS} rounds taken in turns. gym-d2d neither fades nor "
        "prices; its episodes do not begin anew while it is measured, so ours do not "
        "either in the first three rows of a size.",
        "",
        "| channels, pairs | | slots/s | x `env.step()` | x `simulator.step` | bytes | "
        "flops | of the copy floor | compile, s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    speed = copy_speed()
    for channels, pairs in ((20, 10), (25, 25), (25, 50)):
        cases: dict[str, dict[str, Any]] = {
            "Rayleigh, own channel sensed": {"information": OWN},
            "no fading, own channel sensed": {"information": OWN, "fading": None},
            "Rayleigh, all channels sensed": {},
            "Rayleigh, own channel, new episodes": {"information": OWN, "new": True},
            "Rayleigh, all channels sensed, new episodes": {"new": True},
        }
        found = {
            name: Measured(params_of(channels, pairs, **case), BATCH)
            for name, case in cases.items()
        }
        theirs: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            theirs.append(peer_rates(python, channels, pairs))
            for one in found.values():
                one.measure()
        step, simulator = (max(column) for column in zip(*theirs, strict=True))
        at = f"{channels}, {pairs}"
        for name, got in found.items():
            least = floor_bytes(params_of(channels, pairs, **cases[name]))
            lines.append(
                f"| {at} | {name} | {got.rate:,.0f} | {got.rate / step:,.0f} | "
                f"{got.rate / simulator:,.0f} | {got.bytes:,.0f} | "
                f"{got.flops:,.0f} | {100 * got.rate * least / speed:.0f} % | "
                f"{got.compile_s:.1f} |"
            )
        lines.append(f"| {at} | gym-d2d `env.step()` | {step:,.0f} | 1 | | | | | |")
        lines.append(
            f"| {at} | gym-d2d `simulator.step` | {simulator:,.0f} | | 1 | | | | |"
        )
    lines += [
        "",
        "Bytes and flops are XLA's count of the compiled program, whole numbers "
        "included; the floor reads and writes gains, action, state and results once at "
        f"the copy speed of this core in cache, {speed / 1e9:.1f} GB/s.",
    ]
    return "\n".join(lines)


def draws_section() -> str:
    """What 625 faded gains cost, by the order in which they are drawn."""
    width, size = 25, 25 * 25
    seeds = jax.random.bits(jax.random.key(0), (BATCH, 2), jnp.uint32)
    gains = jax.random.uniform(jax.random.key(1), (BATCH, size))
    table = np.arange(size)

    def drawn(seed: jax.Array, link: np.ndarray) -> jax.Array:
        bits = random_bits(hash_key(seed, 8, 3), jnp.asarray(link))
        return exponential(bits, jnp.float32)

    def rows(seed: jax.Array, gain: jax.Array) -> jax.Array:
        return gain[:width, None] * drawn(seed, table.reshape(width, width))

    def one_row(seed: jax.Array, gain: jax.Array) -> jax.Array:
        return gain * drawn(seed, table)

    def written(seed: jax.Array, gain: jax.Array) -> jax.Array:
        return jnp.broadcast_to(gain[0], (size,))

    along = jax.vmap(rows, out_axes=-1)
    cases: dict[str, Any] = {
        "25 rows of 25, as now": jax.vmap(rows),
        "one row of 625": jax.vmap(one_row),
        "25 rows of 25, the batch as last axis": along,
        "nothing: 625 numbers written": jax.vmap(written),
    }
    wide = {"xla_cpu_prefer_vector_width": 512}
    lines = ["25 channels, 25 pairs, one kind of link, µs a slot:", ""]
    lines += ["| drawn in | 256 bits wide | 512 bits wide |", "|---|---|---|"]
    for name, case in cases.items():
        cost: list[float] = []
        for options in (None, wide):
            made: Any = jax.jit(case, compiler_options=options)
            call = partial(lambda f: jax.block_until_ready(f(seeds, gains)), made)
            rate = max(calls_per_second(call) for _ in range(ROUNDS))
            cost.append(1e6 / rate / BATCH)
        lines.append(f"| {name} | {cost[0]:.2f} | {cost[1]:.2f} |")
    return "\n".join(lines)


def scaling_section() -> str:
    """Over pairs and over batch sizes."""
    lines = ["25 channels, Rayleigh, own channel sensed, no new episodes:", ""]
    pairs = (10, 25, 50, 100, 200)
    rates = [Measured(params_of(25, n, information=OWN), 256).measure() for n in pairs]
    lines.append("| pairs, batch 256 | " + " | ".join(map(str, pairs)) + " |")
    lines.append("|---" * (len(pairs) + 1) + "|")
    shown = " | ".join(f"{rate:,.0f}" for rate in rates)
    lines.append(f"| slots/s | {shown} |")
    batches = (1, 8, 64, 512, 1024, 8192)
    params = params_of(25, 25, information=OWN)
    rates = [Measured(params, batch).measure() for batch in batches]
    lines += ["", "| batch, 25 pairs | " + " | ".join(map(str, batches)) + " |"]
    lines.append("|---" * (len(batches) + 1) + "|")
    shown = " | ".join(f"{rate:,.0f}" for rate in rates)
    lines.append(f"| slots/s | {shown} |")
    return "\n".join(lines)


def calls_per_second(call: Callable[[], Any]) -> float:
    """How often `call` runs per CPU second, once warm."""
    for _ in range(5):
        call()
    count, start = 0, time.process_time()
    while time.process_time() - start < SECONDS:
        call()
        count += 1
    return count / (time.process_time() - start)


def faces_section(python: Path | None) -> str:
    """What the other libraries' interfaces cost."""
    from stackelberg.envs import faces

    params = params_of(25, 25, information=OWN, horizon_slots=10**9)
    everybody = faces.CellParallel(params)
    everybody.reset(seed=0)
    acts = {agent: everybody.action_space(agent).sample() for agent in everybody.agents}
    cycle = faces.CellAEC(params)
    cycle.reset(seed=0)

    def around() -> None:
        for agent in cycle.agents:
            cycle.last()
            cycle.step(acts[agent])

    singles = [faces.LeaderEnv(params), faces.FollowerEnv(params)]
    for env in singles:
        env.reset(seed=0)
    vector = faces.LeaderVectorEnv(256, params)
    vector.reset(seed=0)
    many = vector.action_space.sample()
    leader_acts, pair_acts = (env.action_space.sample() for env in singles)
    rates = {
        "`CellParallel`": calls_per_second(lambda: everybody.step(acts)),
        "`CellAEC`, 26 agent steps a slot": calls_per_second(around),
        "`LeaderEnv`, followers at equilibrium": calls_per_second(
            lambda: singles[0].step(leader_acts)
        ),
        "`FollowerEnv`, others at equilibrium": calls_per_second(
            lambda: singles[1].step(pair_acts)
        ),
        "`LeaderVectorEnv`, 256 cells": 256
        * calls_per_second(lambda: vector.step(many)),
    }
    step, _ = peer_rates(python, 25, 25)
    lines = ["25 channels, 25 pairs, Rayleigh, slots per core-second:", ""]
    lines += ["| face | slots/s | x gym-d2d `env.step()` |", "|---|---|---|"]
    lines += [
        f"| {name} | {rate:,.0f} | {rate / step:.1f} |" for name, rate in rates.items()
    ]
    lines.append(f"| gym-d2d `env.step()` | {step:,.0f} | 1 |")
    return "\n".join(lines)


SECTIONS = ("peer", "draws", "scaling", "faces")


def section(name: str, python: Path | None) -> str:
    if name == "scaling":
        return scaling_section()
    if name == "draws":
        return draws_section()
    return peer_section(python) if name == "peer" else faces_section(python)


def write(name: str, text: str) -> None:
    """Put a section between its marks on the page."""
    begin, end = f"<!-- environment {name} -->\n", f"<!-- end environment {name} -->\n"
    before, rest = PAGE.read_text().split(begin)
    PAGE.write_text(before + begin + text + "\n" + end + rest.split(end)[1])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the docs page")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    options = parser.parse_args(arguments)
    chosen = SECTIONS if options.only is None else (options.only,)
    with tempfile.TemporaryDirectory() as folder:
        python = (
            None if chosen in (("scaling",), ("draws",)) else peer_python(Path(folder))
        )
        for name in chosen:
            text = section(name, python)
            print(text, flush=True)
            if options.write:
                write(name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
