"""An edge market of Alibaba's GPU cluster trace of 2023.

Published by Weng et al. ("Beware of Fragmentation: Scheduling GPU-Sharing Workloads
with Fragmentation Gradient Descent", USENIX ATC 2023) in the repository
alibaba/clusterdata, folder cluster-trace-gpu-v2023: nodes in
``openb_node_list_all_node.csv`` (sn, cpu_milli, memory_mib, gpu, model), pods in
``openb_pod_list_*.csv`` (name, cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec).

The trace says what nodes have and pods ask for, and nothing of prices, budgets or what
a unit is worth; `import_alibaba` says what it takes for them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from stackelberg.edge.generators.city import Regime, Terms, budget_share
from stackelberg.edge.generators.draws import Concern, check_whole, factor, stream
from stackelberg.edge.market import Floats, Ints, Market, Names
from stackelberg.errors import ConfigError, DomainError
from stackelberg.io.published import published_table
from stackelberg.io.tables import Cells, as_names

Path = str | os.PathLike[str]

RESOURCES = ("cpu", "memory", "gpu")
"""In cores, GiB and GPUs."""

PRICE_USD: Mapping[str, float] = {"cpu": 0.0472, "memory": 0.0031, "gpu": 1.0}
"""Of a core, a GiB and a GPU for an hour: the first two are the Sydney list prices of
2020, the third is a choice."""

PRICE_SPREAD = 0.2
"""Standard deviation of the logarithm of a node's prices; a choice."""


@dataclass(frozen=True, eq=False)
class _Side:
    """Nodes or pods: `amount` [rows, 3] that they have or ask for."""

    names: Names
    amount: Floats


def import_alibaba(
    nodes_csv: Path,
    pods_csv: Path,
    *,
    reach: int | None = 8,
    seed: int = 0,
    regime: Regime = "balanced",
) -> Market:
    """A market in which pods buy CPU, memory and GPU of nodes, side by side.

    A pod may be served by a node that, empty, could hold all it asks for; with a
    ``gpu_spec``, only by nodes of those models. Of these it reaches `reach`, drawn at
    random, the same for all three resources. It takes part in the types that it asks
    something of, and a node in those that it has something of.

    A unit is worth 1 / request at every node: utility 1 is all that was asked for. A
    pod's budget for a type is its request at the list price, times one factor for the
    whole type that sets all budgets against the price of all capacity as the regime
    says. Nodes' prices differ from the list price by a drawn lognormal factor.

    Args:
        nodes_csv: the nodes.
        pods_csv: the pods.
        reach: how many suitable nodes a pod reaches; None: all of them (1,523 nodes
            and 8,152 pods make 24 million pairs).
        seed: of reach and prices; a whole number >= 0.
        regime: as for `edge.generate`.

    Returns:
        Resources ``cpu`` (cores), ``memory`` (GiB) and ``gpu`` (GPUs; a share of one
        where the pod asks for that). Pods that no node can hold reach nothing.

    Raises:
        ConfigError, DomainError: a file or column is missing or wrong, or an argument.
    """
    if reach is not None:
        check_whole("reach", reach, 1)
    terms = Terms(seed=seed, regime=regime)
    node_cells = published_table(
        nodes_csv, ("sn", "cpu_milli", "memory_mib", "gpu", "model"), "nodes"
    )
    pod_cells = published_table(
        pods_csv, ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"), "pods"
    )
    nodes, pods = _nodes(node_cells), _pods(pod_cells)
    pod, node = _reached(node_cells, nodes, pod_cells, pods, reach, seed)
    names = [name for k, name in enumerate(RESOURCES) if pods.amount[:, k].any()]
    parts = {
        name: _market(RESOURCES.index(name), nodes, pods, pod, node, terms)
        for name in names
    }
    if not parts:
        raise ConfigError(
            "content",
            expected="a pod that asks for something",
            got=f"{len(pods.names)} pods",
            source=pod_cells.path,
        )
    return Market.side_by_side(parts)


def _nodes(cells: Cells) -> _Side:
    gpus = cells.numbers("gpu")
    amount = [cells.numbers("cpu_milli") / 1e3, cells.numbers("memory_mib") / 1024.0]
    return _Side(_unique(cells, "sn"), np.stack([*amount, gpus], axis=1))


def _pods(cells: Cells) -> _Side:
    count, share = cells.numbers("num_gpu"), cells.numbers("gpu_milli") / 1e3
    wrong = np.flatnonzero((count == 1.0) & ~((share > 0.0) & (share <= 1.0)))
    if len(wrong):
        raise cells.error(
            DomainError, "gpu_milli", int(wrong[0]), "1 to 1000 where num_gpu is 1"
        )
    gpus = np.where(count == 1.0, share, count)
    amount = [cells.numbers("cpu_milli") / 1e3, cells.numbers("memory_mib") / 1024.0]
    return _Side(_unique(cells, "name"), np.stack([*amount, gpus], axis=1))


def _unique(cells: Cells, column: str) -> Names:
    again = (~cells.names(column).is_first_distinct()).arg_true()
    if len(again):
        raise cells.error(ConfigError, column, int(again[0]), "each name once")
    return as_names(cells, column)


def _reached(
    node_cells: Cells,
    nodes: _Side,
    pod_cells: Cells,
    pods: _Side,
    reach: int | None,
    seed: int,
) -> tuple[Ints, Ints]:
    """Pod and node of each pair in reach, pods in order and nodes within each.

    Pods that ask for the same share one list of suitable nodes.
    """
    models = np.array(_texts(node_cells, "model"))
    specs = _texts(pod_cells, "gpu_spec") if pod_cells.has("gpu_spec") else None
    draw = stream(seed, Concern.REACH)
    suitable: dict[tuple[float | str, ...], Ints] = {}
    pod: list[Ints] = []
    node: list[Ints] = []
    for j, amount in enumerate(pods.amount):
        spec = specs[j] if specs else ""
        key = (*amount.tolist(), spec)
        if key not in suitable:
            fits = (nodes.amount >= amount).all(axis=1)
            if spec:
                fits &= np.isin(models, [one.strip() for one in spec.split("|")])
            suitable[key] = np.flatnonzero(fits)
        chosen = suitable[key]
        if reach is not None and len(chosen) > reach:
            chosen = np.sort(draw.choice(chosen, reach, replace=False, shuffle=False))
        pod.append(np.full(len(chosen), j))
        node.append(chosen)
    nothing = np.zeros(0, dtype=np.int64)
    return np.concatenate([nothing, *pod]), np.concatenate([nothing, *node])


def _texts(cells: Cells, column: str) -> list[str]:
    return [(text or "").strip() for text in cells.frame[column].to_list()]


def _market(
    k: int, nodes: _Side, pods: _Side, pod: Ints, node: Ints, terms: Terms
) -> Market:
    """One resource type: rows of what is had and asked for."""
    had, asked = nodes.amount[:, k], pods.amount[:, k]
    sells, buys = np.flatnonzero(had > 0.0), np.flatnonzero(asked > 0.0)
    list_price = PRICE_USD[RESOURCES[k]]
    price = list_price * factor(terms.seed, Concern.PRICE, len(had), PRICE_SPREAD, k)
    budget = list_price * asked[buys]
    budget *= budget_share(terms.regime, price, had) / budget.sum()
    asks = asked[pod] > 0.0
    worth = 1.0 / asked[pod[asks]]
    weight = sparse.csr_array(
        (worth, (pod[asks], node[asks])), shape=(len(asked), len(had))
    )
    return Market.from_arrays(
        price[sells],
        had[sells],
        budget,
        weight[buys][:, sells],
        nodes=nodes.names[sells],
        users=pods.names[buys],
        resource=RESOURCES[k],
    )
