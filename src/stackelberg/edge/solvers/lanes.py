"""Users side by side, so that one instruction serves several of them.

Users are sorted by their number of edges and taken `LANES` at a time; a group has as
many rows as its longest user has edges. Row k of a group holds edge k of each of its
users, and numbers per edge lie row after row. Where a user has no edge k the place is
padded: weight 0, node M (which sells nothing and whose price is 0), an amount too small
to matter, so that no loop has to tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from stackelberg.edge.market import Floats, Ints
from stackelberg.edge.solvers.blocks import even_cuts
from stackelberg.edge.solvers.problem import Problem

LANES = 32
"""Users of a group."""

NOTHING = 1e-300
"""Amount at a padded place; products with it vanish, quotients by it are finite."""

END_FIELDS = 4

Places = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Lanes:
    """Where every user and edge of a problem lies.

    Attributes:
        user: of each lane, group by group; -1 past the last user [G, LANES].
        degree: of each lane [G, LANES].
        row: first row of each group [G + 1].
        node: of each place; M where there is no edge [rows, LANES].
        weight: of each place; 0 where there is no edge [rows, LANES].
        common: node where all users of a row have their edge, or -1 [rows].
        user_weight: b of each lane; 1 past the last user [G, LANES].
    """

    user: Ints
    degree: npt.NDArray[np.int32]
    row: Ints
    node: npt.NDArray[np.int32]
    weight: Floats
    common: Places
    user_weight: Floats

    @property
    def num_groups(self) -> int:
        """Number of groups."""
        return len(self.row) - 1

    def blocks(self, count: int) -> Ints:
        """Bounds of `count` blocks of groups, with about equally many rows each."""
        return even_cuts(self.row, count)

    def packed(self, indptr: Ints, values: Floats, padding: float) -> Floats:
        """Numbers per edge laid side by side [rows, LANES]."""
        laid = np.full(self.node.shape, padding)
        _lay(self.user, self.row, indptr, values, laid)
        return laid

    def unpacked(self, indptr: Ints, laid: Floats) -> Floats:
        """Numbers per edge as the problem orders them."""
        return _unpacked(self.user, self.row, indptr, laid)

    def packed_ends(self, ends: Floats) -> Floats:
        """Four numbers per user [N, 4], field by field of each group [G, 4 * LANES].

        Past the last user they are those of one who has no budget: 0, 0, 1, 1.
        """
        return _packed_ends(self.user, ends)

    def unpacked_end(self, laid: Floats, field: int) -> Floats:
        """One of the four numbers, per user [N]."""
        return _unpacked_end(self.user, laid, field)


def lanes_of(problem: Problem) -> Lanes:
    """Lay a problem's users side by side."""
    user, degree, row, user_weight = _groups(problem.indptr, problem.user_weight)
    node = np.full((row[-1], LANES), len(problem.capacity), dtype=np.int32)
    _lay(user, row, problem.indptr, problem.node, node)
    weight = np.zeros(node.shape)
    _lay(user, row, problem.indptr, problem.weight, weight)
    common = _common(user, row, node)
    return Lanes(user, degree, row, node, weight, common, user_weight)


@njit(cache=True, error_model="numpy", nogil=True)
def _groups(indptr: Ints, weights: Floats) -> tuple[Ints, Places, Ints, Floats]:
    """Users by their number of edges, of which they have few: by counting."""
    count = len(indptr) - 1
    groups = -(-count // LANES)
    longest = 0
    for j in range(count):
        longest = max(longest, indptr[j + 1] - indptr[j])
    place = np.zeros(longest + 2, dtype=np.int64)
    for j in range(count):
        place[indptr[j + 1] - indptr[j] + 1] += 1
    for d in range(1, len(place)):
        place[d] += place[d - 1]
    user = np.full((groups, LANES), -1, dtype=np.int64)
    degree = np.zeros((groups, LANES), dtype=np.int32)
    user_weight = np.ones((groups, LANES))
    row = np.zeros(groups + 1, dtype=np.int64)
    for j in range(count):
        own = indptr[j + 1] - indptr[j]
        group, lane = place[own] // LANES, place[own] % LANES
        place[own] += 1
        user[group, lane], degree[group, lane] = j, own
        user_weight[group, lane] = weights[j]
        row[group + 1] = max(row[group + 1], own)
    for group in range(groups):
        row[group + 1] += row[group]
    return user, degree, row, user_weight


@njit(cache=True, error_model="numpy", nogil=True)
def _packed_ends(user: Ints, ends: Floats) -> Floats:
    laid = np.zeros((len(user), END_FIELDS * LANES))
    for group in range(len(user)):
        for lane in range(LANES):
            j = user[group, lane]
            for field in range(END_FIELDS):
                past = 0.0 if field < 2 else 1.0
                place = field * LANES + lane
                laid[group, place] = ends[j, field] if j >= 0 else past
    return laid


@njit(cache=True, error_model="numpy", nogil=True)
def _unpacked_end(user: Ints, laid: Floats, field: int) -> Floats:
    count = 0
    for group in range(len(user)):
        for lane in range(LANES):
            count += user[group, lane] >= 0
    values = np.empty(count)
    for group in range(len(user)):
        for lane in range(LANES):
            j = user[group, lane]
            if j >= 0:
                values[j] = laid[group, field * LANES + lane]
    return values


@njit(cache=True, error_model="numpy", nogil=True)
def _lay(
    user: Ints,
    row: Ints,
    indptr: Ints,
    values: npt.NDArray[np.generic],
    laid: npt.NDArray[np.generic],
) -> None:
    for group in range(len(row) - 1):
        for lane in range(LANES):
            j = user[group, lane]
            if j >= 0:
                start, place = indptr[j], row[group]
                for k in range(indptr[j + 1] - start):
                    laid[place + k, lane] = values[start + k]


@njit(cache=True, error_model="numpy", nogil=True)
def _common(user: Ints, row: Ints, node: npt.NDArray[np.int32]) -> Places:
    common = np.empty(len(node), dtype=np.int32)
    for group in range(len(row) - 1):
        for k in range(row[group], row[group + 1]):
            common[k] = node[k, 0]
            for lane in range(LANES):
                if user[group, lane] >= 0 and node[k, lane] != common[k]:
                    common[k] = -1
                    break
    return common


@njit(cache=True, error_model="numpy", nogil=True)
def _unpacked(user: Ints, row: Ints, indptr: Ints, laid: Floats) -> Floats:
    values = np.empty(indptr[len(indptr) - 1])
    for group in range(len(row) - 1):
        for lane in range(LANES):
            j = user[group, lane]
            if j >= 0:
                start, place = indptr[j], row[group]
                for k in range(indptr[j + 1] - start):
                    values[start + k] = laid[place + k, lane]
    return values
