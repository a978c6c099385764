"""How policies do with other numbers of pairs than they learned with."""

from __future__ import annotations

import math
from collections.abc import Iterator

from stackelberg.report.study.data import SizePoint
from stackelberg.study.cases import Case
from stackelberg.study.scores import Results
from stackelberg.study.statistics import interval_of

METRICS = ("gain", "re_equilibrated_gain")
"""That policies are judged by at other sizes."""


def size_points(results: Results, confidence: float) -> Iterator[SizePoint]:
    """Each method's metrics with its own number of pairs and with the others."""
    for case in results.cases:
        sizes = _other_sizes(case)
        if not sizes:
            continue
        learned = int(case.settings["generate"].get("num_pairs", 0))
        for method in results.methods:
            for metric in METRICS:
                for pairs in sorted({learned, *sizes} - {0}):
                    name = metric
                    if pairs != learned:
                        name = f"{metric}_at_{pairs}_pairs"
                    (values,) = results.paired([case], [method], name)
                    if not values.size:
                        continue
                    found = interval_of(values, confidence=confidence)
                    yield SizePoint(
                        scenario=case.name,
                        method=method,
                        metric=metric,
                        pairs=pairs,
                        learned_at=learned,
                        seeds=values.shape[1],
                        value=found.value,
                        low=found.low if math.isfinite(found.low) else None,
                        high=found.high if math.isfinite(found.high) else None,
                    )


def _other_sizes(case: Case) -> list[int]:
    return [int(pairs) for pairs in case.settings.get("other_pairs", ())]
