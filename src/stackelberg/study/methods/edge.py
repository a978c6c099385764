"""Ways to share out and to price an edge market, as methods of a study.

All are measured by the same users: linear ones who share proportionally fairly. A
method that sets prices is judged by what these users then get by `edge.allocate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stackelberg import edge
from stackelberg.edge import EdgeSolution, Market
from stackelberg.edge.market import Floats
from stackelberg.game import Status
from stackelberg.study.methods.measured import Measured, Method
from stackelberg.study.plan import Strict

ROOMS = ("errors", "units", "game", "edge", "study/methods/edge.py")


class SharingSettings(Strict):
    """Attributes:
    tolerance: gap per user to prove, in nats.
    """

    tolerance: float = 1e-8


class PriceSettings(SharingSettings):
    """Attributes:
    elasticity: of substitution of the users that the owners have in mind, > 1.
    price_tolerance: relative regret, or local residual, to prove.
    price_cap: greatest price, as a multiple of the market's dearest price.
    """

    elasticity: float = 2.0
    price_tolerance: float = 1e-6
    price_cap: float = 10.0


@dataclass(frozen=True)
class Shared:
    """What a method made of a market.

    Attributes:
        utility: of every user [N].
        load: of every node [M].
        price: of every node [M].
        violation: of the amounts before they were cut.
        gap_per_user: proved at these prices, nats; None where nothing was.
        price_regret: of the node that could gain most; None where owners do not choose.
        status: of the solver.
    """

    utility: Floats
    load: Floats
    price: Floats
    violation: float | None
    gap_per_user: float | None
    price_regret: float | None
    status: Status


Solver = Callable[[Market, EdgeSolution, Mapping[str, Any]], Shared]


def measured(market: Market, best: EdgeSolution, shared: Shared) -> Measured:
    """What users and nodes get, beside the optimum at the market's own prices.

    Args:
        market: as it came.
        best: that optimum.
        shared: what the method made of it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = shared.utility / best.value.utility
        logarithm = float(np.log(share).mean()) if len(share) else 0.0
        paid = np.where(shared.load > 0.0, shared.price * shared.load, 0.0)
    money, room = float(market.budget.sum()), float(market.capacity.sum())
    metrics = {
        "utility_share": float(np.exp(logarithm)),
        "least_utility_share": float(share.min()) if len(share) else None,
        "revenue": float(paid.sum()),
        "money_spent": float(paid.sum()) / money if money > 0.0 else None,
        "capacity_sold": float(shared.load.sum()) / room if room > 0.0 else None,
        "violation": shared.violation,
        "gap_per_user": shared.gap_per_user,
        "price_regret_node": shared.price_regret,
        "converged": 0.0 if shared.status else 1.0,
    }
    return Measured({k: _finite(x) for k, x in metrics.items()})


def methods() -> dict[str, Method]:
    """Every method of the edge game by name."""
    return {
        name: Method(name, "edge", settings, _runner(solver), ROOMS)
        for name, (settings, solver) in _SOLVERS.items()
    }


def _runner(solver: Solver) -> Any:
    def run(market: Market, seed: int, settings: Mapping[str, Any]) -> Measured:
        best = edge.allocate(market, settings.get("tolerance", 1e-8))
        return measured(market, best, solver(market, best, settings))

    return run


def _equal_split(market: Market, best: EdgeSolution, _: Mapping[str, Any]) -> Shared:
    answer = edge.equal_split(market)
    return Shared(answer.utility, answer.load, market.price, 0.0, None, None,
                  Status.CONVERGED)  # fmt: skip


def _published(market: Market, best: EdgeSolution, _: Mapping[str, Any]) -> Shared:
    printed = edge.published_allocation(market, best=best)
    violation = max(printed.capacity_violation, printed.budget_violation)
    cut = printed.scaled
    return Shared(cut.utility, cut.load, market.price, violation, None, None,
                  Status.CONVERGED)  # fmt: skip


def _exact(market: Market, best: EdgeSolution, _: Mapping[str, Any]) -> Shared:
    return _shared(best, market.price, None, best.status)


def _clearing(market: Market, best: EdgeSolution, given: Mapping[str, Any]) -> Shared:
    found = edge.clearing_prices(market, given.get("tolerance", 1e-8))
    answer = found.value
    return Shared(answer.utility, answer.load, answer.price, 0.0,
                  found.certificate.gap_per_money, None, found.status)  # fmt: skip


def _equilibrium(
    market: Market, best: EdgeSolution, given: Mapping[str, Any]
) -> Shared:
    settings = PriceSettings.model_validate(dict(given))
    found = edge.price_equilibrium(
        market,
        elasticity=settings.elasticity,
        price_cap=settings.price_cap * float(market.price.max()),
        tolerance=settings.price_tolerance,
    )
    regret = float(found.certificate.relative_regret.max(initial=0.0))
    return _at_prices(market, found.value.price, regret, found.status, settings)


def _operator(market: Market, best: EdgeSolution, given: Mapping[str, Any]) -> Shared:
    settings = PriceSettings.model_validate(dict(given))
    found = edge.operator_prices(
        market,
        elasticity=settings.elasticity,
        price_cap=settings.price_cap * float(market.price.max()),
        tolerance=settings.price_tolerance,
    )
    return _at_prices(market, found.value.price, None, found.status, settings)


def _at_prices(
    market: Market,
    price: Floats,
    regret: float | None,
    status: Status,
    settings: PriceSettings,
) -> Shared:
    """What the linear users get at these prices; a closed node keeps its own."""
    price = np.where(np.isnan(price), market.price, price)
    answer = edge.allocate(replace(market, price=price), settings.tolerance)
    return _shared(answer, price, regret, max(status, answer.status))


def _shared(
    answer: EdgeSolution, price: Floats, regret: float | None, status: Status
) -> Shared:
    value, proof = answer.value, answer.certificate
    return Shared(
        value.utility,
        value.load,
        price,
        max(proof.capacity_violation, proof.budget_violation),
        proof.gap_per_user,
        regret,
        status,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


_SOLVERS: dict[str, tuple[type[Strict], Solver]] = {
    "equal_split": (SharingSettings, _equal_split),
    "published_allocation": (SharingSettings, _published),
    "exact": (SharingSettings, _exact),
    "clearing_prices": (SharingSettings, _clearing),
    "price_equilibrium": (PriceSettings, _equilibrium),
    "operator_prices": (PriceSettings, _operator),
}
