"""The boxes that branch and bound still has to look into, best bound first.

A binary heap of row numbers over arrays that grow, for compiled code: of each box its
bound, the pair to split it by, two corners and one mark per pair for the caller.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from stackelberg.spectrum.scenario import Floats, Ints


class BoxQueue(NamedTuple):
    """Rows of waiting boxes, and which rows are not in use.

    Attributes:
        bound: of each row [capacity].
        split: pair to split the box by [capacity].
        low: lower corner [capacity, K].
        high: upper corner [capacity, K].
        mark: whatever the caller keeps per pair [capacity, K].
        heap: rows that wait, as a heap with the largest bound on top [capacity].
        unused: rows not in use, taken from the end [capacity].
        size: how many wait and how many are unused [2].
    """

    bound: Floats
    split: Ints
    low: Floats
    high: Floats
    mark: Ints
    heap: Ints
    unused: Ints
    size: Ints


@njit(cache=True, error_model="numpy", nogil=True)
def new_queue(num_pairs: int, capacity: int) -> BoxQueue:
    """An empty queue for boxes of `num_pairs` sides, with room for `capacity`."""
    return BoxQueue(
        np.empty(capacity),
        np.empty(capacity, dtype=np.int64),
        np.empty((capacity, num_pairs)),
        np.empty((capacity, num_pairs)),
        np.empty((capacity, num_pairs), dtype=np.int64),
        np.empty(capacity, dtype=np.int64),
        np.arange(capacity - 1, -1, -1),
        np.array([0, capacity]),
    )


@njit(cache=True, error_model="numpy", nogil=True)
def largest_bound(queue: BoxQueue) -> float:
    """The largest bound among the boxes that wait; -inf where none does."""
    return float(queue.bound[queue.heap[0]]) if queue.size[0] else -np.inf


@njit(cache=True, error_model="numpy", nogil=True)
def push(
    queue: BoxQueue, bound: float, split: int, low: Floats, high: Floats, mark: Ints
) -> BoxQueue:
    """Add a box; returns the queue to go on with, a larger one where it was full."""
    if queue.size[1] == 0:
        queue = _grown(queue)
    size = queue.size[0]
    queue.size[0] += 1
    queue.size[1] -= 1
    row = queue.unused[queue.size[1]]
    queue.bound[row], queue.split[row] = bound, split
    queue.low[row], queue.high[row], queue.mark[row] = low, high, mark
    heap, at = queue.heap, size
    while at > 0:
        parent = (at - 1) // 2
        if queue.bound[heap[parent]] >= bound:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = row
    return queue


@njit(cache=True, error_model="numpy", nogil=True)
def pop(queue: BoxQueue) -> int:
    """Take out the box of largest bound; its row holds it until the next `push`."""
    heap = queue.heap
    top, size = heap[0], queue.size[0] - 1
    queue.unused[queue.size[1]] = top
    queue.size[0] = size
    queue.size[1] += 1
    last = heap[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and queue.bound[heap[child + 1]] > queue.bound[heap[child]]:
            child += 1
        if queue.bound[heap[child]] <= queue.bound[last]:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = last
    return top


@njit(cache=True, error_model="numpy", nogil=True)
def _grown(queue: BoxQueue) -> BoxQueue:
    capacity, num_pairs = queue.low.shape
    larger = new_queue(num_pairs, 2 * capacity)
    larger.bound[:capacity], larger.split[:capacity] = queue.bound, queue.split
    larger.low[:capacity], larger.high[:capacity] = queue.low, queue.high
    larger.mark[:capacity], larger.heap[:capacity] = queue.mark, queue.heap
    larger.size[0], larger.size[1] = queue.size[0], capacity
    return larger
