"""What a bundle costs above the least cost of its utility, without cancellation.

For unit costs q, utility u and its unit expenditure e, q.x >= e(q) u(x). Written out as
a difference it loses all digits near an optimum. With S = q.x, the shares k that a best
bundle would spend on each node and y = q x / (k S) relative to them, whose mean under k
is 1, each family has a form in terms >= 0:

    linear    q.x - e u = sum x (q - w e)
    leontief  q.x - e u = sum q (x - w u)
    ces       e u = S (1 - r K)^(1/r), r = 1 - 1/s    (Cobb-Douglas, r = 0: S exp(-K))

with K = sum k h(y), h(y) = (y - 1) - (y^r - 1)/r >= 0 (r = 0: y - 1 - log y).
"""

from __future__ import annotations

import numpy as np

from stackelberg.edge.market import Csr, Floats
from stackelberg.edge.segments import segment_sums
from stackelberg.edge.utilities import Utility


def waste(
    utility: Utility,
    weight: Csr,
    amount: Floats,
    unit_cost: Floats,
    value: Floats,
    unit_expenditure: Floats,
) -> Floats:
    """q.x - e u per user [N], each >= 0; for users without edges zero.

    Args:
        utility: family of all users.
        weight: the market's, CSR.
        amount: x per edge, >= 0.
        unit_cost: q per edge, >= 0; infinite where nothing can be bought (x = 0).
        value: u of these amounts [N].
        unit_expenditure: e at these unit costs [N].
    """
    per_user = np.diff(weight.indptr)
    with np.errstate(all="ignore"):
        if utility.family == "linear":
            above = np.repeat(unit_expenditure, per_user)
            above *= weight.data
            np.subtract(unit_cost, above, out=above)
            np.maximum(above, 0.0, out=above)
            above *= amount
            return segment_sums(above, weight.indptr)
        if utility.family == "leontief":
            idle = amount - weight.data * np.repeat(value, per_user)
            return segment_sums(unit_cost * np.maximum(idle, 0.0), weight.indptr)
        return _smooth_waste(utility, weight, amount, unit_cost, unit_expenditure)


def _smooth_waste(
    utility: Utility,
    weight: Csr,
    amount: Floats,
    unit_cost: Floats,
    unit_expenditure: Floats,
) -> Floats:
    bounds = weight.indptr
    per_user = np.diff(bounds)
    spent = np.where(amount > 0.0, unit_cost * amount, 0.0)
    total = segment_sums(spent, bounds)
    share = spent / np.repeat(total, per_user)
    cost = np.repeat(unit_expenditure, per_user)
    if utility.family == "cobb_douglas":
        best = weight.data / np.repeat(segment_sums(weight.data, bounds), per_user)
        power = 0.0
        powered = np.log(share / best)
    else:
        power = 1.0 - 1.0 / utility.substitution
        best = (unit_cost / weight.data / cost) ** (1.0 - utility.substitution)
        powered = (weight.data * amount * (cost / np.repeat(total, per_user))) ** power
    excess = np.where(best > 0.0, share / best - 1.0, np.inf)
    near = np.abs(excess) <= 0.5
    # Far from 1 nothing cancels, and a share of zero needs no division.
    if power == 0.0:
        far = share - best - best * powered
        close = best * (excess - np.log1p(np.where(near, excess, 0.0)))
    else:
        far = share - best - (powered - best) / power
        grown = np.expm1(power * np.log1p(np.where(near, excess, 0.0)))
        close = best * (excess - grown / power)
    divergence = segment_sums(np.maximum(np.where(near, close, far), 0.0), bounds)
    if power == 0.0:
        lost = -np.expm1(-divergence)
    else:
        inside = np.maximum(-power * divergence, -1.0)
        lost = -np.expm1(np.log1p(inside) / power)
    # Free utility is all waste to pay for; who pays nothing wastes nothing.
    lost = np.where(unit_expenditure > 0.0, lost, 1.0)
    return np.where(total > 0.0, total * lost, 0.0)
