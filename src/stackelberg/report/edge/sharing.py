"""How fair a way of sharing is: Jain, Gini, Lorenz, min-max, and what it uses."""

from __future__ import annotations

import numpy as np

from stackelberg.edge import Market, Outcome
from stackelberg.edge.market import Bools, Floats
from stackelberg.report.edge.data import SharingRecord

STEPS = 100
"""Parts that distributions are drawn in."""


def sharing_record(
    market: Market, name: str, outcome: Outcome, counted: Bools, optimum: Floats
) -> SharingRecord:
    """Fairness numbers of an outcome.

    Args:
        market: one resource type.
        name: a key of `theme.SHARINGS`.
        outcome: the allocation.
        counted: users that count [N].
        optimum: utilities at the optimum of those users.
    """
    utility = outcome.utility[counted]
    with np.errstate(divide="ignore"):
        mean_log = float(np.log(utility).mean())
    ordered = np.sort(utility)
    return SharingRecord(
        sharing=name,
        mean_log_utility=mean_log,
        loss_per_user=float(np.log(optimum).mean()) - mean_log,
        jain=jain(utility),
        gini=gini(utility),
        least=float(ordered[0]),
        median=float(np.median(ordered)),
        greatest=float(ordered[-1]),
        least_over_greatest=float(ordered[0] / ordered[-1]) if ordered[-1] else 1.0,
        capacity_sold=used(outcome.load, market.capacity),
        money_spent=used(outcome.spend, market.budget),
        utility_quantiles=_as_tuple(np.quantile(utility, _shares())),
        lorenz=lorenz(utility),
    )


def jain(values: Floats) -> float:
    """(sum x)^2 / (N sum x^2): from 1/N, one has everything, to 1, all are equal."""
    total = float((values**2).sum())
    return float(values.sum() ** 2 / (len(values) * total)) if total > 0.0 else 1.0


def gini(values: Floats) -> float:
    """Half the mean absolute difference of two values, over their mean."""
    n, total = len(values), float(values.sum())
    if total == 0.0:
        return 0.0
    rank = np.arange(1, n + 1)
    return float(((2 * rank - n - 1) * np.sort(values)).sum() / (n * total))


def lorenz(values: Floats) -> tuple[float, ...]:
    """Share of the total that the poorest 0, 1, ..., 100 % hold together."""
    held = np.concatenate([[0.0], np.cumsum(np.sort(values))])
    if held[-1] == 0.0:
        return _as_tuple(_shares())
    share = np.interp(_shares(), np.linspace(0.0, 1.0, len(held)), held / held[-1])
    return _as_tuple(share)


def rank_correlation(x: Floats, y: Floats) -> float | None:
    """Spearman's; None where one of them is the same everywhere."""
    x, y = _ranks(x), _ranks(y)
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread > 0.0 else None


def _ranks(values: Floats) -> Floats:
    """Ranks; equal values have the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle: Floats = count.cumsum() - (count - 1) / 2.0
    return middle[place]


def _shares() -> Floats:
    return np.linspace(0.0, 1.0, STEPS + 1)


def used(amount: Floats, limit: Floats) -> float:
    """Share of all finite limits that is used; 0 where there is none."""
    finite = np.isfinite(limit)
    total = float(limit[finite].sum())
    return float(amount[finite].sum() / total) if total > 0.0 else 0.0


def _as_tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(x) for x in values)
