"""Random markets, and demand that moves from step to step."""

from stackelberg.edge.generators.city import HEAVY_SPREAD, Terms, from_positions
from stackelberg.edge.generators.demand import drifting_budgets, markets_over_time
from stackelberg.edge.generators.generate import generate

__all__ = [
    "HEAVY_SPREAD",
    "Terms",
    "drifting_budgets",
    "from_positions",
    "generate",
    "markets_over_time",
]
