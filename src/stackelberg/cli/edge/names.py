"""Names of users and nodes, as people give them on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from stackelberg.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from stackelberg.edge import Market

Who = Literal["user", "node"]

FEW = 5_000
"""Up to so many names the nearest one is looked for."""


def rows_named(
    market: Market, who: Who, name: str, resource: str | None
) -> Sequence[int]:
    """The rows of a user or node: one per resource type, or the one asked for.

    Raises:
        ConfigError: there is no such name or type; the message suggests one.
    """
    import numpy as np

    names = market.users if who == "user" else market.nodes
    types = market.user_type if who == "user" else market.node_type
    found = np.flatnonzero(names.astype(np.str_) == name)
    if resource is not None:
        known = [str(one) for one in market.resources]
        if resource not in known:
            raise ConfigError(
                "--resource",
                expected=f"one of {', '.join(known)}{suggestion(resource, known)}",
                got=repr(resource),
            )
        found = found[types[found] == known.index(resource)]
    if len(found) == 0:
        near = "" if len(names) > FEW else suggestion(name, map(str, names.tolist()))
        of_type = "" if resource is None else f" for {resource}"
        raise ConfigError(
            f"--{who}",
            expected=f"one of the market's {len(names)} {who} rows{of_type}, such as "
            f"{names[0]}{near}"
            if len(names)
            else f"a {who} of the market, which has none",
            got=repr(name),
        )
    return found.tolist()
