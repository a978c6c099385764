"""The order in which a sparse symmetric matrix is factored; the shape of its factor.

The order is the multiple minimum degree of SuperLU (Liu, ACM TOMS 11, 1985), which
SciPy brings along; it depends on the pattern alone. Columns of the factor with nearly
the same rows are joined to supernodes, stored as dense panels (Ashcraft and Grimes,
ACM TOMS 15, 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from scipy import sparse
from scipy.sparse.linalg import spilu

from stackelberg.edge.market import Floats
from stackelberg.edge.solvers.node_pairs import AnyInts

WIDEST = 64
"""Columns of a panel: a row of 64 doubles fits in the first cache many times over."""

MAY_BE_ZERO = ((4, 1.0), (16, 0.5), (48, 0.15), (1 << 30, 0.05))
"""Up to how many columns, what share of a joined panel may be stored zeros."""


@dataclass(frozen=True, eq=False)
class Shape:
    """The panels of the factor of a matrix whose rows stand in `order`.

    Panel s holds the columns `column[s]` to `column[s + 1]` and has the rows
    `row[row_start[s]:row_start[s + 1]]`, its own columns first, ascending.

    Attributes:
        order: node of each row of the permuted matrix [M].
        column: bounds of the panels' columns [S + 1].
        row_start: bounds of the panels' rows [S + 1].
        row: rows of the permuted matrix.
        value_start: bounds of the panels' values, stored row by row [S + 1].
        flops: multiplications of a factorisation, stored zeros included.
    """

    order: AnyInts
    column: AnyInts
    row_start: AnyInts
    row: AnyInts
    value_start: AnyInts
    flops: float


def shape_of(bounds: AnyInts, neighbour: AnyInts) -> Shape:
    """Order the nodes and find the panels.

    Args:
        bounds: of each node's neighbours [M + 1].
        neighbour: symmetric; without the node itself.
    """
    order = minimum_degree(bounds, neighbour)
    parent = _tree(bounds, neighbour, order)
    order = order[_postorder(parent)]
    parent = _tree(bounds, neighbour, order)
    count = _column_counts(bounds, neighbour, order, parent)
    join = np.array(MAY_BE_ZERO)
    column = _supernodes(parent, count, join[:, 0].astype(np.int64), join[:, 1])
    row_start, row = _rows(bounds, neighbour, order, column)
    return _split(order, column, row_start, row)


def minimum_degree(bounds: AnyInts, neighbour: AnyInts) -> AnyInts:
    """The nodes in an order that keeps the factor sparse [M]."""
    count = len(bounds) - 1
    if len(neighbour) == 0:
        return np.arange(count)
    degree = np.diff(bounds)
    off = sparse.csc_array(
        (np.full(len(neighbour), -1.0), neighbour, bounds), shape=(count, count)
    )
    matrix: Any = sparse.csc_array(off + sparse.diags_array(degree + 1.0))
    # Dropping everything makes the factorisation itself next to free.
    found: Any = spilu(
        matrix, drop_tol=1.0, fill_factor=1.0, permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0, options={"SymmetricMode": True},
    )  # fmt: skip
    return np.argsort(found.perm_c).astype(np.int64)


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _place(order: AnyInts) -> AnyInts:
    place = np.empty(len(order), dtype=np.int64)
    for at in range(len(order)):
        place[order[at]] = at
    return place


@njit(cache=True, error_model="numpy", nogil=True)
def _tree(bounds: AnyInts, neighbour: AnyInts, order: AnyInts) -> AnyInts:
    """Parent of each column in the elimination tree, -1 at roots [M] (Liu 1986)."""
    place = _place(order)
    parent = np.full(len(order), -1, dtype=np.int64)
    ancestor = np.full(len(order), -1, dtype=np.int64)
    for at in range(len(order)):
        i = order[at]
        for e in range(bounds[i], bounds[i + 1]):
            k = place[neighbour[e]]
            while k != -1 and k < at:
                above = ancestor[k]
                ancestor[k] = at
                if above == -1:
                    parent[k] = at
                k = above
    return parent


@njit(cache=True, error_model="numpy", nogil=True)
def _postorder(parent: AnyInts) -> AnyInts:
    """Columns such that each subtree is consecutive, children before parents [M]."""
    count = len(parent)
    head = np.full(count + 1, -1, dtype=np.int64)
    after = np.full(count, -1, dtype=np.int64)
    for k in range(count - 1, -1, -1):  # roots hang below an extra column
        above = parent[k] if parent[k] >= 0 else count
        after[k] = head[above]
        head[above] = k
    out = np.empty(count, dtype=np.int64)
    stack = np.empty(count + 1, dtype=np.int64)
    stack[0] = count
    depth, filled = 1, 0
    while depth > 0:
        top = stack[depth - 1]
        child = head[top]
        if child >= 0:
            head[top] = after[child]
            stack[depth] = child
            depth += 1
        else:
            depth -= 1
            if top < count:
                out[filled] = top
                filled += 1
    return out


@njit(cache=True, error_model="numpy", nogil=True)
def _column_counts(
    bounds: AnyInts, neighbour: AnyInts, order: AnyInts, parent: AnyInts
) -> AnyInts:
    """Entries of each column of the factor, diagonal included [M]."""
    place = _place(order)
    count = np.ones(len(order), dtype=np.int64)
    seen = np.full(len(order), -1, dtype=np.int64)
    for at in range(len(order)):
        i = order[at]
        seen[at] = at
        for e in range(bounds[i], bounds[i + 1]):
            k = place[neighbour[e]]
            while k < at and seen[k] != at:
                count[k] += 1
                seen[k] = at
                k = parent[k]
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def _supernodes(
    parent: AnyInts, count: AnyInts, up_to: AnyInts, share: Floats
) -> AnyInts:
    """Bounds of the columns to store together [S + 1].

    Columns whose rows are those of the column before, less one, belong together. Going
    up the tree, such a group then takes in the child just before it where few zeros
    come in with it.
    """
    start = np.zeros(len(parent) + 1, dtype=np.int64)
    entries = np.zeros(len(parent) + 1, dtype=np.int64)  # stored zeros left out
    num = 0
    for k in range(len(parent)):
        entries[num] += count[k]
        if k + 1 < len(parent) and parent[k] == k + 1 and count[k + 1] == count[k] - 1:
            continue
        num += 1
        start[num] = k + 1
        while num > 1:
            above = parent[start[num - 1] - 1]
            if above < 0 or above > k:
                break
            width = k + 1 - start[num - 2]
            stored = width * (width - 1 + count[k]) - width * (width - 1) // 2
            real = entries[num - 1] + entries[num - 2]
            rule = 0
            while width > up_to[rule]:
                rule += 1
            if stored - real > share[rule] * stored:
                break
            num -= 1
            entries[num - 1] = real
            start[num] = k + 1
        entries[num] = 0
    return start[: num + 1].copy()


@njit(cache=True, error_model="numpy", nogil=True)
def _rows(
    bounds: AnyInts, neighbour: AnyInts, order: AnyInts, column: AnyInts
) -> tuple[AnyInts, AnyInts]:
    """Rows of each supernode: bounds [S + 1] and rows, ascending."""
    place = _place(order)
    num = len(column) - 1
    owner = np.empty(len(order), dtype=np.int64)
    for s in range(num):
        owner[column[s] : column[s + 1]] = s
    child = np.full(num, -1, dtype=np.int64)
    after = np.full(num, -1, dtype=np.int64)
    row_start = np.zeros(num + 1, dtype=np.int64)
    row = np.empty(max(4 * len(neighbour), len(order)), dtype=np.int32)
    seen = np.full(len(order), -1, dtype=np.int64)
    here = np.empty(len(order), dtype=np.int32)
    for s in range(num):
        last = column[s + 1]
        size = last - column[s]
        for k in range(size):
            here[k] = column[s] + k
        own = size
        for at in range(column[s], last):
            i = order[at]
            for e in range(bounds[i], bounds[i + 1]):
                k = place[neighbour[e]]
                if k >= last and seen[k] != s:
                    seen[k] = s
                    here[size] = k
                    size += 1
        below = child[s]
        while below >= 0:
            for at in range(row_start[below], row_start[below + 1]):
                k = row[at]
                if k >= last and seen[k] != s:
                    seen[k] = s
                    here[size] = k
                    size += 1
            below = after[below]
        here[own:size] = np.sort(here[own:size])
        if size > own:
            above = owner[here[own]]
            after[s] = child[above]
            child[above] = s
        first = row_start[s]
        row_start[s + 1] = first + size
        if first + size > len(row):
            longer = np.empty(2 * (first + size), dtype=np.int32)
            longer[:first] = row[:first]
            row = longer
        row[first : first + size] = here[:size]
    return row_start, row[: row_start[num]].copy()


def _split(order: AnyInts, column: AnyInts, row_start: AnyInts, row: AnyInts) -> Shape:
    """Cut supernodes wider than a panel; each cut drops the columns before it."""
    starts: list[int] = []
    rows: list[AnyInts] = []
    for s in range(len(column) - 1):
        first, width = int(column[s]), int(column[s + 1] - column[s])
        here = row[row_start[s] : row_start[s + 1]]
        pieces = -(-width // WIDEST)
        for piece in range(pieces):
            cut = piece * width // pieces
            starts.append(first + cut)
            rows.append(here[cut:])
    bounds = np.array([*starts, len(order)], dtype=np.int64)
    height = np.array([len(r) for r in rows], dtype=np.int64)
    wide = np.diff(bounds)
    flops = wide * height**2 - wide**2 * height + wide**3 / 3.0
    return Shape(
        order=order,
        column=bounds,
        row_start=np.concatenate([[0], np.cumsum(height)]).astype(np.int64),
        row=np.concatenate(rows) if rows else np.empty(0, dtype=np.int32),
        value_start=np.concatenate([[0], np.cumsum(wide * height)]).astype(np.int64),
        flops=float(flops.sum()),
    )
