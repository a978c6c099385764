"""What users make of their purchases, and what that is worth together, as options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.errors import ConfigError, DomainError, InputError, suggestion

if TYPE_CHECKING:
    from stackelberg.edge import Fairness, Utility

FAMILIES = ("linear", "cobb-douglas", "ces:SIGMA", "leontief")

UtilityText = Annotated[
    str,
    typer.Option(
        "--utility",
        metavar="|".join(FAMILIES),
        help="Of every user, with the market's weights; SIGMA > 0 is the elasticity of "
        "substitution.",
    ),
]

Alpha = Annotated[
    float,
    typer.Option(
        "--fairness",
        metavar="ALPHA",
        help="Aversion to inequality, > 0. 1 is the sum of log utilities; greater "
        "values care more for whoever has least.",
    ),
]

UtilityAsStated = Annotated[
    str | None,
    typer.Option(
        "--utility",
        metavar="|".join(FAMILIES),
        help="Of every user; by default as the solution says, else linear.",
    ),
]

AlphaAsStated = Annotated[
    float | None,
    typer.Option(
        "--fairness",
        metavar="ALPHA",
        help="Aversion to inequality; by default as the solution says, else 1.",
    ),
]


@dataclass(frozen=True, eq=False)
class Welfare:
    """Utility and fairness, and how they are written.

    Attributes:
        text: of the utility, as on the command line.
        utility: of every user.
        fairness: of all together.
    """

    text: str
    utility: Utility
    fairness: Fairness

    @property
    def record(self) -> dict[str, Any]:
        """For JSON and for the solution's file; `stated_welfare` reads it."""
        return {"utility": self.text, "fairness": self.fairness.alpha}

    @property
    def is_log(self) -> bool:
        """Whether the objective is the sum of log utilities, in nats."""
        return self.fairness.is_plain

    @property
    def noun(self) -> str:
        """What the objective is called."""
        return "sum of log utilities" if self.is_log else "welfare"

    @property
    def unit(self) -> str:
        """Of the objective, with a blank before it."""
        return " nat" if self.is_log else ""

    @property
    def options(self) -> dict[str, Any]:
        """For functions of the library."""
        return {"utility": self.utility, "fairness": self.fairness}

    def same_as(self, other: Welfare) -> bool:
        """Whether both say the same."""
        return self.record == other.record


def asked_welfare(text: str, alpha: float) -> Welfare:
    """What ``--utility`` and ``--fairness`` say.

    Raises:
        ConfigError, DomainError: naming the option.
    """
    from stackelberg.edge import Fairness, Utility

    family, colon, sigma = text.partition(":")
    try:
        elasticity = float(sigma) if colon else None
        known = family in ("linear", "cobb-douglas", "ces", "leontief")
        if not known or (elasticity is None) == (family == "ces"):
            raise ValueError
    except ValueError:
        near = suggestion(family, ("linear", "cobb-douglas", "ces:2", "leontief"))
        raise ConfigError(
            "--utility",
            expected=f"one of {', '.join(FAMILIES)}{near}",
            got=repr(text),
        ) from None
    try:
        name: Any = family.replace("-", "_")
        utility = Utility(name, elasticity)
    except InputError as error:
        raise type(error)(
            "--utility",
            expected=f"SIGMA: {error.expected.replace('cobb_douglas', 'cobb-douglas')}",
            got=error.got,
        ) from None
    try:
        return Welfare(text, utility, Fairness(alpha))
    except DomainError as error:
        raise DomainError(
            "--fairness", expected=error.expected, got=error.got
        ) from None


def stated_welfare(
    stats: Mapping[str, object], text: str | None = None, alpha: float | None = None
) -> Welfare:
    """What the options say, else what a solution's file says, else the usual.

    Raises:
        ConfigError, DomainError: as `asked_welfare`.
    """
    stated: Any = stats.get("fairness")
    if alpha is None:
        alpha = float(stated) if isinstance(stated, (int, float)) else 1.0
    return asked_welfare(text or str(stats.get("utility", "linear")), alpha)
