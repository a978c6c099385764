"""Sums over the edges of a user or of a node, right to the last digit or two.

A second number catches what each addition loses (Neumaier, Z. angew. Math. Mech. 54,
1974), so that the rounding of a sum does not grow with the number of its terms: a
million users at one node cost no more digits than two. Sums are taken in the order of
the edges. Where a term is infinite or a sum overflows, so does the answer.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackelberg.edge.market import Floats, Ints


def segment_sums(values: Floats, bounds: Ints) -> Floats:
    """Sum of values[bounds[k]:bounds[k + 1]] for each k."""
    return _sums(np.ascontiguousarray(values, dtype=np.float64), bounds)


def segment_products(values: Floats, factors: Floats, bounds: Ints) -> Floats:
    """Sum of values * factors between the bounds, for each k."""
    return _products(values, factors, bounds)


def segment_costs(values: Floats, price: Floats, node: Ints, bounds: Ints) -> Floats:
    """Sum of values * price[node] between the bounds, for each k."""
    return _costs(values, price, node, bounds)


def sums_by_node(values: Floats, node: Ints, num_nodes: int) -> Floats:
    """Sum of the values at each node [M]."""
    return _by_node(np.ascontiguousarray(values, dtype=np.float64), node, num_nodes)


def multiply_segments(values: Floats, factors: Floats, bounds: Ints) -> None:
    """Multiply values[bounds[k]:bounds[k + 1]] by the k-th factor, in place."""
    _multiply(values, factors, bounds)


def multiply_by_node(values: Floats, factors: Floats, node: Ints) -> None:
    """Multiply each value by its node's factor, in place."""
    _multiply_by_node(values, factors, node)


@njit(inline="always", forceinline=True)
def _added(total: float, lost: float, term: float) -> tuple[float, float]:
    """`total` and what it lacks to the exact sum, after one more term."""
    after = total + term
    if abs(total) >= abs(term):
        return after, lost + ((total - after) + term)
    return after, lost + ((term - after) + total)


@njit(inline="always", forceinline=True)
def _whole(total: float, lost: float) -> float:
    exact = total + lost
    return exact if math.isfinite(exact) else total


@njit(cache=True, nogil=True)
def _sums(values: Floats, bounds: Ints) -> Floats:
    sums = np.zeros(len(bounds) - 1)
    for k in range(len(sums)):
        total, lost = 0.0, 0.0
        for e in range(bounds[k], bounds[k + 1]):
            total, lost = _added(total, lost, values[e])
        sums[k] = _whole(total, lost)
    return sums


@njit(cache=True, nogil=True)
def _products(values: Floats, factors: Floats, bounds: Ints) -> Floats:
    sums = np.zeros(len(bounds) - 1)
    for k in range(len(sums)):
        total, lost = 0.0, 0.0
        for e in range(bounds[k], bounds[k + 1]):
            total, lost = _added(total, lost, values[e] * factors[e])
        sums[k] = _whole(total, lost)
    return sums


@njit(cache=True, nogil=True)
def _costs(values: Floats, price: Floats, node: Ints, bounds: Ints) -> Floats:
    sums = np.zeros(len(bounds) - 1)
    for k in range(len(sums)):
        total, lost = 0.0, 0.0
        for e in range(bounds[k], bounds[k + 1]):
            total, lost = _added(total, lost, values[e] * price[node[e]])
        sums[k] = _whole(total, lost)
    return sums


@njit(cache=True, nogil=True)
def _by_node(values: Floats, node: Ints, num_nodes: int) -> Floats:
    sums, lost = np.zeros(num_nodes), np.zeros(num_nodes)
    for e in range(len(node)):
        i = node[e]
        sums[i], lost[i] = _added(float(sums[i]), float(lost[i]), values[e])
    for i in range(num_nodes):
        sums[i] = _whole(sums[i], lost[i])
    return sums


@njit(cache=True, nogil=True)
def _multiply(values: Floats, factors: Floats, bounds: Ints) -> None:
    for k in range(len(bounds) - 1):
        if factors[k] != 1.0:
            for e in range(bounds[k], bounds[k + 1]):
                values[e] *= factors[k]


@njit(cache=True, nogil=True)
def _multiply_by_node(values: Floats, factors: Floats, node: Ints) -> None:
    for e in range(len(node)):
        values[e] *= factors[node[e]]
