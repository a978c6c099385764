"""Studies: many methods on many problems with many seeds, resumable and compared."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackelberg.study.cell import Cell, cells
    from stackelberg.study.collect import study_data
    from stackelberg.study.engine import Standing, run_missing, standing
    from stackelberg.study.plan import Plan
    from stackelberg.study.plan_file import PlanError, read_plan
    from stackelberg.study.processes import ProcessBackend
    from stackelberg.study.ray_cluster import RayBackend
    from stackelberg.study.store import Store
    from stackelberg.study.study import Study, open_study, start_study

_HOME = {
    "Cell": "cell",
    "Plan": "plan",
    "PlanError": "plan_file",
    "ProcessBackend": "processes",
    "RayBackend": "ray_cluster",
    "Standing": "engine",
    "Store": "store",
    "Study": "study",
    "cells": "cell",
    "open_study": "study",
    "read_plan": "plan_file",
    "run_missing": "engine",
    "standing": "engine",
    "start_study": "study",
    "study_data": "collect",
}
"""Public name -> module; modules load when first used: a worker needs few of them."""

__all__ = [
    "Cell",
    "Plan",
    "PlanError",
    "ProcessBackend",
    "RayBackend",
    "Standing",
    "Store",
    "Study",
    "cells",
    "open_study",
    "read_plan",
    "run_missing",
    "standing",
    "start_study",
    "study_data",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
