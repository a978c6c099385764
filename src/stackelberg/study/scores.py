"""Saved results as arrays of scores: problem by seed, for each method and metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stackelberg.study.cases import Case
from stackelberg.study.statistics.bootstrap import Floats
from stackelberg.study.study import Study


@dataclass(frozen=True)
class Results:
    """What is there of a study.

    Attributes:
        cases: in the order of the plan.
        methods: names in the order of the plan.
        seeds: in the order of the plan.
        records: result by case, method and seed.
        seconds: by method, of the cells that have a result.
        clocks: seconds that methods kept themselves, by case, method and seed.
    """

    cases: tuple[Case, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    records: Mapping[tuple[str, str, int], Mapping[str, Any]]
    seconds: Mapping[str, Sequence[float]]
    clocks: Mapping[tuple[str, str, int], Mapping[str, Sequence[float]]]

    def of_scenario(self, scenario: str) -> list[Case]:
        """Its cases."""
        return [case for case in self.cases if case.scenario == scenario]

    def value(self, case: Case, method: str, metric: str, seed: int) -> float | None:
        """One metric of one cell; None where it failed or has no such number."""
        record = self.records.get((case.name, method, seed))
        return None if record is None else record["metrics"].get(metric)

    def paired(
        self, cases: Sequence[Case], methods: Sequence[str], metric: str
    ) -> list[Floats]:
        """Scores ``[case, seed]`` of each method on the seeds that all of them have.

        A seed counts only where every one of the methods has it in every case, so that
        a failed cell takes away a whole comparison instead of bending an average.
        """
        kept = [
            seed
            for seed in self.seeds
            if all(
                self.value(case, method, metric, seed) is not None
                for case in cases
                for method in methods
            )
        ]
        return [
            np.array(
                [[self.value(c, method, metric, s) for s in kept] for c in cases], float
            )
            for method in methods
        ]


def read_results(study: Study) -> Results:
    """Every result that the plan asks for and that is there."""
    records: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    seconds: dict[str, list[float]] = {}
    clocks: dict[tuple[str, str, int], Mapping[str, Sequence[float]]] = {}
    for cell in study.cells:
        if not study.store.is_done(cell.address):
            continue
        key = (cell.case.name, cell.play.name, cell.seed)
        records[key] = study.store.result(cell.address)
        clocks[key] = study.store.clock(cell.address)
        spent = study.store.seconds(cell.address)
        if spent is not None:
            seconds.setdefault(cell.play.name, []).append(spent)
    by_name = {cell.case.name: cell.case for cell in study.cells}
    return Results(
        cases=tuple(by_name.values()),
        methods=tuple(method.name for method in study.plan.method),
        seeds=tuple(study.plan.seed_list),
        records=records,
        seconds=seconds,
        clocks=clocks,
    )
