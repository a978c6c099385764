"""The concepts and baselines of `spectrum.METHODS` as methods of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from stackelberg.report.spectrum.methods import method_record
from stackelberg.report.spectrum.pairs import interference_margin
from stackelberg.spectrum import (
    METHODS,
    MethodResult,
    Outcome,
    Scenario,
    certify,
    follower_equilibrium,
    outcome,
    run_method,
    solve,
)
from stackelberg.spectrum.baselines import no_reuse, proved_bound
from stackelberg.spectrum.follower import assigned
from stackelberg.spectrum.scenario import Floats
from stackelberg.study.methods.measured import Measured, Method
from stackelberg.study.plan import Strict
from stackelberg.units import to_db

ROOMS = (
    "errors",
    "units",
    "game",
    "spectrum",
    "report/spectrum/methods.py",
    "report/spectrum/pairs.py",
    "study/methods/spectrum.py",
)

QUANTILES = tuple(i / 20 for i in range(21))
"""Of SINR distributions, kept for figures."""


class ConceptSettings(Strict):
    """Settings of every method of the spectrum game.

    Attributes:
        tolerance: relative bilevel gap to prove per channel.
        max_boxes: of branch and bound per channel.
    """

    tolerance: float = 1e-4
    max_boxes: int = 200_000


def measured(
    cell: Scenario,
    result: MethodResult,
    *,
    best: Outcome,
) -> Measured:
    """What a result is worth, beside silence and the equilibrium of the same cell.

    Args:
        cell: with channels assigned.
        result: of the method.
        best: the Stackelberg equilibrium proper.
    """
    answer = result.outcome
    record = method_record(cell, result.name, answer, result.certificate, None)
    silent = no_reuse(cell).leader_utility
    room = best.leader_utility - silent
    total = float(answer.leader_utility + answer.follower_utility.sum())
    again = _re_equilibrated(cell, result)
    metrics = {
        "leader_utility_bps": record.leader_utility_bps,
        "average_utility_bps": total / (1 + cell.num_pairs),
        "channel_capacity_bps": record.sum_rate_bps,
        "d2d_rate_bps": float(answer.d2d_rate_bps.sum()),
        "cellular_rate_lost": record.cellular_rate_lost,
        "gain": _share(answer.leader_utility - silent, room),
        "re_equilibrated_gain": _share(again - silent, room),
        "follower_regret": record.follower_regret,
        "price_regret": record.price_regret,
        "bilevel_gap": record.bilevel_gap,
        "users_below_5_db": float(record.users_below_5_db),
        "converged": 0.0 if result.status else 1.0,
    }
    return Measured(metrics, _series(cell, answer, record.cellular_sinr_db,
                                     record.d2d_sinr_db))  # fmt: skip


def own_result(cell: Scenario, name: str, returned: object) -> MethodResult:
    """What a user's function returned, as an outcome with its certificate.

    Args:
        cell: with channels assigned.
        name: of the method.
        returned: an `Outcome`, or prices [N] that the pairs answer with their Nash
            equilibrium.

    Raises:
        ShapeError, DomainError: what was returned are no prices.
    """
    if isinstance(returned, Outcome):
        answer = returned
    else:
        price = np.asarray(returned, np.float64)
        game = follower_equilibrium(cell, price)
        answer = outcome(cell, assigned(cell), price, game.transmit_power_w)
    best = solve(cell, "bilevel")
    certificate = certify(cell, answer, bound=proved_bound(best))
    return MethodResult(name, answer, certificate, best.status)


def methods() -> dict[str, Method]:
    """Every method of the spectrum game by name."""
    return {
        name: Method(name, "spectrum", ConceptSettings, _runner(name), ROOMS)
        for name in METHODS
    }


def _runner(name: str) -> Any:
    def run(cell: Scenario, seed: int, settings: Mapping[str, Any]) -> Measured:
        best = solve(cell, "bilevel", **settings)
        if name == "bilevel":
            result = MethodResult(name, best.value, best.certificate, best.status)
        else:
            result = run_method(
                cell, name, seed=seed, bound=proved_bound(best), **settings
            )
        return measured(cell, result, best=best.value)

    return run


def _re_equilibrated(cell: Scenario, result: MethodResult) -> float:
    """The leader's utility once the pairs answer the posted prices."""
    if result.certificate is None:  # silence is no answer to a price
        return result.outcome.leader_utility
    price = result.outcome.reuse_price
    game = follower_equilibrium(replace(cell, channel=result.outcome.channel), price)
    return outcome(
        cell, result.outcome.channel, price, game.transmit_power_w
    ).leader_utility


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0.0 else None


def _series(
    cell: Scenario,
    answer: Outcome,
    cellular_db: Floats | tuple[float, ...],
    d2d_db: Floats | tuple[float, ...],
) -> dict[str, list[float | None]]:
    margin = to_db(interference_margin(cell, answer))
    return {
        "cellular_sinr_db": _quantiles(cellular_db),
        "d2d_sinr_db": _quantiles(d2d_db),
        "interference_margin_db": [float(x) for x in margin],
        "reuse_price": [float(x) for x in answer.reuse_price],
    }


def _quantiles(numbers: Floats | tuple[float, ...]) -> list[float | None]:
    if not len(numbers):
        return []
    return [float(x) for x in np.quantile(np.asarray(numbers), QUANTILES)]
