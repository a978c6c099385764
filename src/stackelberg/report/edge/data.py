"""All that a report of the edge market shows, as plain records: figures and tables
read nothing else.

Amounts are in units of the resource, prices and budgets in the market's money; shadow
prices in welfare (Problem 1: nats of log utility) per unit or per money. Ratios are
linear.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from stackelberg.report.certificate import CertificateRecord


@dataclass(frozen=True)
class NodeRecord:
    """One node at the answer.

    Attributes:
        node: its name.
        capacity: infinite where there is no limit.
        price: of one unit.
        load: what it sells.
        utilisation: load over capacity; None where the capacity is zero or infinite.
        sold_out: whether its capacity is used up.
        shadow_price: welfare that one more unit would add: in Problem 1 nats of the
            sum of log utilities.
        rent: shadow price times capacity: how many average users' worth of virtual
            money the node's scarcity takes.
        revenue: price times load.
        reached_by: users who have it in reach.
        buyers: users who get something there.
        x_m: to the east; None where the market has no positions.
        y_m: to the north.
    """

    node: str
    capacity: float
    price: float
    load: float
    utilisation: float | None
    sold_out: bool
    shadow_price: float
    rent: float
    revenue: float
    reached_by: int
    buyers: int
    x_m: float | None = None
    y_m: float | None = None


@dataclass(frozen=True)
class UserRecord:
    """One user at the answer.

    Attributes:
        user: its name.
        budget: infinite where there is no limit.
        spend: what it pays.
        utility: what it gets.
        budget_rent: part of the user's virtual money that is rent of its budget:
            mu_j B_j in Problem 1.
        congestion_rent: part that is rent of nodes: sum_i lam_i x_ij in Problem 1. At
            the optimum the two add up to 1.
        limited_by: ``budget``, ``capacity`` or ``both``: where the larger part goes.
        nodes: how many it buys from.
        equal_split_utility: where every node is split equally; None where it cannot be.
        printed_utility: by the printed formula, cut to the limits; None likewise.
        x_m: to the east; None where the market has no positions.
        y_m: to the north.
    """

    user: str
    budget: float
    spend: float
    utility: float
    budget_rent: float
    congestion_rent: float
    limited_by: str
    nodes: int
    equal_split_utility: float | None = None
    printed_utility: float | None = None
    x_m: float | None = None
    y_m: float | None = None


@dataclass(frozen=True)
class SharingRecord:
    """How fair one way of sharing is, over all users that count.

    Attributes:
        sharing: a key of `theme.SHARINGS`.
        mean_log_utility: nats.
        loss_per_user: nats that the mean lacks to the optimum's; may be negative where
            another welfare is maximised.
        jain: (sum u)^2 / (N sum u^2); 1 where all utilities are equal, 1/N where one
            user has everything.
        gini: half the mean difference of two users over the mean; 0 where all equal.
        least: smallest utility.
        median: of the utilities.
        greatest: largest utility.
        least_over_greatest: their ratio, the min-max fairness.
        capacity_sold: share of all finite capacity.
        money_spent: share of all finite budgets.
        utility_quantiles: at evenly spaced shares of users from 0 to 1.
        lorenz: share of all utility that the poorest of those shares hold together.
    """

    sharing: str
    mean_log_utility: float
    loss_per_user: float
    jain: float
    gini: float
    least: float
    median: float
    greatest: float
    least_over_greatest: float
    capacity_sold: float
    money_spent: float
    utility_quantiles: tuple[float, ...]
    lorenz: tuple[float, ...]


@dataclass(frozen=True)
class PrintedRecord:
    """What the printed formula (24) does on this market.

    Attributes:
        branch: which of its two branches it prefers, ``budget`` or ``capacity``.
        advantage: I, its reason, in nats.
        capacity_violation: largest excess of a load, relative to the capacity.
        budget_violation: largest excess of a spending, relative to the budget.
        loss_per_user: nats lacking to the optimum after cutting to the limits.
        utility_share: exp(-loss): geometric mean of the utilities over the optimal.
        worse: share of users who get less than at the optimum.
    """

    branch: str
    advantage: float
    capacity_violation: float
    budget_violation: float
    loss_per_user: float
    utility_share: float
    worse: float


@dataclass(frozen=True)
class ResourceRecord:
    """One resource type of the market, shared out by itself.

    Attributes:
        resource: its name.
        num_nodes: node rows.
        num_users: user rows that count: those who can get anything.
        num_edges: pairs of a user and a node in its reach.
        nodes: all, or evenly spaced ones where there are many.
        users: likewise, of those that count.
        limited: users limited by ``budget``, ``both`` and ``capacity``.
        budget_share: part of a user's virtual money that is budget rent, at evenly
            spaced shares of users, ascending.
        congestion_rent: part of all users' virtual money that goes to the nodes.
        budget_correlation: rank correlation of utility and budget; None where one of
            them is the same for all.
        price_correlation: the same of the nodes' price and shadow price.
        sharings: the optimum first, then what it is compared with.
        printed: the printed formula; None where it is not defined.
        printed_refused: why it is not; empty where it is.
        story: what the answer looks like, in sentences.
    """

    resource: str
    num_nodes: int
    num_users: int
    num_edges: int
    nodes: tuple[NodeRecord, ...]
    users: tuple[UserRecord, ...]
    limited: tuple[tuple[str, int], ...]
    budget_share: tuple[float, ...]
    congestion_rent: float
    budget_correlation: float | None
    price_correlation: float | None
    sharings: tuple[SharingRecord, ...]
    printed: PrintedRecord | None
    printed_refused: str
    story: tuple[str, ...]


@dataclass(frozen=True)
class EdgeReportData:
    """One market, its allocation, and what that is compared with.

    Attributes:
        title: of the part or page.
        subtitle: what was solved, in one line.
        status: how the solve ended.
        advice: what that status means.
        money: what prices and budgets are counted in.
        unit: what capacities are counted in.
        facts: names and values of the answer, as text.
        aim: what is greatest at the answer.
        worth: what shadow prices are counted in, ``nat`` or ``welfare``.
        resources: by resource type.
        certificate: of the whole answer.
    """

    title: str
    subtitle: str
    status: str
    advice: str
    money: str
    unit: str
    facts: tuple[tuple[str, str], ...]
    aim: str
    worth: str
    resources: tuple[ResourceRecord, ...]
    certificate: tuple[CertificateRecord, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries and lists, for JSON."""
        return asdict(self)
