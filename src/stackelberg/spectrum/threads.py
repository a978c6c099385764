"""Run compiled row kernels on several threads, with the same bits on any number."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

MAX_BLOCKS = 32


def in_blocks(run: Callable[[slice], None], count: int, least_block: int) -> None:
    """Call `run` on slices that cover range(count), on threads if there are several.

    `run` must release the interpreter lock, treat rows independently and write only to
    its own rows.
    """
    block = max(least_block, -(-count // MAX_BLOCKS))
    slices = [slice(i, min(i + block, count)) for i in range(0, count, block)]
    if len(slices) <= 1:
        for rows in slices:
            run(rows)
        return
    with ThreadPoolExecutor() as pool:
        list(pool.map(run, slices))
