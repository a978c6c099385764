"""Markets of many nodes: CPU seconds of each method, and of the sparse factor alone.

    python benchmarks/edge_nodes.py                      which method when
    python benchmarks/edge_nodes.py --factor             the factor beside SuperLU's
    python benchmarks/edge_nodes.py --published          two published sizes (10 GB)

A city reaches the nearest nodes; in a scattered market who reaches what has no order.
All budgets together buy all capacity. The seconds are those of the solver, the choice
included, the certificate not, on one thread.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

# One thread for every library; must be set before they are loaded.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.sparse.linalg import splu  # noqa: E402

from stackelberg.edge import Market, allocate, generate  # noqa: E402
from stackelberg.edge.solvers.method_choice import METHODS, Method  # noqa: E402
from stackelberg.edge.solvers.sparse_factor import (  # noqa: E402
    assemble,
    factor,
    pattern_of,
    solve,
)

SIZES = (
    ("scattered", 20_000, 256, 8),
    ("scattered", 10_000, 1_000, 8),
    ("scattered", 5_000, 1_000, 40),
    ("scattered", 20_000, 2_000, 8),
    ("city", 20_000, 256, 8),
    ("city", 20_000, 1_523, 8),
    ("city", 30_000, 1_523, 30),
    ("city", 100_000, 5_000, 8),
)
TOLERANCES = (1e-3, 1e-4, 1e-6, 1e-8)
PUBLISHED = ((10_000, 4_000, 80), (1_000_000, 10_000, 20))
LARGEST_DENSE = 2_000


def scattered(users: int, nodes: int, reach: int) -> Market:
    draw = np.random.default_rng(0)
    each = nodes // reach
    node = np.arange(reach) * each + draw.integers(0, each, (users, reach))
    weight = sparse.csr_array(
        (
            draw.lognormal(0.0, 0.6, users * reach),
            node.ravel(),
            np.arange(users + 1) * reach,
        ),
        shape=(users, nodes),
    )
    price = draw.uniform(0.5, 2.0, nodes)
    capacity = draw.uniform(0.5, 1.5, nodes)
    budget = draw.lognormal(0.0, 0.6, users)
    capacity *= budget.sum() / (price @ capacity)
    return Market.from_arrays(price, capacity, budget, weight)


def market_of(kind: str, users: int, nodes: int, reach: int) -> Market:
    if kind == "scattered":
        return scattered(users, nodes, reach)
    return generate(seed=0, num_users=users, num_nodes=nodes, nearest=reach)


def timed(market: Market, tolerance: float, method: Method | None) -> tuple[Any, float]:
    begin = time.process_time()
    found = allocate(market, tolerance, method=method, threads=1)
    return found, time.process_time() - begin


def which_method_when() -> None:
    for method in METHODS:  # compile
        timed(market_of("city", 9_000, 30, 4), 1e-2, method)
    print("market; gap; CPU seconds and steps of each method; the choice")
    for kind, users, nodes, reach in SIZES:
        market = market_of(kind, users, nodes, reach)
        for tolerance in TOLERANCES:
            cells: list[str] = []
            for method in METHODS:
                if (
                    (method == "sparse" and kind == "scattered")
                    or (method == "dense" and nodes > LARGEST_DENSE)
                    or (method == "first_order" and tolerance < 1e-6)
                ):
                    continue
                found, seconds = timed(market, tolerance, method)
                assert found.certificate.gap_per_user <= tolerance
                cells.append(f"{method} {seconds:.2f} ({found.iterations})")
            found, seconds = timed(market, tolerance, None)
            print(
                f"{kind} {users} x {nodes}, {reach} each; {tolerance:g}; "
                f"{', '.join(cells)}; {found.stats['method']} {seconds:.2f}",
                flush=True,
            )


def the_factor() -> None:
    print("nodes; nearest; pattern, assemble, factor, solve in ms; SuperLU's factor")
    for nodes, reach in ((60, 8), (500, 8), (1_523, 8), (1_523, 40), (5_000, 8),
                         (5_000, 40), (10_000, 8)):  # fmt: skip
        market = market_of("city", 20 * nodes, nodes, reach)
        indptr, node = market.weight.indptr, market.weight.indices
        begin = time.process_time()
        pattern = pattern_of(indptr, node, nodes)
        spent = [time.process_time() - begin]
        assert pattern is not None
        pairs = pattern.table
        table = np.zeros(pairs.size)
        draw = np.random.default_rng(0)
        table[pattern.entry] = -draw.random(len(pattern.entry))
        off = sparse.csc_array(
            (table[pattern.entry], (pairs.first, pairs.second)), shape=(nodes, nodes)
        )
        diagonal = 0.01 - np.asarray((off + off.T).sum(axis=0)).ravel()
        matrix: Any = sparse.csc_array(off + off.T + sparse.diags_array(diagonal))
        free = np.ones(nodes, dtype=bool)
        begin = time.process_time()
        values, _ = assemble(pattern, table, diagonal, free)
        spent.append(time.process_time() - begin)
        begin = time.process_time()
        factor(pattern, values)
        spent.append(time.process_time() - begin)
        begin = time.process_time()
        solve(pattern, values, diagonal)
        spent.append(time.process_time() - begin)
        begin = time.process_time()
        splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
             options={"SymmetricMode": True})  # fmt: skip
        peer = time.process_time() - begin
        cells = ", ".join(f"{1e3 * s:.2f}" for s in spent)
        print(f"{nodes}; {reach}; {cells}; {1e3 * peer:.1f}", flush=True)


def published() -> None:
    timed(market_of("city", 300, 30, 5), 1e-2, "first_order")
    print("users x nodes, edges; gap; passes; CPU seconds with the certificate")
    for users, nodes, reach in PUBLISHED:
        market = scattered(users, nodes, reach)
        for tolerance in (1e-3, 1e-4):
            found, seconds = timed(market, tolerance, None)
            print(
                f"{users} x {nodes}, {market.num_edges}; "
                f"{found.certificate.gap_per_user:.1e}; {found.iterations} by "
                f"{found.stats['method']}; {seconds:.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--factor", action="store_true")
    parser.add_argument("--published", action="store_true")
    asked = parser.parse_args()
    if asked.factor:
        the_factor()
    elif asked.published:
        published()
    else:
        which_method_when()


if __name__ == "__main__":
    main()
