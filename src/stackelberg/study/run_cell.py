"""One cell from beginning to end, wherever it runs."""

from __future__ import annotations

import json
import math
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stackelberg.study.cases import build
from stackelberg.study.cell import Cell
from stackelberg.study.methods.measured import Measured
from stackelberg.study.methods.own import load, run_own
from stackelberg.study.methods.registry import methods_of


@dataclass(frozen=True)
class Finished:
    """How a cell ended.

    Attributes:
        address: of its result.
        content: text of the result file; None where it failed. The same cell gives
            the same text, whenever and wherever it runs.
        error: what went wrong in one line; None where nothing did.
        trace: where it went wrong.
        seconds: that it took, compilation included.
        clock: seconds of processor time that the method kept, by name.
    """

    address: str
    content: str | None
    error: str | None
    trace: str
    seconds: float
    clock: Mapping[str, Sequence[float]] = field(
        default_factory=dict[str, Sequence[float]]
    )


def run_cell(cell: Cell) -> Finished:
    """Build the problem, run the method, and say how it ended; never raises."""
    start = time.perf_counter()
    content, error, trace = None, None, ""
    clock: Mapping[str, Sequence[float]] = {}
    try:
        measured = _measure(cell)
        content, clock = _content(cell, measured), measured.seconds
    # A method may call sys.exit or raise KeyboardInterrupt itself: workers do not hear
    # Ctrl-C, so it is never the user's.
    except BaseException as caught:
        error = f"{type(caught).__name__}: {' '.join(str(caught).split())}"
        trace = traceback.format_exc()
    seconds = time.perf_counter() - start
    return Finished(cell.address, content, error, trace, seconds, clock)


def _measure(cell: Cell) -> Measured:
    problem = build(cell.case, cell.seed)
    play = cell.play
    if play.source is None:
        method = methods_of(cell.case.kind)[play.use]
        return method.run(problem, cell.seed, play.settings)
    function = load(play.source, play.source_name, play.use)
    return run_own(function, play.name, problem, cell.seed, play.settings)


def _content(cell: Cell, measured: Measured) -> str:
    record = {
        **cell.identity,
        "address": cell.address,
        "metrics": _plain(measured.metrics),
        "series": _plain(measured.series),
    }
    return json.dumps(record, sort_keys=True, allow_nan=False, indent=1) + "\n"


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
