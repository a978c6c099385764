"""What a method's run is measured by, and what the measures are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel

from stackelberg.study.plan import Kind

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Measured:
    """The numbers of one cell.

    Attributes:
        metrics: by name; None where the method has no such number.
        series: lists of numbers for figures, by name.
        seconds: of processor time, by name; kept apart from the result, because no two
            runs agree on them.
    """

    metrics: Mapping[str, float | None]
    series: Mapping[str, list[float | None]] = field(
        default_factory=dict[str, "list[float | None]"]
    )
    seconds: Mapping[str, list[float]] = field(default_factory=dict[str, list[float]])


@dataclass(frozen=True)
class Method:
    """A way to play the problems of one kind.

    Attributes:
        name: in the registry.
        kind: of problems.
        settings: record of what can be set.
        run: problem, seed and settings to numbers.
        rooms: of the package that its numbers depend on.
    """

    name: str
    kind: Kind
    settings: type[BaseModel]
    run: Callable[[Any, int, Mapping[str, Any]], Measured]
    rooms: tuple[str, ...]


@dataclass(frozen=True)
class Metric:
    """A number that cells have.

    Attributes:
        label: for readers.
        unit: of the value; empty for a pure number.
        better: which way is better; None where neither is.
        meaning: in a sentence.
    """

    label: str
    unit: str
    better: Better | None
    meaning: str


METRICS: dict[str, Metric] = {
    "leader_utility_bps": Metric(
        "leader utility", "bit/s", "higher",
        "cellular rates and weighted payments of the base station",
    ),
    "average_utility_bps": Metric(
        "average utility", "bit/s", "higher",
        "mean over the base station and all pairs",
    ),
    "channel_capacity_bps": Metric(
        "channel capacity", "bit/s", "higher",
        "sum of all rates, cellular and D2D",
    ),
    "d2d_rate_bps": Metric("D2D rate", "bit/s", "higher", "sum of the pairs' rates"),
    "cellular_rate_lost": Metric(
        "cellular rate lost", "", "lower",
        "share of the cellular rate without reuse that reuse costs",
    ),
    "gain": Metric(
        "gain", "", "higher",
        "(leader utility - that of silent pairs) / (the equilibrium's - that)",
    ),
    "re_equilibrated_gain": Metric(
        "re-equilibrated gain", "", "higher",
        "the same once the pairs answer the prices with their equilibrium",
    ),
    "follower_regret": Metric(
        "follower regret", "", "lower",
        "most that any pair gains by another power, as a share of its rate",
    ),
    "price_regret": Metric(
        "price regret", "", None,
        "most that one price gains while the others' powers stay put",
    ),
    "bilevel_gap": Metric(
        "bilevel gap", "", "lower",
        "distance to a proved bound on the leader's utility, as a share of it",
    ),
    "users_below_5_db": Metric(
        "users below 5 dB", "", "lower", "cellular users, by SINR at the base station"
    ),
    "leader_regret": Metric(
        "leader regret", "", "lower",
        "share of the equilibrium's utility that the prices miss once pairs answer",
    ),
    "follower_utility_bps": Metric(
        "follower utility", "bit/s", "higher", "mean of a pair's utility"
    ),
    "follower_reward_bps": Metric(
        "follower reward", "bit/s", "higher",
        "the same with queues: data that got through, less the loss of what expired",
    ),
    "cellular_outage": Metric(
        "cellular outage", "", "lower", "share of cellular users below 5 dB"
    ),
    "deadline_misses": Metric(
        "deadline misses", "", "lower", "share of the data that expired"
    ),
    "equilibrium_found": Metric(
        "equilibria found", "", None, "share of slots whose equilibrium was found"
    ),
    "utility_share": Metric(
        "utility share", "", "higher",
        "geometric mean of the users' utilities over those of the optimum",
    ),
    "least_utility_share": Metric(
        "least utility share", "", "higher", "the same of the user who has least of it"
    ),
    "revenue": Metric("revenue", "money", "higher", "price times load of all nodes"),
    "money_spent": Metric("money spent", "", None, "share of all budgets"),
    "capacity_sold": Metric("capacity sold", "", None, "share of all capacity"),
    "gap_per_user": Metric(
        "gap per user", "nat", "lower",
        "proved: log utility that a user may lack on average at these prices",
    ),
    "violation": Metric(
        "violation", "", "lower",
        "largest excess over a capacity or budget before amounts were cut",
    ),
    "price_regret_node": Metric(
        "node's price regret", "", "lower",
        "proved: most that a node gains by another price, as a share of its best",
    ),
    "converged": Metric("converged", "", "higher", "1 if the solver says so, else 0"),
}  # fmt: skip
"""Every metric of the library's methods by name."""


TOLD_FIRST: Mapping[Kind, tuple[str, ...]] = {
    "spectrum": (
        "leader_utility_bps", "bilevel_gap", "follower_regret", "users_below_5_db",
    ),
    "environment": (
        "re_equilibrated_gain", "follower_regret", "gain", "leader_utility_bps",
    ),
    "edge": ("utility_share", "least_utility_share", "revenue", "violation"),
}  # fmt: skip
"""What a plan that names no metrics is about: never what bad pricing is good at."""


OTHER_SIZE = re.compile(r"(gain|re_equilibrated_gain)_at_(\d+)_pairs")
"""A metric of a policy with another number of pairs than it learned with."""


def metric(name: str) -> Metric:
    """The metric of this name; one that only a user's method knows has no direction."""
    other = OTHER_SIZE.fullmatch(name)
    if other is not None:
        base = METRICS[other.group(1)]
        size = f"with {other.group(2)} pairs, without learning again"
        return replace(
            base,
            label=f"{base.label} at {other.group(2)} pairs",
            meaning=f"{base.meaning}, {size}",
        )
    return METRICS.get(name, Metric(name.replace("_", " "), "", None, ""))
