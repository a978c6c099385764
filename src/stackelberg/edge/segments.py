"""Sums over consecutive pieces of an array."""

from __future__ import annotations

import numpy as np

from stackelberg.edge.market import Floats, Ints


def segment_sums(values: Floats, bounds: Ints) -> Floats:
    """Sum of values[bounds[k]:bounds[k + 1]] for each k, pairwise."""
    sums = np.zeros(len(bounds) - 1)
    filled = np.flatnonzero(np.diff(bounds) > 0)
    if len(filled):
        sums[filled] = np.add.reduceat(values, bounds[filled])
    return sums
