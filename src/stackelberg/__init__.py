"""Price scarce network resources by Stackelberg games: solve, certify, learn.

    import stackelberg as sb

    scenario = sb.spectrum.generate(seed=0, num_channels=5, num_pairs=10)
    solution = sb.spectrum.solve(scenario)
    print(solution.value.reuse_price, solution.certificate)

Sub-packages load when first used; importing this package alone loads no solver.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackelberg import (
        edge,
        envs,
        errors,
        game,
        io,
        learning,
        report,
        spectrum,
        study,
        units,
    )

__version__ = "0.1.0"

__all__ = [
    "edge",
    "envs",
    "errors",
    "game",
    "io",
    "learning",
    "report",
    "spectrum",
    "study",
    "units",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"stackelberg.{name}")
    raise AttributeError(f"module 'stackelberg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
