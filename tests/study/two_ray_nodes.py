"""Run a study on Ray: ``dying``, on two nodes of which one dies; ``own``, on its own.

python two_ray_nodes.py dying|own PLAN OUTPUT
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from stackelberg.study import RayBackend, Study, run_missing, start_study


def dying(study: Study) -> None:
    """Kill the second node's processes once a few cells are done."""
    os.environ["RAY_AUTH_MODE"] = "disabled"  # Ray's own two-node cluster knows none
    import ray
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "num_gpus": 0},
    )
    second = cluster.add_node(num_cpus=1, num_gpus=0)
    cluster.wait_for_nodes()
    alive: list[int] = []

    def count() -> None:
        alive.append(sum(bool(node["Alive"]) for node in ray.nodes()))

    ended: list[object] = []

    def tell(cell: object, end: object) -> None:
        ended.append(end)
        if len(ended) == 4:
            count()
            cluster.remove_node(second, allow_graceful=False)
            until = time.monotonic() + 30.0
            while alive[-1] == alive[0] and time.monotonic() < until:
                time.sleep(0.2)
                count()

    try:
        reached = run_missing(
            study.cells, study.store, RayBackend(cluster.address), tell=tell
        )
        print(f"nodes {alive[0]}, after one died {alive[-1]}")
        print(f"done {len(reached.done)}, failed {len(reached.failed)}")
    finally:
        cluster.shutdown()


def own(study: Study) -> None:
    """What the backend starts when it is given no address."""
    said: list[str] = []

    def tell(cell: object, ended: object) -> None:
        import ray  # not before the backend has said how

        context: Any = ray.get_runtime_context()
        address = context.gcs_address.rpartition(":")[0]
        said[:] = [f"address {address}", f"token {os.environ['RAY_AUTH_MODE']}"]

    reached = run_missing(study.cells, study.store, RayBackend(jobs=1), tell=tell)
    print(*said, sep="\n")
    print(f"done {len(reached.done)}, failed {len(reached.failed)}")


if __name__ == "__main__":
    chosen = {"dying": dying, "own": own}[sys.argv[1]]
    chosen(start_study(sys.argv[2], Path(sys.argv[3])))
