"""What an allocation is meant to make great, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stackelberg.edge import Fairness, Utility
from stackelberg.edge.market import Floats


@dataclass(frozen=True, eq=False)
class Aim:
    """Utilities and the welfare that was maximised.

    Attributes:
        utility: of every user.
        fairness: of all together.
    """

    utility: Utility
    fairness: Fairness

    @property
    def is_printed(self) -> bool:
        """Whether this is Problem 1, which the printed formula is for."""
        return self.utility.family == "linear" and self.fairness.is_plain

    @property
    def family(self) -> str:
        """Of the utilities, e.g. ``CES(0.5)``."""
        if self.utility.elasticity is not None:
            return f"CES({self.utility.elasticity:g})"
        names = {"cobb_douglas": "Cobb-Douglas", "leontief": "Leontief"}
        return names.get(self.utility.family, self.utility.family)

    @property
    def noun(self) -> str:
        """What the objective is called."""
        return "sum of log utilities" if self.fairness.is_plain else "welfare"

    @property
    def told(self) -> str:
        """What is greatest at the answer."""
        of = "" if self.utility.family == "linear" else f" ({self.family})"
        if self.fairness.is_plain:
            return f"the sum of log utilities{of}"
        return f"the welfare of fairness {self.fairness.alpha:g}{of}"

    @property
    def worth(self) -> str:
        """What shadow prices are counted in."""
        return "nat" if self.fairness.is_plain else "welfare"

    @property
    def unit(self) -> str:
        """Of the objective, with a blank before it."""
        return " nat" if self.fairness.is_plain else ""

    def virtual_money(self, utility: Floats) -> Floats:
        """What each user's rents add up to at an optimum [N]; 1 where that says
        nothing.
        """
        due = self.fairness.virtual_money(utility)
        return np.where((due > 0.0) & np.isfinite(due), due, 1.0)
