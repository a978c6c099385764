"""From a market and its allocation to everything that a report shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stackelberg.edge import (
    LINEAR,
    PROPORTIONAL,
    EdgeSolution,
    Fairness,
    Market,
    Outcome,
    PublishedAllocation,
    Utility,
    equal_split,
    published_allocation,
)
from stackelberg.edge.explanation.virtual_money import VirtualMoney, virtual_money
from stackelberg.edge.market import Bools, Floats
from stackelberg.edge.outcome import on_edges
from stackelberg.edge.taking_part import users_taking_part
from stackelberg.errors import DomainError
from stackelberg.report.certificate import certificate_records
from stackelberg.report.edge.aim import Aim
from stackelberg.report.edge.data import (
    EdgeReportData,
    PrintedRecord,
    ResourceRecord,
    SharingRecord,
)
from stackelberg.report.edge.rows import node_records, sold_out, spacing, user_records
from stackelberg.report.edge.sharing import rank_correlation, sharing_record, used
from stackelberg.report.edge.story import story
from stackelberg.report.numbers import counted, shown_percent, significant

SHARE_OF = {
    "utility_error": "of the optimal",
    "capacity_violation": "of the capacity",
    "budget_violation": "of the budget",
    "entry_violation": "of the node's sales",
    "moved": "of the utility",
}
"""What a relative number of the certificate is a share of."""

SAME = 1e-6
"""Relative difference of utilities up to which they are the same."""

KINDS = ("budget", "both", "capacity")
"""What can limit a user, from money to nodes."""


def edge_report_data(
    market: Market,
    solution: EdgeSolution,
    *,
    utility: Utility = LINEAR,
    fairness: Fairness = PROPORTIONAL,
    title: str = "Edge market",
    money: str = "money",
    unit: str = "unit",
) -> EdgeReportData:
    """Everything that the report of one allocation shows; `render_page` draws it.

    Args:
        market: what was shared out.
        solution: of `edge.allocate` on it.
        utility: of every user, as it was solved for.
        fairness: welfare that was maximised.
        title: of the page.
        money: what prices and budgets are counted in, e.g. ``USD``.
        unit: what one unit of capacity is, e.g. ``vCPU-hour``.

    Raises:
        DomainError: the answer is of other utilities or another welfare, or there is a
            resource type of which no user can get anything.
    """
    aim = Aim(utility, fairness)
    _check_is_of(market, solution, aim)
    parts, outcomes = market.by_resource(), solution.value.by_resource(market)
    records = [
        _resource(
            str(name),
            parts[name],
            replace(solution, value=outcomes[name]),
            Aim(utility, fairness.of(market.rows_of(name)[0])),
        )
        for name in market.resources
    ]
    return EdgeReportData(
        title=title,
        subtitle=f"{counted(market.num_nodes, 'node')} with capacities and prices, "
        f"{counted(market.num_users, 'user')} with budgets: what everybody gets where "
        f"{aim.told} is greatest.",
        status=solution.status.label.replace("_", " "),
        advice=solution.status.advice,
        money=money,
        unit=unit,
        facts=_facts(market, solution, aim),
        aim=aim.told,
        worth=aim.worth,
        resources=tuple(
            replace(
                record,
                nodes=record.nodes[:: spacing(record.num_nodes)],
                story=story(record, money, unit, aim.worth),
            )
            for record in records
        ),
        certificate=certificate_records(solution.certificate, SHARE_OF),
    )


def _check_is_of(market: Market, solution: EdgeSolution, aim: Aim) -> None:
    """What the report says is true of these utilities and this welfare alone."""
    value = solution.value
    amount = on_edges(market, value.allocation)[0]
    utility = aim.utility.value(market.weight, amount)
    if not np.allclose(utility, value.utility, rtol=SAME, atol=0.0):
        raise DomainError(
            "solution",
            expected=f"an answer of {aim.family} utilities",
            got="of others",
        )
    taking_part = users_taking_part(market, aim.utility, drop_degenerate=True)
    if not utility[taking_part].all():
        return  # a user of nothing, who says nothing of the welfare
    welfare = aim.fairness.of(taking_part).welfare(utility[taking_part])
    size = float(np.abs(welfare).sum()) + len(welfare)
    if abs(float(welfare.sum()) - solution.certificate.objective) > SAME * size:
        raise DomainError(
            "solution",
            expected=f"an answer for {aim.told}",
            got="for another welfare",
        )


def _facts(
    market: Market, solution: EdgeSolution, aim: Aim
) -> tuple[tuple[str, str], ...]:
    proof, value = solution.certificate, solution.value
    reach = market.num_edges / max(market.num_users, 1)
    return (
        (aim.noun, f"{significant(proof.objective, 6)}{aim.unit}"),
        ("gap per user", f"{significant(proof.gap_per_user, 2)} nat"),
        ("capacity sold", shown_percent(used(value.load, market.capacity))),
        ("money spent", shown_percent(used(value.spend, market.budget))),
        ("nodes", str(market.num_nodes)),
        ("users", str(market.num_users)),
        ("nodes in reach of a user", significant(reach, 3)),
    )


@dataclass(frozen=True, eq=False)
class _Others:
    """What the optimum is compared with, where it is defined."""

    equal: Outcome | None
    printed: PublishedAllocation | None
    printed_refused: str

    @property
    def cut(self) -> Outcome | None:
        return None if self.printed is None else self.printed.scaled


def _resource(
    name: str, market: Market, solution: EdgeSolution, aim: Aim
) -> ResourceRecord:
    taking_part = users_taking_part(market, aim.utility, drop_degenerate=True)
    if not taking_part.any():
        raise DomainError(
            f"resource {name}", expected="a user who can get something", got="none"
        )
    outcome = solution.value
    others = _others(market, solution, aim)
    due = aim.virtual_money(outcome.utility)
    mean_due = float(due[taking_part].mean())
    rent = _parts(virtual_money(market, outcome), due)
    scarcity = _scarcity(market, outcome, mean_due)
    limit = np.array(rent.limited_by)[taking_part]
    share = _budget_share(rent)[taking_part]
    rows = np.flatnonzero(taking_part)
    return ResourceRecord(
        resource=name,
        num_nodes=market.num_nodes,
        num_users=len(rows),
        num_edges=market.num_edges,
        nodes=node_records(market, outcome, mean_due),
        users=user_records(market, outcome, rows, rent, others.equal, others.cut),
        limited=tuple((kind, int((limit == kind).sum())) for kind in KINDS),
        budget_share=tuple(float(x) for x in np.quantile(share, _SHARES)),
        congestion_rent=float(1.0 - share.mean()),
        budget_correlation=rank_correlation(
            outcome.utility[taking_part], market.budget[taking_part]
        ),
        price_correlation=rank_correlation(market.price, scarcity),
        sharings=_sharings(market, outcome, others, taking_part),
        printed=_printed(others.printed, outcome.utility, taking_part),
        printed_refused=others.printed_refused,
        story=(),
    )


_SHARES = np.linspace(0.0, 1.0, 201)


def _others(market: Market, solution: EdgeSolution, aim: Aim) -> _Others:
    try:
        equal = equal_split(market)
        amount = on_edges(market, equal.allocation)[0]
        equal = replace(equal, utility=aim.utility.value(market.weight, amount))
    except DomainError:
        equal = None
    if not aim.is_printed:
        return _Others(equal, None, "it is for linear utilities and their logarithms")
    try:
        return _Others(equal, published_allocation(market, best=solution), "")
    except DomainError as error:
        return _Others(equal, None, str(error))


def _sharings(
    market: Market, outcome: Outcome, others: _Others, taking_part: Bools
) -> tuple[SharingRecord, ...]:
    reached = {"optimum": outcome, "equal_split": others.equal, "printed": others.cut}
    return tuple(
        sharing_record(market, name, one, taking_part, outcome.utility[taking_part])
        for name, one in reached.items()
        if one is not None
    )


def _scarcity(market: Market, outcome: Outcome, money: float) -> Floats:
    """Shadow prices, without the rounding of nodes that are not sold out [M]."""
    full = sold_out(market, outcome, money)
    return np.where(full, outcome.capacity_shadow_price, 0.0)


def _parts(rent: VirtualMoney, due: Floats) -> VirtualMoney:
    """The rents as parts of what they add up to at an optimum."""
    return VirtualMoney(rent.budget_rent / due, rent.congestion_rent / due)


def _budget_share(rent: VirtualMoney) -> Floats:
    """Part of each user's virtual money that is budget rent [N]."""
    total = rent.budget_rent + rent.congestion_rent
    return rent.budget_rent / np.where(total > 0.0, total, 1.0)


def _printed(
    printed: PublishedAllocation | None, optimum: Floats, taking_part: Bools
) -> PrintedRecord | None:
    if printed is None:
        return None
    reached = printed.scaled.utility[taking_part]
    return PrintedRecord(
        branch=printed.branch[0],
        advantage=printed.advantage[0],
        capacity_violation=printed.capacity_violation,
        budget_violation=printed.budget_violation,
        loss_per_user=printed.loss_per_user,
        utility_share=printed.utility_share,
        worse=float((reached < optimum[taking_part] * (1.0 - 1e-6)).mean()),
    )
