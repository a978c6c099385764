"""Whether reach is local: how wide a front sweeps over the nodes from user to user.

A breadth-first search goes from a node to all nodes that its users reach, and on. Where
users reach what is near, it takes many steps, each to few nodes, and a matrix of nodes
by nodes can be factored sparsely; where they reach anything, the second or third step
finds most nodes, and it cannot. A sample of the users tells, so that this costs next to
nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackelberg.edge.solvers.node_pairs import AnyInts

EDGES_PER_NODE = 8
"""So many edges a node are looked at."""

HUB = 10
"""A node that so many times more users reach than the average is not gone on from: few
such nodes do no harm when they are eliminated last."""


def widest_front(indptr: AnyInts, node: AnyInts, num_nodes: int) -> int:
    """Nodes that the widest step of the search finds.

    Args:
        indptr: bounds of each user's edges [N + 1].
        node: of each edge.
        num_nodes: M.
    """
    stride = max(1, len(node) // max(EDGES_PER_NODE * num_nodes, 1))
    users = np.arange(0, len(indptr) - 1, stride)
    return int(
        _widest_front(
            indptr.astype(np.int64, copy=False),
            node.astype(np.int32, copy=False),
            users,
            num_nodes,
            HUB * len(node) // max(stride * num_nodes, 1),
        )
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _widest_front(
    indptr: AnyInts, node: AnyInts, users: AnyInts, num_nodes: int, hub: int
) -> int:
    start = np.zeros(num_nodes + 1, dtype=np.int64)
    for j in users:
        for e in range(indptr[j], indptr[j + 1]):
            start[node[e] + 1] += 1
    for i in range(num_nodes):
        start[i + 1] += start[i]
    fill = start[:-1].copy()
    reached_by = np.empty(start[num_nodes], dtype=np.int64)
    for j in users:
        for e in range(indptr[j], indptr[j + 1]):
            reached_by[fill[node[e]]] = j
            fill[node[e]] += 1
    found = np.zeros(num_nodes, dtype=np.bool_)
    asked = np.zeros(len(indptr), dtype=np.bool_)
    queue = np.empty(num_nodes, dtype=np.int64)
    widest, head, tail = 0, 0, 0
    for first in range(num_nodes):
        if found[first]:
            continue
        found[first] = True
        queue[tail] = first
        tail += 1
        while head < tail:
            widest = max(widest, tail - head)
            end = tail
            for at in range(head, end):
                i = queue[at]
                if start[i + 1] - start[i] > hub:
                    continue
                for here in range(start[i], start[i + 1]):
                    j = reached_by[here]
                    if asked[j]:
                        continue
                    asked[j] = True
                    for e in range(indptr[j], indptr[j + 1]):
                        if not found[node[e]]:
                            found[node[e]] = True
                            queue[tail] = node[e]
                            tail += 1
            head = end
    return widest
