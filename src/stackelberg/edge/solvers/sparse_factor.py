"""Cholesky factor of the nodes' system where most pairs of nodes share no user.

What a solve with many nodes needs is found once, from who reaches what: where the
users' contributions are added up (`node_pairs`), the order of elimination and the
panels of the factor (`elimination_order`). The numbers then go, in each iteration,
through `assemble`, `factor` and `solve`. Everything runs in one order on one thread, so
the bits are the same in every run.

The factorisation takes the panels in order. Each is factored as a dense matrix; the
product of its lower rows with themselves is formed densely and taken off the panels to
its right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.solvers.dense_factor import LEAST_PIVOT, REORDERED, subtract_gram
from stackelberg.edge.solvers.elimination_order import Shape, shape_of
from stackelberg.edge.solvers.locality import widest_front
from stackelberg.edge.solvers.node_pairs import (
    AnyInts,
    PairTable,
    neighbours,
    pair_table,
)

PER_ENTRY = 30.0
"""Multiplications that storing, finding and moving one entry of a factor is worth."""

MOST_FILLED = 0.25
"""Share of pairs of nodes that may share users; beyond it dense is always better."""

WIDEST = 0.3
"""Share of the nodes that one step of a search from user to user may find; beyond it
reach is not local, and looking for an order would cost more than it could save."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """All that is known before the numbers.

    Attributes:
        table: where each pair's entry is added up; see `node_pairs`.
        shape: order and panels of the factor.
        entry: of each pair, in the table [P].
        target: of each pair, in the values of the factor [P].
        diagonal: of each node, in the values of the factor [M].
    """

    table: PairTable
    shape: Shape
    entry: AnyInts
    target: AnyInts
    diagonal: AnyInts

    @property
    def num_nodes(self) -> int:
        """M."""
        return len(self.shape.order)

    @property
    def num_values(self) -> int:
        """Entries of the factor, stored zeros included."""
        return int(self.shape.value_start[-1])


def pattern_of(
    indptr: AnyInts, node: AnyInts, num_nodes: int, most_filled: float = 1.0
) -> Pattern | None:
    """The pattern of a market, or None if it is fuller than `most_filled`.

    Args:
        indptr: bounds of each user's edges [N + 1].
        node: of each edge, ascending within a user.
        num_nodes: M.
        most_filled: share of the pairs of nodes that may share users.
    """
    most = int(most_filled * num_nodes * (num_nodes - 1))
    found = neighbours(indptr, node, num_nodes, most)
    if found is None:
        return None
    shape = shape_of(*found)
    table = pair_table(*found, shape.order)
    place = np.empty(num_nodes, dtype=np.int64)
    place[shape.order] = np.arange(num_nodes)
    target = _positions(
        place[table.first], place[table.second],
        shape.column, shape.row_start, shape.row, shape.value_start,
    )  # fmt: skip
    diagonal = _positions(
        place, place, shape.column, shape.row_start, shape.row, shape.value_start
    )
    return Pattern(table, shape, table.entry(), target, diagonal)


def worth_it(pattern: Pattern) -> bool:
    """Whether the sparse factor is predicted to cost less than half the dense one."""
    m = float(pattern.num_nodes)
    sparse = pattern.shape.flops + PER_ENTRY * pattern.num_values
    return sparse < 0.5 * (m**3 / 3.0 + PER_ENTRY * m**2 / 2.0)


def useful_pattern(indptr: AnyInts, node: AnyInts, num_nodes: int) -> Pattern | None:
    """The pattern if the sparse factor is predicted to be faster, else None."""
    if widest_front(indptr, node, num_nodes) > WIDEST * num_nodes:
        return None
    pattern = pattern_of(indptr, node, num_nodes, MOST_FILLED)
    return pattern if pattern is not None and worth_it(pattern) else None


def assemble(
    pattern: Pattern, table: Floats, diagonal: Floats, free: Bools
) -> tuple[Floats, Floats]:
    """The matrix with unit diagonal, in the values of the factor, and its scale.

    Args:
        pattern: of the market.
        table: entries off the diagonal, as `node_pairs.subtract_user` adds them up.
        diagonal: of the matrix, > 0 where `free` [M].
        free: nodes whose unknown is to be found; the others' stays at zero [M].

    Returns:
        values; 1/sqrt of the diagonal [M], zero where not free. With it the matrix is
        diag(1/scale) L L' diag(1/scale), see `solve`.
    """
    scale = np.where(free, 1.0 / np.sqrt(np.where(free, diagonal, 1.0)), 0.0)
    values = np.zeros(pattern.num_values)
    pairs = pattern.table
    _scatter(
        values, table, pattern.entry, pattern.target, pairs.first, pairs.second, scale
    )
    values[pattern.diagonal] = 1.0
    return values, scale


def factor(pattern: Pattern, values: Floats) -> int:
    """Replace a matrix with unit diagonal by its factor, as `dense_factor.factor` does.

    Returns:
        how many pivots were too small to be told from rounding; their unknowns are
        pinned at zero.
    """
    s = pattern.shape
    return _factor(values, s.column, s.row_start, s.row, s.value_start)


def solve(pattern: Pattern, values: Floats, right_side: Floats) -> Floats:
    """The solution of L L' y = `right_side`, both by node [M]."""
    s = pattern.shape
    y = right_side[s.order]
    _solve(values, s.column, s.row_start, s.row, s.value_start, y)
    out = np.empty_like(y)
    out[s.order] = y
    return out


@njit(cache=True, error_model="numpy", nogil=True)
def _positions(
    earlier: AnyInts,
    later: AnyInts,
    column: AnyInts,
    row_start: AnyInts,
    row: AnyInts,
    value_start: AnyInts,
) -> AnyInts:
    """Where the entry in column `earlier`, row `later` lies in the values."""
    owner = np.empty(column[-1], dtype=np.int64)
    for s in range(len(column) - 1):
        owner[column[s] : column[s + 1]] = s
    out = np.empty(len(earlier), dtype=np.int64)
    for e in range(len(earlier)):
        s = owner[earlier[e]]
        low, high = row_start[s], row_start[s + 1] - 1
        while low < high:
            middle = (low + high) // 2
            if row[middle] < later[e]:
                low = middle + 1
            else:
                high = middle
        width = column[s + 1] - column[s]
        out[e] = value_start[s] + (low - row_start[s]) * width + earlier[e] - column[s]
    return out


@njit(cache=True, error_model="numpy", nogil=True)
def _scatter(
    values: Floats,
    table: Floats,
    entry: AnyInts,
    target: AnyInts,
    first: AnyInts,
    second: AnyInts,
    scale: Floats,
) -> None:
    for e in range(len(entry)):
        values[target[e]] = table[entry[e]] * scale[first[e]] * scale[second[e]]


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def _factor_panel(panel: Floats) -> int:
    """Replace the panel's columns by those of the factor [rows, columns]."""
    pinned = 0
    height, width = panel.shape
    for i in range(height):
        row = panel[i]
        for j in range(min(i, width)):
            other = panel[j]
            total = row[j]
            for k in range(j):
                total -= row[k] * other[k]
            row[j] = total / other[j]
        if i < width:
            total = row[i]
            for k in range(i):
                total -= row[k] * row[k]
            if total > LEAST_PIVOT:
                row[i] = math.sqrt(total)
            else:
                row[i] = 1e100
                pinned += 1
    return pinned


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def _factor(
    values: Floats,
    column: AnyInts,
    row_start: AnyInts,
    row: AnyInts,
    value_start: AnyInts,
) -> int:
    num = len(column) - 1
    most = 0
    owner = np.empty(column[-1], dtype=np.int64)
    for s in range(num):
        owner[column[s] : column[s + 1]] = s
        below = row_start[s + 1] - row_start[s] - column[s + 1] + column[s]
        most = max(most, below)
    space = np.empty(most * most)
    pinned = 0
    for s in range(num):
        width = column[s + 1] - column[s]
        height = row_start[s + 1] - row_start[s]
        panel = values[value_start[s] : value_start[s + 1]].reshape(height, width)
        pinned += _factor_panel(panel)
        below = height - width
        if below == 0:
            continue
        rows = row[row_start[s] + width : row_start[s + 1]]
        update = space[: below * below].reshape(below, below)
        for i in range(below):
            update[i, : i + 1] = 0.0
        subtract_gram(update, panel[width:])
        _spread(values, update, rows, owner, column, row_start, row, value_start)
    return pinned


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _spread(
    values: Floats,
    update: Floats,
    rows: AnyInts,
    owner: AnyInts,
    column: AnyInts,
    row_start: AnyInts,
    row: AnyInts,
    value_start: AnyInts,
) -> None:
    """Add the lower triangle of `update`, by `rows`, to the panels that hold them."""
    position = np.empty(len(rows), dtype=np.int64)
    begin = 0
    while begin < len(rows):
        t = owner[rows[begin]]
        end = begin
        while end < len(rows) and rows[end] < column[t + 1]:
            end += 1
        at = row_start[t]
        for i in range(begin, len(rows)):
            while row[at] < rows[i]:
                at += 1
            position[i] = at - row_start[t]
        width = column[t + 1] - column[t]
        for i in range(begin, len(rows)):
            base = value_start[t] + position[i] * width - column[t]
            for j in range(begin, min(i + 1, end)):
                values[base + rows[j]] += update[i, j]
        begin = end


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def _solve(
    values: Floats,
    column: AnyInts,
    row_start: AnyInts,
    row: AnyInts,
    value_start: AnyInts,
    y: Floats,
) -> None:
    num = len(column) - 1
    for s in range(num):
        first, width = column[s], column[s + 1] - column[s]
        height = row_start[s + 1] - row_start[s]
        panel = values[value_start[s] : value_start[s + 1]].reshape(height, width)
        rows = row[row_start[s] : row_start[s + 1]]
        for i in range(height):
            total = y[rows[i]]
            for k in range(min(i, width)):
                total -= panel[i, k] * y[first + k]
            y[rows[i]] = total / panel[i, i] if i < width else total
    for s in range(num - 1, -1, -1):
        first, width = column[s], column[s + 1] - column[s]
        height = row_start[s + 1] - row_start[s]
        panel = values[value_start[s] : value_start[s + 1]].reshape(height, width)
        rows = row[row_start[s] : row_start[s + 1]]
        for i in range(height - 1, -1, -1):
            value = y[rows[i]]
            if i < width:
                value /= panel[i, i]
                y[rows[i]] = value
            for k in range(min(i, width)):
                y[first + k] -= panel[i, k] * value
