"""Cells on a Ray cluster; the driver alone writes files.

Ray moves cells that were on a node that died to another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stackelberg.errors import ConfigError, MissingExtraError
from stackelberg.study.cell import Cell
from stackelberg.study.processes import ONE_THREAD
from stackelberg.study.run_cell import Finished, run_cell
from stackelberg.study.stopping import Stop

LOOPBACK = "127.0.0.1"

ONE_MACHINE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""At 0 Ray listens on the loopback address alone, on Linux too; else on all."""

RETRIES = 3
"""Workers and nodes that a cell may lose before it counts as failed."""

AHEAD = 2
"""Cells in the cluster for each of its cores, so that none waits for the driver."""


@dataclass(frozen=True)
class RayBackend:
    """Runs cells as Ray tasks of one core each.

    Attributes:
        address: of a running cluster, ``host:port`` or ``auto``; None starts one on
            this machine that only this machine can reach.
        jobs: cores of that one.
        dashboard: whether that one has a dashboard.
        token: whether it asks for a token, as a running cluster must be set up to do.
    """

    address: str | None = None
    jobs: int | None = None
    dashboard: bool = False
    token: bool = True

    def run(self, cells: Sequence[Cell], stop: Stop) -> Iterator[Finished]:
        """Yield each cell's end as it comes; after `stop`, those under way."""
        if not cells:
            return
        # Ray reads these when it is imported.
        os.environ.setdefault("RAY_AUTH_MODE", "token" if self.token else "disabled")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if self.address is None:
            os.environ.setdefault(ONE_MACHINE, "0")
        ray = _ray()
        self._connect(ray)
        try:
            yield from _run(ray, cells, stop)
        finally:
            ray.shutdown()

    def _connect(self, ray: Any) -> None:
        quiet: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
        environment = {"runtime_env": {"env_vars": ONE_THREAD}}
        if self.address is not None:
            try:
                ray.init(address=self.address, **quiet, **environment)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise ConfigError(
                    "address",
                    expected="that of a running Ray cluster",
                    got=f"{self.address} ({' '.join(str(error).split())[:80]})",
                ) from None
            return
        ray.init(
            address="local",
            num_cpus=self.jobs,
            num_gpus=0,
            include_dashboard=self.dashboard,
            dashboard_host=LOOPBACK,
            _node_ip_address=LOOPBACK,
            **quiet,
            **environment,
        )


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingExtraError("ray", "cluster") from None
    return ray


def _run(ray: Any, cells: Sequence[Cell], stop: Stop) -> Iterator[Finished]:
    task = ray.remote(num_cpus=1, max_retries=RETRIES)(run_cell)
    waiting = list(reversed(cells))
    under_way: dict[Any, Cell] = {}
    while True:
        room = AHEAD * max(int(ray.cluster_resources().get("CPU", 1)), 1)
        while waiting and not stop.asked and len(under_way) < room:
            cell = waiting.pop()
            under_way[task.remote(cell)] = cell
        if not under_way:
            return
        ready, _ = ray.wait(list(under_way), num_returns=1, timeout=0.5)
        for reference in ready:
            cell = under_way.pop(reference)
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:
                line = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                yield Finished(cell.address, None, line, "", 0.0)
