"""MADDPG of this library beside a plain PyTorch loop, per CPU second of one core.

    python benchmarks/maddpg_torch.py                  makes an environment with torch
    python benchmarks/maddpg_torch.py --python PYTHON  PyTorch and stackelberg in one

Both sides do the same: networks, critic, minibatch, agents, optimiser, replay and 50
updates after 800 slots of 32 cells with 4 channels and 8 pairs. The loop meets the
library's own environment, compiled, behind arrays of NumPy: only acting, storing and
learning are PyTorch's. Before anything is timed both get the same weights and the same
transitions, and their losses and gradients must agree.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHUNKS = 12
"""Of each measurement, in turns; the best third counts."""


def installed(folder: Path) -> str:
    """An interpreter of its own with PyTorch and this library."""
    python = str(folder / "bin" / "python")
    for step in (
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "-qq", "torch", str(ROOT)],
    ):
        subprocess.run(step, check=True)
    return python


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="of an environment with both")
    options = parser.parse_args(arguments)
    if importlib.util.find_spec("torch") is not None:
        compare()
        return 0
    with tempfile.TemporaryDirectory() as folder:
        python = options.python or installed(Path(folder))
        # One core and one thread for both, set before anything is loaded.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        threads["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        return subprocess.run(
            [python, __file__], env=os.environ | threads, check=False
        ).returncode


def compare() -> None:
    """Check that both do the same, then measure and print."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import jax
    import torch  # pyright: ignore[reportMissingImports]
    from peers.maddpg_loop import Loop, difference

    from stackelberg import envs
    from stackelberg.learning import METHODS, make_learner
    from stackelberg.spectrum import RadioModel

    torch.set_num_threads(1)
    params = envs.make_params(
        num_channels=4,
        num_pairs=8,
        radio=RadioModel(min_power_w=0.0, follower_price_weight=0.3),
        fading=envs.Jakes(10.0),
        information=envs.delayed(1),
        billing="quoted",
    )
    learner: Any = make_learner(METHODS["maddpg"](), params)
    begun = time.process_time()
    # Three chunks, so that the measured ones learn, after the warm-up.
    state = learner.start(jax.random.key(0))
    state, _ = learner.advance(state)
    state, _ = learner.advance(state)
    state, _ = jax.block_until_ready(learner.advance(state))
    compiled = time.process_time() - begun
    loop = Loop(learner, state)
    print(f"losses and gradients differ by {difference(learner, state, loop):.1g}")

    held: list[Any] = [state]

    def ours_plays() -> None:
        now = held[0]
        worlds, replay, _ = learner._collect(
            now.worlds, now.replay, now.networks.policy, now.key, now.env_steps
        )
        held[0] = now._replace(worlds=worlds, replay=replay)
        jax.block_until_ready(held[0])

    def ours_learns() -> None:
        now = held[0]
        networks, optimisers, _ = learner._update(
            now.networks, now.optimisers, now.replay, now.key, now.env_steps
        )
        held[0] = now._replace(networks=networks, optimisers=optimisers)
        jax.block_until_ready(held[0])

    def ours_does_both() -> None:
        held[0], _ = jax.block_until_ready(learner.advance(held[0]))

    slots = learner.env_steps_per_chunk
    updates = learner.settings.updates_per_chunk
    work = {
        "updates": (ours_learns, loop.learn, updates),
        "slots, playing alone": (ours_plays, loop.play, slots),
        "slots, playing and learning": (ours_does_both, loop.chunk, slots),
    }
    print(f"jax {jax.__version__}, torch {torch.__version__}")
    print("| per CPU second | this library | PyTorch loop | ratio |\n|---|---|---|---|")
    for name, (ours, theirs, count) in work.items():
        fast, slow = in_turns(ours, theirs, count)
        print(f"| {name} | {fast:,.0f} | {slow:,.0f} | {fast / slow:.1f} |")
    print(
        f"\nCompilation and the first three chunks of this library: {compiled:.0f} s."
    )


def in_turns(
    ours: Callable[[], None], theirs: Callable[[], None], count: int
) -> tuple[float, float]:
    """So many things per CPU second each: the best third of calls in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    ours()
    theirs()
    for _ in range(CHUNKS):
        for work, spent in zip((ours, theirs), seconds, strict=True):
            begun = time.process_time()
            work()
            spent.append(time.process_time() - begun)
    third = CHUNKS // 3
    fast, slow = (third * count / sum(sorted(spent)[:third]) for spent in seconds)
    return fast, slow


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
