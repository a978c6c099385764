"""An edge market of the job throughputs that Gavel measured.

Published by Narayanan et al. ("Heterogeneity-Aware Cluster Scheduling Policies for Deep
Learning Workloads", OSDI 2020) in the repository stanford-futuredata/gavel,
``scheduler/*_throughputs.json``: by kind of worker, then by job configuration, written
``('ResNet-18 (batch size 16)', 1)`` with the number of workers, the steps a second
alone (``null``) and beside each other configuration (not used).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import cast

import numpy as np

from stackelberg.edge.generators.city import Regime, Terms, budget_share
from stackelberg.edge.generators.draws import Concern, check_whole, factor, stream
from stackelberg.edge.market import Market
from stackelberg.errors import ConfigError, DomainError, InputError, suggestion
from stackelberg.io.files import read_bytes
from stackelberg.io.json_text import JsonObject, member_object, parse_object, shown

Path = str | os.PathLike[str]

WORKERS: Mapping[str, tuple[float, float]] = {
    "k80": (24.0, 0.45),
    "p100": (16.0, 1.46),
    "v100": (8.0, 2.48),
}
"""Kinds of worker: how many, USD an hour each. The file says neither: assumptions, of
the size of the authors' cluster and of a cloud's list prices at the time."""

_CONFIGURATION = re.compile(
    r"\('(?P<job>[^'\x00-\x1f]{1,80})', (?P<count>[1-9]\d{0,3})\)"
)


def import_gavel(
    throughputs_json: Path,
    *,
    num_jobs: int | None = None,
    workers: Mapping[str, tuple[float, float]] = WORKERS,
    seed: int = 0,
    regime: Regime = "balanced",
    budget_spread: float = 0.0,
) -> Market:
    """A market in which jobs buy time on kinds of GPU by their measured throughputs.

    A unit is one GPU. To a job it is worth steps a second for each GPU that the
    configuration takes: throughput / number of workers. Where the throughput is zero or
    was not measured, the kind is out of reach.

    Args:
        throughputs_json: the throughputs.
        num_jobs: N jobs, each of a configuration drawn at random; None: each
            configuration once, in the file's order.
        workers: number and price of each kind of worker; kinds of the file that are
            not named here are left out.
        seed: of configurations and budgets; a whole number >= 0.
        regime: as for `edge.generate`.
        budget_spread: standard deviation of the logarithm of the budgets; by default
            all are the same.

    Returns:
        Nodes by kind; users by configuration, as ``ResNet-18 (batch size 16) x 1``,
        with ``#k`` before it where jobs are drawn.

    Raises:
        ConfigError, DomainError: the file or an argument is wrong; the message names
            the file and the key.
    """
    terms = Terms(seed=seed, regime=regime, budget_spread=budget_spread)
    if num_jobs is not None:
        check_whole("num_jobs", num_jobs, 1)
    content = read_bytes(throughputs_json, wanted="throughputs")
    try:
        members = parse_object(content, wanted="throughputs")
        rate = _rates(members, list(workers))
    except InputError as error:
        raise error.located(os.fspath(throughputs_json)) from None
    names = list(rate)
    weight = np.array(list(rate.values()))
    if num_jobs is not None:
        drawn = stream(seed, Concern.JOB).integers(0, len(names), num_jobs)
        names = [f"#{k} {names[j]}" for k, j in enumerate(drawn)]
        weight = weight[drawn]
    capacity = np.array([count for count, _ in workers.values()])
    price = np.array([cost for _, cost in workers.values()])
    budget = factor(seed, Concern.BUDGET, len(names), terms.budget_spread)
    budget *= budget_share(regime, price, capacity) / budget.sum()
    return Market.from_arrays(
        price, capacity, budget, weight, nodes=list(workers), users=names,
        resource="gpu",
    )  # fmt: skip


def _rates(members: JsonObject, kinds: list[str]) -> dict[str, list[float]]:
    """Worth of one GPU of each kind, by configuration, in the first kind's order."""
    rates: dict[str, list[float]] = {}
    for place, kind in enumerate(kinds):
        if kind not in members:
            raise ConfigError(
                kind,
                expected="throughputs of this kind" + suggestion(kind, members),
                got="kinds " + ", ".join(map(str, members))[:60],
            )
        for key, entry in member_object(members, kind).items():
            found = _CONFIGURATION.fullmatch(key)
            if found is None:
                raise ConfigError(
                    f"{kind}.{key!r}"[:80],
                    expected="a key like \"('ResNet-18 (batch size 16)', 1)\"",
                    got="another",
                )
            job, count = found["job"], int(found["count"])
            own = rates.setdefault(f"{job} x {count}", [0.0] * len(kinds))
            own[place] = _alone(f"{kind}.{key}", entry) / count
    if not rates:
        raise ConfigError("content", expected="job configurations", got="none")
    return rates


def _alone(name: str, entry: object) -> float:
    if not isinstance(entry, dict) or "null" not in entry:
        raise ConfigError(name, expected='an object with "null"', got=shown(entry))
    value = cast("JsonObject", entry)["null"]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{name}.null", expected="a number", got=shown(value))
    if not 0.0 <= value < math.inf:
        raise DomainError(
            f"{name}.null", expected="a finite number >= 0", got=shown(value)
        )
    return float(value)
