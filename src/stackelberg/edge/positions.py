"""Where nodes and users stand; pictures need it, the allocation does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError, ShapeError


@dataclass(frozen=True, eq=False)
class Positions:
    """Where every node row and user row stands, in metres.

    Attributes:
        nodes: [M, 2], to the east and to the north.
        users: [N, 2].
    """

    nodes: npt.NDArray[np.float64]
    users: npt.NDArray[np.float64]

    def part(self, users: Any, nodes: Any) -> Positions:
        """Those of some user rows and node rows, given as slices or numbers."""
        return Positions(nodes=self.nodes[nodes], users=self.users[users])


def checked_positions(positions: object, num_nodes: int, num_users: int) -> Positions:
    """`positions` as read-only float64 arrays of finite metres.

    Raises:
        ConfigError: if it is not a `Positions` or an entry is not a number.
        ShapeError: if a length does not fit.
        DomainError: if a coordinate is not finite.
    """
    if not isinstance(positions, Positions):
        raise ConfigError(
            "positions_m", expected="Positions(nodes, users)", got=repr(positions)[:60]
        )
    return Positions(
        nodes=_places("positions_m.nodes", positions.nodes, num_nodes),
        users=_places("positions_m.users", positions.users, num_users),
    )


def side_by_side(parts: Sequence[Positions | None]) -> Positions | None:
    """The rows of all parts; None unless every part has positions."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Positions(
        nodes=np.concatenate([part.nodes for part in known]),
        users=np.concatenate([part.users for part in known]),
    )


def _places(name: str, values: object, count: int) -> npt.NDArray[np.float64]:
    try:
        places = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(
            name, expected="metres, east and north", got=repr(values)[:60]
        ) from None
    if places.size == 0 and count == 0:
        places = places.reshape(0, 2)
    if places.shape != (count, 2):
        raise ShapeError(
            name, expected=f"shape [{count}, 2]", got=f"shape {list(places.shape)}"
        )
    wrong = np.argwhere(~np.isfinite(places))
    if len(wrong):
        row, axis = wrong[0]
        raise DomainError(
            f"{name}[{row}, {axis}]",
            expected="a finite number of metres",
            got=float(places[row, axis]),
        )
    places.flags.writeable = False
    return places
