"""Edge markets: CPU seconds, steps, proved gap and memory, against CVXPY's solvers.

    python benchmarks/edge.py                          sizes up to 10^5 users
    python benchmarks/edge.py --largest 3000000        that size alone, 8 of 200 nodes
    python benchmarks/edge.py --dede PYTHON            DeDe too, by that interpreter
    python benchmarks/edge.py --peer-edges 20000       CVXPY up to this many edges
    python benchmarks/edge.py --peers CLARABEL         these of CVXPY's solvers only
    python benchmarks/edge.py --peer-edges 800000 --peers CLARABEL --scaled
                                                       and in units that suit them

All budgets buy all capacity, the hardest balance. Every answer, a peer's too, is judged
by the same `edge.certify`. CVXPY and its solvers are the extra `oracle`; without them
only this library is measured. Seconds are CPU seconds of one thread, those of DeDe's
worker included. The floor is what the passes of an interior point step read and write,
at the speed of a copy.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

# One thread for every library; must be set before they are loaded.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402

from stackelberg.edge import Market, allocate, certify  # noqa: E402

TOLERANCE = 5e-9
SIZES: tuple[tuple[int, int, int | None], ...] = (
    (100, 20, None),
    (1_000, 50, None),
    (5_000, 100, None),
    (10_000, 200, 8),
    (100_000, 200, 8),
)
PEERS = {"CLARABEL": {}, "ECOS": {}, "SCS": {"eps": 1e-6, "max_iters": 20_000}}

MOST_RUNS, ENOUGH_SECONDS = 9, 1.0
"""A solve is timed so many times, or until it has taken so long."""

DEDE_EDGES = 2_000
"""Largest market that DeDe is given."""

BYTES_PER_STEP = 148
"""What the three passes of a step read and write per edge: x, z, dx, dz (8 bytes each),
weight (8) and node (4); 60 in the first pass, 36 in the second, 52 in the third."""


def market(seed: int, users: int, nodes: int, reach: int | None) -> Market:
    draw = np.random.default_rng(seed)
    if reach is None:
        columns = np.tile(np.arange(nodes), users)
        degree = nodes
    else:
        first = draw.integers(0, nodes, users)
        stride = draw.choice(
            [k for k in range(1, nodes) if np.gcd(k, nodes) == 1], users
        )
        columns = (first[:, None] + stride[:, None] * np.arange(reach)) % nodes
        columns = np.sort(columns, axis=1).ravel()
        degree = reach
    price = draw.uniform(0.5, 2.0, nodes)
    capacity = draw.uniform(0.5, 1.5, nodes)
    budget = draw.lognormal(0.0, 0.6, users)
    capacity *= budget.sum() / (price @ capacity)
    weight = sparse.csr_array(
        (
            draw.lognormal(0.0, 0.6, users * degree),
            columns.astype(np.int32),
            np.arange(users + 1) * degree,
        ),
        shape=(users, nodes),
    )
    return Market.from_arrays(price, capacity, budget, weight)


def timed(solve: Callable[[], Any]) -> tuple[Any, float]:
    """The answer, and the median CPU seconds of several solves where they are short."""
    answer, spent = None, []
    while len(spent) < MOST_RUNS and sum(spent) < ENOUGH_SECONDS:
        start = time.process_time()
        answer = solve()
        spent.append(time.process_time() - start)
    return answer, statistics.median(spent)


def ours(problem: Market) -> dict[str, Any]:
    solution, seconds = timed(lambda: allocate(problem, TOLERANCE, threads=1))
    changed = slightly_changed(problem)
    warm, warm_seconds = timed(
        lambda: allocate(changed, TOLERANCE, warm_start=solution, threads=1)
    )
    cold = allocate(changed, TOLERANCE, threads=1)
    tracemalloc.start()
    allocate(problem, TOLERANCE, threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "seconds": seconds,
        "iterations": solution.iterations,
        "status": solution.status.label,
        "gap": solution.certificate.gap_per_user,
        "violation": solution.certificate.worst_violation,
        "bytes_per_edge": peak / problem.num_edges,
        "of_predicted": peak / int(str(solution.stats["predicted_bytes"])),
        "warm": f"{warm.iterations} for {cold.iterations} steps, {warm_seconds:.3g} s"
        if warm.status == 0
        else warm.status.label,
    }


def largest(users: int, speed: float) -> None:
    """One solve of a market of 8 of 200 nodes a user, on two threads."""
    problem = market(1, users, 200, 8)
    before = resident()
    begin, clock = time.process_time(), time.perf_counter()
    found = allocate(problem, TOLERANCE, threads=2)
    seconds, clock = time.process_time() - begin, time.perf_counter() - clock
    predicted = int(str(found.stats["predicted_bytes"]))
    edges, steps = problem.num_edges, found.iterations
    floor = BYTES_PER_STEP / speed
    print(
        f"{users} users: {seconds:.1f} CPU s, {clock:.1f} s of the clock on two "
        f"threads, {found.status.label}, {steps} steps, "
        f"gap {found.certificate.gap_per_user:.1e}, "
        f"violation {found.certificate.worst_violation:.0e}, "
        f"{1e6 * seconds / edges:.2f} us/edge "
        f"({seconds / edges / steps / floor:.0f} times the floor), "
        f"{(peak_resident() - before) / edges:.0f} bytes/edge, "
        f"{predicted / edges:.0f} predicted"
    )


def resident() -> int:
    """Bytes of memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_resident() -> int:
    """Most bytes that this process had."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def dede(problem: Market, python: str) -> dict[str, Any]:
    """DeDe's answer, judged with the best shadow prices that anybody could give it."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("market.npz", "answer.npz")]
        np.savez(
            files[0],
            price=problem.price,
            capacity=problem.capacity,
            budget=problem.budget,
            weight=problem.weight.toarray(),
        )
        script = Path(__file__).with_name("edge_dede.py")
        ended = subprocess.run(
            [python, str(script), *files], capture_output=True, text=True
        )
        if ended.returncode:
            return {"status": f"error: {ended.stderr.strip().splitlines()[-1]}"}
        answer = np.load(files[1])
        best = allocate(problem, 1e-10, threads=1).value
        proof = certify(
            problem,
            np.where(problem.weight.toarray() > 0.0, answer["amount"], 0.0),
            best.capacity_shadow_price,
            best.budget_shadow_price,
        )
        return {
            "seconds": float(answer["seconds"]),
            "status": "own stop",
            "gap": proof.gap_per_user,
            "violation": proof.worst_violation,
        }


def slightly_changed(problem: Market) -> Market:
    """Prices, capacities and budgets moved by up to a thousandth."""
    draw = np.random.default_rng(7)

    def moved(values: Any) -> Any:
        return values * draw.uniform(0.999, 1.001, len(values))

    return Market.from_arrays(
        moved(problem.price),
        moved(problem.capacity),
        moved(problem.budget),
        problem.weight,
    )


def peer(problem: Market, solver: str, scaled: bool) -> dict[str, Any]:
    """CVXPY's answer; `scaled`: amounts in units of what an edge may carry."""
    import cvxpy as cp  # type: ignore

    start = time.process_time()
    user, node = problem.user_of_edge, problem.weight.indices
    edges = np.arange(problem.num_edges)
    capacity, budget, unit = 1.0, 1.0, np.ones(len(edges))
    if scaled:
        capacity, budget = problem.capacity, problem.budget
        unit = np.minimum(
            (capacity / np.bincount(node, minlength=problem.num_nodes))[node],
            (budget / np.diff(problem.weight.indptr))[user] / problem.price[node],
        )

    def summing(rows: Any, values: Any, count: int, by: Any = 1.0) -> Any:
        values = values * unit / np.broadcast_to(by, count)[rows]
        return sparse.csr_array((values, (rows, edges)), shape=(count, len(edges)))

    x = cp.Variable(problem.num_edges, nonneg=True)
    load = summing(node, np.ones(len(edges)), problem.num_nodes, capacity) @ x
    spend = summing(user, problem.price[node], problem.num_users, budget) @ x
    limits = [load <= problem.capacity / capacity, spend <= problem.budget / budget]
    utility = summing(user, problem.weight.data, problem.num_users) @ x
    task = cp.Problem(cp.Maximize(cp.sum(cp.log(utility))), limits)
    try:
        task.solve(solver=solver, **PEERS[solver])
    except cp.SolverError as error:  # type: ignore
        seconds = time.process_time() - start
        return {"status": f"error: {str(error).splitlines()[0]}", "seconds": seconds}
    seconds = time.process_time() - start
    if x.value is None:
        return {"status": task.status, "seconds": seconds}
    weight = problem.weight
    amounts = sparse.csr_array(
        (x.value * unit, weight.indices, weight.indptr), weight.shape
    )
    proof = certify(
        problem,
        amounts,
        np.maximum(limits[0].dual_value, 0.0) / capacity,
        np.maximum(limits[1].dual_value, 0.0) / budget,
    )
    return {
        "seconds": seconds,
        "status": task.status,
        "gap": proof.gap_per_user,
        "violation": proof.worst_violation,
    }


def of_median_seconds(problem: Market, solver: str, scaled: bool) -> dict[str, Any]:
    """The same as `timed`, of a peer; its statement in CVXPY is made anew each time."""
    runs: list[dict[str, Any]] = []
    while len(runs) < MOST_RUNS and sum(r["seconds"] for r in runs) < ENOUGH_SECONDS:
        runs.append(peer(problem, solver, scaled))
    return sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]


def bandwidth() -> float:
    """Bytes a second read and written by copying an array larger than the caches."""
    source, target = np.ones(2**25), np.zeros(2**25)
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        target[:] = source
        best = min(best, time.process_time() - start)
    return 2.0 * source.nbytes / best


def row(size: str, name: str, found: dict[str, Any], extra: str) -> str:
    seconds = f"{found['seconds']:.3g}" if "seconds" in found else "-"
    proof = (
        f"{found['gap']:.1e} | {found['violation']:.0e}" if "gap" in found else "- | -"
    )
    return f"| {size} | {name} | {seconds} | {found['status']} | {proof} | {extra} |"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, help="this many users alone, 8 of 200")
    parser.add_argument("--dede", help="Python of an environment with DeDe")
    parser.add_argument("--peer-edges", type=int, default=100_000)
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--scaled", action="store_true", help="units that suit peers")
    options = parser.parse_args(arguments)
    speed = bandwidth()
    print(
        f"floor: {BYTES_PER_STEP} bytes per edge and step at {speed / 1e9:.1f} GB/s "
        f"= {1e9 * BYTES_PER_STEP / speed:.1f} ns\n"
    )
    for dense in (None, 3):
        allocate(market(0, 60, 8, dense))  # compile
    allocate(market(0, 9_000, 30, 4), TOLERANCE)
    if options.largest:
        largest(options.largest, speed)
        return 0
    print("| market | solver | CPU s | status | gap per user | violation | more |")
    print("|---|---|---|---|---|---|---|")
    for users, nodes, reach in SIZES:
        problem = market(1, users, nodes, reach)
        size = f"{users} x {nodes}" + (f", {reach} each" if reach else "")
        found = ours(problem)
        cost = found["seconds"] / problem.num_edges
        extra = (
            f"{found['iterations']} steps, {1e6 * cost:.2f} us/edge, "
            f"{1e9 * cost / max(found['iterations'], 1):.0f} ns/edge/step, "
            f"{found['bytes_per_edge']:.0f} bytes/edge "
            f"({100 * found['of_predicted']:.0f} % of predicted), "
            f"warm {found['warm']}"
        )
        print(row(size, "stackelberg", found, extra), flush=True)
        if problem.num_edges > options.peer_edges:
            continue
        for solver in options.peers:
            if not all(map(importlib.util.find_spec, ("cvxpy", solver.lower()))):
                continue
            other = of_median_seconds(problem, solver, options.scaled)
            extra = (
                f"{other['seconds'] / found['seconds']:.0f} times ours"
                if "seconds" in other
                else ""
            )
            print(row(size, solver, other, extra), flush=True)
        if options.dede and problem.num_edges <= DEDE_EDGES:
            other = dede(problem, options.dede)
            print(row(size, "DeDe", other, ""), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
