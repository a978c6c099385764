"""What an allocation looks like, in sentences made of the market's own numbers."""

from __future__ import annotations

import math

from stackelberg.report.edge.data import ResourceRecord, SharingRecord
from stackelberg.report.numbers import counted, shown_percent, shown_times, significant

RELATED = 0.5
"""Rank correlation from which price and scarcity are said to go together."""

FEW, MANY = 5, 20
"""Nodes from which something is said of how they rank, and users likewise."""

IDLE = 0.5
"""Utilisation below which a node is called idle."""


def story(record: ResourceRecord, money: str, unit: str, worth: str) -> tuple[str, ...]:
    """Sentences for a reader: scarcity, limits, prices, fairness, what others cost."""
    return (
        scarcity_sentence(record),
        _limited(record),
        *_scarcest(record, money, unit, worth),
        *_prices(record),
        *_idle(record),
        _fairness(record),
        *_equal_split(record),
        *printed_sentences(record),
    )


def scarcity_sentence(record: ResourceRecord) -> str:
    """How many nodes are sold out, how much is sold and how much money is spent."""
    best = _sharing(record, "optimum")
    sold_out = sum(node.sold_out for node in record.nodes)
    return (
        f"{sold_out} of {counted(len(record.nodes), 'node')} "
        f"{'is' if sold_out == 1 else 'are'} sold out; together they sell "
        f"{shown_percent(best.capacity_sold)} of their capacity, and users spend "
        f"{shown_percent(best.money_spent)} of their money."
    )


def printed_sentences(record: ResourceRecord) -> list[str]:
    """What the printed formula does here, or why it does nothing."""
    printed = record.printed
    if printed is None:
        return [
            "The printed formula (24) is not defined on this market: "
            f"{record.printed_refused}."
        ]
    excess = max(printed.capacity_violation, printed.budget_violation)
    if excess > 1e-9:
        kind, whose = (
            ("load", "a node's capacity")
            if printed.capacity_violation >= printed.budget_violation
            else ("spending", "a user's budget")
        )
        asks = (
            f"breaks the limits: {kind} up to {shown_times(1.0 + excess)} times "
            f"{whose}. Cut to the limits it"
        )
    else:
        asks = "keeps every limit here. It"
    return [
        f"The printed formula (24) takes its {printed.branch} branch and {asks} leaves "
        f"users {shown_percent(printed.utility_share, 2)} of the optimal utility in "
        f"the geometric mean; {shown_percent(printed.worse)} of them get less than "
        "at the optimum."
    ]


def _limited(record: ResourceRecord) -> str:
    number = dict(record.limited)
    to_nodes = record.congestion_rent
    return (
        f"What limits the {counted(record.num_users, 'user')}: the budget "
        f"{number['budget']} of them, the capacity in their reach "
        f"{number['capacity']}, both about alike {number['both']}. On average "
        f"{shown_percent(1.0 - to_nodes, 2)} of a user's virtual money is rent of its "
        f"own budget and {shown_percent(to_nodes, 2)} rent of the nodes."
    )


def _scarcest(record: ResourceRecord, money: str, unit: str, worth: str) -> list[str]:
    scarce = [node for node in record.nodes if node.sold_out]
    if not scarce or record.num_nodes < FEW:
        return []
    node = max(scarce, key=lambda node: node.shadow_price)
    what = "nat of log utility" if worth == "nat" else "of welfare"
    dearer = sum(other.price > node.price for other in record.nodes)
    return [
        f"The scarcest node is {node.node}: a {unit} more there is worth "
        f"{significant(node.shadow_price, 3)} {what} at the margin, and "
        f"it alone is {shown_percent(node.rent / max(record.num_users, 1), 2)} of what "
        f"limits all users together. It charges {significant(node.price, 3)}"
        f"{'' if money == 'money' else f' {money}'} a {unit}, and {dearer} of "
        f"{counted(len(record.nodes), 'node')} {'charges' if dearer == 1 else 'charge'}"
        " more."
    ]


def _prices(record: ResourceRecord) -> list[str]:
    correlation = record.price_correlation
    if correlation is None or record.num_nodes < FEW:
        return []
    told = (
        "dear nodes are the scarce ones"
        if correlation >= RELATED
        else "cheap nodes are the scarce ones"
        if correlation <= -RELATED
        else "prices hardly tell what is scarce"
    )
    return [
        f"Over the nodes, the rank correlation of price and shadow price is "
        f"{correlation:.2f}: {told}."
    ]


def _idle(record: ResourceRecord) -> list[str]:
    idle = [
        (node.utilisation, node)
        for node in record.nodes
        if node.utilisation is not None and node.utilisation < IDLE
    ]
    if not idle:
        return []
    used, node = min(idle, key=lambda pair: pair[0])
    why = (
        "all who reach it have spent their money"
        if node.reached_by
        else "nobody reaches it"
    )
    return [
        f"{counted(len(idle), 'node sells', 'nodes sell')} less than half of what they "
        f"have; the least used is {node.node} with {shown_percent(used, 2)}: {why}."
    ]


def _fairness(record: ResourceRecord) -> str:
    best = _sharing(record, "optimum")
    indices = f"Jain's index is {best.jain:.2f}, Gini's {best.gini:.2f}."
    if record.num_users < MANY:
        return indices
    poorest, richest = best.lorenz[50], 1.0 - best.lorenz[90]
    return (
        f"The poorer half of the users holds {shown_percent(poorest, 2)} of all "
        f"utility, the richest tenth {shown_percent(richest, 2)}; {indices}"
        f"{_follows_money(record)}"
    )


def _follows_money(record: ResourceRecord) -> str:
    correlation = record.budget_correlation
    if correlation is None:
        return ""
    told = ": utility follows money" if correlation >= RELATED else ""
    return f" The rank correlation of utility and budget is {correlation:.2f}{told}."


def _equal_split(record: ResourceRecord) -> list[str]:
    if not any(s.sharing == "equal_split" for s in record.sharings):
        return []
    equal = _sharing(record, "equal_split")
    return [
        "Splitting every node equally among those in reach would leave users "
        f"{shown_percent(math.exp(-equal.loss_per_user), 2)} of the optimal utility in "
        "the geometric mean, and sell "
        f"{shown_percent(equal.capacity_sold, 2)} of the capacity."
    ]


def _sharing(record: ResourceRecord, name: str) -> SharingRecord:
    return next(s for s in record.sharings if s.sharing == name)
