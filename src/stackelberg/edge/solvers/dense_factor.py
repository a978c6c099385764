"""Cholesky factor of one symmetric matrix, with the same bits on any machine load.

A BLAS may split its sums by the number of threads it finds; these kernels never do. The
work is in `subtract_gram`, which takes 4 x 4 entries at a time so that each number that
is loaded serves four products.

Only the lower triangle is read and written.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.market import Bools, Floats

PANEL = 32
"""Columns factored at a time. With 64 the first part of each, which takes one number
after the other, was a third of the work at 200 nodes."""

LEAST_PIVOT = 1e-15
"""A pivot below this share of its diagonal entry is rounding; its unknown stays put."""

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in another order, the same in every run; NaN is respected."""


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED, forceinline=True)
def subtract_gram(matrix: Floats, rows: Floats) -> None:
    """`matrix` -= `rows` `rows`' on the lower triangle; [M, M] and [M, K]."""
    count, width = rows.shape
    for i in range(0, count - 3, 4):
        r0, r1, r2, r3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        for j in range(0, i + 1, 4):
            c0, c1, c2, c3 = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
            s00 = s01 = s02 = s03 = 0.0
            s10 = s11 = s12 = s13 = 0.0
            s20 = s21 = s22 = s23 = 0.0
            s30 = s31 = s32 = s33 = 0.0
            for k in range(width):
                a0, a1, a2, a3 = r0[k], r1[k], r2[k], r3[k]
                b0, b1, b2, b3 = c0[k], c1[k], c2[k], c3[k]
                s00 += a0 * b0
                s01 += a0 * b1
                s02 += a0 * b2
                s03 += a0 * b3
                s10 += a1 * b0
                s11 += a1 * b1
                s12 += a1 * b2
                s13 += a1 * b3
                s20 += a2 * b0
                s21 += a2 * b1
                s22 += a2 * b2
                s23 += a2 * b3
                s30 += a3 * b0
                s31 += a3 * b1
                s32 += a3 * b2
                s33 += a3 * b3
            # On the diagonal this also writes a few entries above it: never read.
            m0, m1, m2, m3 = matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3]
            m0[j] -= s00
            m0[j + 1] -= s01
            m0[j + 2] -= s02
            m0[j + 3] -= s03
            m1[j] -= s10
            m1[j + 1] -= s11
            m1[j + 2] -= s12
            m1[j + 3] -= s13
            m2[j] -= s20
            m2[j + 1] -= s21
            m2[j + 2] -= s22
            m2[j + 3] -= s23
            m3[j] -= s30
            m3[j + 1] -= s31
            m3[j + 2] -= s32
            m3[j + 3] -= s33
    for i in range(count - count % 4, count):
        for j in range(i + 1):
            total = 0.0
            for k in range(width):
                total += rows[i, k] * rows[j, k]
            matrix[i, j] -= total


@njit(cache=True, error_model="numpy", nogil=True)
def assemble(matrices: Floats, diagonal: Floats, free: Bools) -> Floats:
    """The sum of all in the first of `matrices` [blocks, M, M], brought to a diagonal
    of 1, so that the nodes' units cancel.

    Args:
        matrices: entries below the diagonal.
        diagonal: of the sum, > 0 where `free` [M].
        free: unknowns to be found; the others stay at zero [M].

    Returns:
        scale: 1/sqrt of the diagonal, zero where not free [M], for `solve`.
    """
    matrix, scale = matrices[0], np.zeros(len(diagonal))
    for i in range(len(diagonal)):
        row = matrix[i]
        for k in range(1, matrices.shape[0]):
            other = matrices[k, i]
            for j in range(i):
                row[j] += other[j]
        if free[i]:
            scale[i] = 1.0 / math.sqrt(diagonal[i])
        for j in range(i):
            row[j] *= scale[i]
            row[j] *= scale[j]
        row[i] = 1.0
    return scale


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def factor(matrix: Floats) -> int:
    """Replace the lower triangle of a matrix with unit diagonal by its factor [M, M].

    Returns:
        how many pivots were too small to be told from rounding. Their unknowns are
        pinned: `solve` leaves them at zero.
    """
    count = matrix.shape[0]
    pinned = 0
    for start in range(0, count, PANEL):
        stop = min(start + PANEL, count)
        for i in range(start, count):
            row = matrix[i]
            for j in range(start, min(i, stop)):
                other = matrix[j]
                total = row[j]
                for k in range(start, j):
                    total -= row[k] * other[k]
                row[j] = total / other[j]
            if i < stop:
                total = row[i]
                for k in range(start, i):
                    total -= row[k] * row[k]
                if total > LEAST_PIVOT:
                    row[i] = math.sqrt(total)
                else:
                    row[i] = 1e100
                    pinned += 1
        if stop < count:
            # A copy lies densely in the cache; rows of the matrix are far apart.
            panel = matrix[stop:, start:stop].copy()
            subtract_gram(matrix[stop:, stop:], panel)
    return pinned


@njit(cache=True, error_model="numpy", nogil=True, fastmath=REORDERED)
def solve(factored: Floats, scale: Floats, right_side: Floats) -> Floats:
    """The solution of A y = `right_side` [M], A = L L' in units of `scale` [M]."""
    count = factored.shape[0]
    y = scale * right_side
    for i in range(count):
        row = factored[i]
        total = y[i]
        for k in range(i):
            total -= row[k] * y[k]
        y[i] = total / row[i]
    for i in range(count - 1, -1, -1):
        row = factored[i]
        y[i] /= row[i]
        value = y[i]
        for k in range(i):
            y[k] -= row[k] * value
    return scale * y
