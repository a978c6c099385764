"""The M x M system that users leave to the nodes, stored densely or sparsely.

Each block of users adds its share to a store of its own; `complete` adds the stores up
in order, so that the bits do not depend on the threads. A dense store is the matrix
itself, a sparse one the table of the pairs of nodes that share users (`node_pairs`).
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from stackelberg.edge.market import Bools, Floats, Ints
from stackelberg.edge.solvers import dense_factor, sparse_factor
from stackelberg.edge.solvers.blocks import blocks_of
from stackelberg.edge.solvers.node_pairs import AnyInts
from stackelberg.edge.solvers.sparse_factor import Pattern

Store = tuple[Floats, Floats, AnyInts, AnyInts]
"""What a pass writes to: matrix, and table with start and slot; one of them is empty.
"""

_NO_NUMBERS = np.empty(0)
_NO_PLACES = np.empty(0, dtype=np.int32)


class NodeSystem(Protocol):
    """What both stores can do. Entries off the diagonal are added up by passes.

    Attributes:
        bounds: of the blocks of users [blocks + 1].
    """

    bounds: Ints

    def cleared(self, block: int) -> Store:
        """The empty store of a block."""
        ...

    def multiply(self, block: int, factor: float) -> None:
        """Multiply all that a block has added up."""
        ...

    def complete(self, diagonal: Floats, free: Bools) -> None:
        """Add the blocks up and put in the diagonal; unknowns not `free` stay at zero.

        Args:
            diagonal: > 0 where free [M].
            free: nodes whose unknown is to be found [M].
        """
        ...

    def factor(self) -> int:
        """Factor what `complete` made; how many pivots were rounding."""
        ...

    def solve(self, right_side: Floats) -> Floats:
        """The unknowns [M]."""
        ...


def node_system(indptr: Ints, num_nodes: int, pattern: Pattern | None) -> NodeSystem:
    """A sparse system where there is a pattern, else a dense one."""
    if pattern is None:
        return DenseSystem(indptr, num_nodes)
    return SparseSystem(indptr, pattern)


class DenseSystem:
    """See `NodeSystem`."""

    def __init__(self, indptr: Ints, num_nodes: int) -> None:
        self.bounds = blocks_of(indptr, num_nodes)
        self._matrices = np.empty((len(self.bounds) - 1, num_nodes, num_nodes))
        self._scale = np.ones(num_nodes)

    def cleared(self, block: int) -> Store:  # noqa: D102
        self._matrices[block] = 0.0
        return self._matrices[block], _NO_NUMBERS, _NO_PLACES, _NO_PLACES

    def multiply(self, block: int, factor: float) -> None:  # noqa: D102
        self._matrices[block] *= factor

    def complete(self, diagonal: Floats, free: Bools) -> None:  # noqa: D102
        self._scale = dense_factor.assemble(self._matrices, diagonal, free)

    def factor(self) -> int:  # noqa: D102
        return dense_factor.factor(self._matrices[0])

    def solve(self, right_side: Floats) -> Floats:  # noqa: D102
        return dense_factor.solve(self._matrices[0], self._scale, right_side)


class SparseSystem:
    """See `NodeSystem`."""

    def __init__(self, indptr: Ints, pattern: Pattern) -> None:
        self.bounds = blocks_of(indptr, math.isqrt(pattern.table.size))
        self._pattern = pattern
        self._tables = np.empty((len(self.bounds) - 1, pattern.table.size))
        self._values = _NO_NUMBERS
        self._scale = np.ones(pattern.num_nodes)

    def cleared(self, block: int) -> Store:  # noqa: D102
        self._tables[block] = 0.0
        where = self._pattern.table
        return _NO_NUMBERS.reshape(0, 0), self._tables[block], where.start, where.slot

    def multiply(self, block: int, factor: float) -> None:  # noqa: D102
        self._tables[block] *= factor

    def complete(self, diagonal: Floats, free: Bools) -> None:  # noqa: D102
        table = self._tables[0]
        for other in self._tables[1:]:
            table += other
        self._values, self._scale = sparse_factor.assemble(
            self._pattern, table, diagonal, free
        )

    def factor(self) -> int:  # noqa: D102
        return sparse_factor.factor(self._pattern, self._values)

    def solve(self, right_side: Floats) -> Floats:  # noqa: D102
        return self._scale * sparse_factor.solve(
            self._pattern, self._values, self._scale * right_side
        )
