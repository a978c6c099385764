"""Run a pass over fixed blocks of users on several threads, with the same bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from stackelberg.edge.market import Ints

MAX_BLOCKS = 8
"""Blocks are fixed by the market alone, so more threads than this stay idle."""

EDGES_PER_BLOCK = 20_000
"""Fewer edges are not worth a thread of their own."""

ENTRIES_PER_EDGE = 4
"""Each block has a matrix of its own; all of them together hold at most this many
entries per edge, unless one block does."""


def blocks_of(indptr: Ints, num_nodes: int) -> Ints:
    """Bounds of the blocks of users, about equally many edges each [blocks + 1]."""
    num_users, num_edges = len(indptr) - 1, int(indptr[-1])
    count = min(
        MAX_BLOCKS,
        num_edges // EDGES_PER_BLOCK,
        ENTRIES_PER_EDGE * num_edges // max(num_nodes**2, 1),
        num_users,
    )
    return even_cuts(indptr, max(count, 1))


def even_cuts(bounds: Ints, count: int) -> Ints:
    """Cut rows into `count` parts of about equally many entries each [count + 1].

    Args:
        bounds: of each row's entries [rows + 1].
        count: >= 1.
    """
    if count == 1:
        return np.array([0, len(bounds) - 1], dtype=np.int64)
    goals = int(bounds[-1]) * np.arange(count + 1) // count
    cuts = np.searchsorted(bounds, goals)
    cuts[0], cuts[-1] = 0, len(bounds) - 1
    return cuts.astype(np.int64)


def run_blocks(
    run: Callable[[int, int, int], None], bounds: Ints, pool: Executor | None
) -> None:
    """Call `run(block, first user, last user)` for every block.

    `run` must write only what belongs to its block; compiled code in it should release
    the interpreter lock.
    """
    ends = bounds.tolist()
    calls = [(k, ends[k], ends[k + 1]) for k in range(len(ends) - 1)]
    if pool is None or len(calls) == 1:
        for call in calls:
            run(*call)
        return
    for done in [pool.submit(run, *call) for call in calls]:
        done.result()
