"""Names of users and nodes, as people give them on a command line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from stackelberg.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from stackelberg.edge import Market

Who = Literal["user", "node"]

FEW = 5_000
"""Up to so many names the nearest one is looked for."""

ALIKE = 0.75
"""Likeness of the letters of two names from which one may be meant for the other."""

SHOWN = 3
"""Names shown as examples."""


def rows_named(
    market: Market, who: Who, name: str, resource: str | None
) -> Sequence[int]:
    """The rows of a user or node: one per resource type, or the one asked for.

    Raises:
        ConfigError: there is no such name or type; the message suggests a name that
            differs in letters alone, and says which names there are.
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
        of_type = types[found] == known.index(resource)
        if len(found) and not of_type.any():
            sold = sorted({known[kind] for kind in types[found]})
            raise ConfigError(
                "--resource",
                expected=f"{' or '.join(sold)}, which is all that {who} {name} has",
                got=repr(resource),
            )
        found = found[of_type]
    if len(found) == 0:
        raise ConfigError(
            f"--{who}", expected=_known(who, names.tolist(), name), got=repr(name)
        )
    return found.tolist()


def _known(who: Who, rows: list[str | int], name: str) -> str:
    """Which names there are, and the one that `name` may be meant for."""
    names = list(dict.fromkeys(rows))
    if not names:
        return f"a {who} of the market, which has none"
    near = nearest(name, [str(one) for one in names]) if len(names) <= FEW else None
    meant = "" if near is None else f" (did you mean {near!r}?)"
    of = "" if len(names) == 1 else "one of "
    return f"{of}the market's {_which(who, names)}{meant}"


def _which(who: Who, names: list[str | int]) -> str:
    whole = [one for one in names if isinstance(one, int)]
    many = f"{len(names):,} {who}s" if len(names) > 1 else f"one {who}"
    if len(names) == 1:
        return f"{many}, {names[0]}"
    if len(whole) == len(names):
        least, most = min(whole), max(whole)
        gaps = most - least + 1 > len(names)
        return f"{many}, {least} to {most}{' with gaps' if gaps else ''}"
    some = ", ".join(str(one) for one in names[:SHOWN])
    return f"{many}: {some}{', ...' if len(names) > SHOWN else ''}"


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that differs from `name` in letters or spaces alone; None if there
    is none. Another number is another thing: 9 is never meant by 99, u4 never by u42.
    """
    wanted = _parts(name)
    best: tuple[float, str] | None = None
    for one in known:
        letters, numbers = _parts(one)
        if numbers != wanted[1]:
            continue
        alike = difflib.SequenceMatcher(None, wanted[0], letters).ratio()
        if alike >= ALIKE and (best is None or alike > best[0]):
            best = alike, one
    return None if best is None else best[1]


def _parts(name: str) -> tuple[str, tuple[str, ...]]:
    """Letters, without case and spaces, and numbers without zeros before them."""
    numbers = tuple(one.lstrip("0") for one in re.findall(r"[0-9]+", name))
    return re.sub(r"[0-9]+", "0", "".join(name.casefold().split())), numbers
