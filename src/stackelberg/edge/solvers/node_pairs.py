"""Which nodes share users, and a table to add up what the users leave to such pairs.

A user that reaches d nodes adds to d (d - 1) / 2 entries of an M x M matrix. Where
reach is local almost all other entries stay zero. The table keeps one short row per
node, for its neighbours that come later in a given order. Within a row the place of a
neighbour is the neighbour's `slot`, a number that differs between any two nodes that
stand in one row; so an entry is found by one addition, without a search and without
memory per edge. Which of two nodes is the earlier need not be known: the rows are laid
out such that start + slot' is less for the earlier node's start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.solvers.dense_factor import REORDERED

AnyInts = npt.NDArray[np.signedinteger[Any]]
"""Whole numbers of 32 or 64 bits."""


MOST_NODES_IN_BITS = 16_384
"""Up to so many nodes a table of bits, at most 32 MiB, tells which pairs were seen."""


@dataclass(frozen=True, eq=False)
class PairTable:
    """Where the entry of each pair lies in the flat table.

    Attributes:
        start: of each node's row [M].
        slot: of each node in the rows that hold it [M].
        size: entries of the table.
        first: the earlier node of each pair that occurs [P].
        second: the later node of each pair that occurs [P].
    """

    start: AnyInts
    slot: AnyInts
    size: int
    first: AnyInts
    second: AnyInts

    def entry(self) -> AnyInts:
        """Where each pair that occurs lies in the table [P]."""
        return self.start[self.first] + self.slot[self.second]


def neighbours(
    indptr: AnyInts, node: AnyInts, num_nodes: int, most: int
) -> tuple[AnyInts, AnyInts] | None:
    """For each node the other nodes that some user reaches too, ascending.

    Args:
        indptr: bounds of each user's edges [N + 1].
        node: of each edge, ascending within a user.
        num_nodes: M.
        most: give up where there are more neighbours than this in all.

    Returns:
        Bounds [M + 1] and neighbours; None where there are more than `most`.
    """
    indptr = indptr.astype(np.int64, copy=False)
    node = node.astype(np.int32, copy=False)
    find = pairs_by_bits if num_nodes <= MOST_NODES_IN_BITS else pairs_by_hash
    keys = find(indptr, node, num_nodes, most // 2)
    if len(keys) > most // 2:
        return None
    first, second = keys // num_nodes, keys % num_nodes
    owner = np.concatenate([first, second])
    other = np.concatenate([second, first])
    order = np.lexsort((other, owner))
    degree = np.bincount(owner, minlength=num_nodes)
    bounds = np.concatenate([[0], np.cumsum(degree)]).astype(np.int64)
    return bounds, other[order].astype(np.int32)


@njit(cache=True, error_model="numpy", nogil=True)
def pairs_by_bits(indptr: AnyInts, node: AnyInts, num_nodes: int, most: int) -> AnyInts:
    """The same as `pairs_by_hash`, in order, with one byte for eight possible pairs."""
    seen = np.zeros((num_nodes, (num_nodes + 7) // 8), dtype=np.uint8)
    count = 0
    for j in range(len(indptr) - 1):
        for e in range(indptr[j] + 1, indptr[j + 1]):
            k = node[e]
            byte, bit = k >> 3, np.uint8(1 << (k & 7))
            for other in range(indptr[j], e):
                h = node[other]
                if not seen[h, byte] & bit:
                    seen[h, byte] |= bit
                    count += 1
        if count > most:
            break
    keys = np.empty(count, dtype=np.int64)
    at = 0
    for h in range(num_nodes):
        for byte in range(seen.shape[1]):
            bits = seen[h, byte]
            if bits:
                for bit in range(8):
                    if bits & np.uint8(1 << bit):
                        keys[at] = np.int64(h) * num_nodes + 8 * byte + bit
                        at += 1
    return keys


@njit(cache=True, error_model="numpy", nogil=True)
def pairs_by_hash(indptr: AnyInts, node: AnyInts, num_nodes: int, most: int) -> AnyInts:
    """The numbers h M + k of all pairs h < k that some user reaches, in no order.

    Stops when there are more than `most`. A hash set with linear probing, at most half
    full, because users that reach the same pair are many.
    """
    seen = np.full(1024, -1, dtype=np.int64)
    count = 0
    for j in range(len(indptr) - 1):
        for e in range(indptr[j], indptr[j + 1]):
            for other in range(indptr[j], e):
                key = np.int64(node[other]) * num_nodes + node[e]
                at = _probe(seen, key)
                if seen[at] < 0:
                    seen[at] = key
                    count += 1
                    if 2 * count > len(seen):
                        seen = _enlarged(seen)
        if count > most:
            break
    return seen[seen >= 0]


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _probe(seen: AnyInts, key: int) -> int:
    """Where the key stands or should stand; the size is a power of two."""
    last = len(seen) - 1
    at = ((key * 0x9E3779B97F4A7C1) >> 24) & last
    while seen[at] >= 0 and seen[at] != key:
        at = (at + 1) & last
    return at


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _enlarged(seen: AnyInts) -> AnyInts:
    larger = np.full(8 * len(seen), -1, dtype=np.int64)
    for key in seen:
        if key >= 0:
            larger[_probe(larger, key)] = key
    return larger


def pair_table(bounds: AnyInts, neighbour: AnyInts, order: AnyInts) -> PairTable:
    """Lay out the table for pairs of neighbours, the earlier in `order` first.

    Args:
        bounds: of each node's neighbours [M + 1].
        neighbour: of each node.
        order: the nodes [M]; few later neighbours per node give a small table.
    """
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    owner = np.repeat(np.arange(len(order), dtype=np.int32), np.diff(bounds))
    later: Bools = place[neighbour] > place[owner]
    first, second = owner[later], neighbour[later]
    slot = _slots(bounds, neighbour, order, place)
    width = np.zeros(len(order), dtype=np.int64)
    np.maximum.at(width, first, slot[second].astype(np.int64) + 1)
    start = np.empty(len(order), dtype=np.int32)
    size = _lay_out(order, width, slot, start)
    return PairTable(start, slot, size, first, second)


@njit(cache=True, error_model="numpy", nogil=True)
def _lay_out(order: AnyInts, width: AnyInts, slot: AnyInts, start: AnyInts) -> int:
    """Start of each row such that start - slot ascends in the order; the size."""
    least, end = 0, 0
    for i in order:
        start[i] = max(end, least + int(slot[i]))
        least = int(start[i]) - int(slot[i]) + 1
        end = int(start[i]) + int(width[i])
    return end


@njit(cache=True, error_model="numpy", nogil=True)
def _slots(
    bounds: AnyInts, neighbour: AnyInts, order: AnyInts, place: AnyInts
) -> AnyInts:
    """Give each node the least number that no node beside it in a row has, last first.

    The last in the order stand in most rows, so they choose first.
    """
    num_nodes = len(order)
    slot = np.full(num_nodes, -1, dtype=np.int32)
    taken = np.full(num_nodes + 1, -1, dtype=np.int32)
    for at in range(num_nodes - 1, -1, -1):
        i = order[at]
        for e in range(bounds[i], bounds[i + 1]):
            k = neighbour[e]
            if place[k] < at:
                for other in range(bounds[k], bounds[k + 1]):
                    beside = neighbour[other]
                    if place[beside] > place[k] and slot[beside] >= 0:
                        taken[slot[beside]] = i
        free = 0
        while taken[free] == i:
            free += 1
        slot[i] = free
    return slot


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def subtract_user(
    table: Floats,
    start: AnyInts,
    slot: AnyInts,
    node: AnyInts,
    first: int,
    degree: int,
    one: Floats,
    two: Floats,
    starts: AnyInts,
    slots: AnyInts,
) -> None:
    """Take one[k] one[h] + two[k] two[h] off the entry of every pair k > h of a user.

    Args:
        table: flat, [size].
        start: as in `PairTable`.
        slot: as in `PairTable`.
        node: of each edge; the user's are the `degree` from `first` on, all different.
        first: see `node`.
        degree: see `node`.
        one: per edge of the user [degree or more].
        two: per edge of the user [degree or more].
        starts: space for 64-bit whole numbers [degree or more].
        slots: the same again.
    """
    for k in range(degree):
        i = node[first + k]
        start_k, slot_k = np.int64(start[i]), np.int64(slot[i])
        one_k, two_k = one[k], two[k]
        for h in range(k):
            at = min(start_k + slots[h], starts[h] + slot_k)
            table[at] -= one_k * one[h] + two_k * two[h]
        starts[k] = start_k
        slots[k] = slot_k
