"""A fingerprint of a market's content, and where a solution says its market lies."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from stackelberg.edge.market import Market, Names
from stackelberg.io.tables import whole_numbers

DIGEST = "sha256"


@dataclass(frozen=True)
class MarketReference:
    """Which market a solution is of.

    Attributes:
        digest: of the market's content, as `market_digest` makes it.
        folder: where it was read from, relative to the solution's folder; None where
            it was not a folder.
    """

    digest: str
    folder: str | None = None

    def path_from(self, solution_folder: str | os.PathLike[str]) -> str | None:
        """Where the market should lie, if the folder is known."""
        if self.folder is None:
            return None
        return os.path.normpath(os.path.join(solution_folder, self.folder))


def market_reference(
    market: Market,
    market_folder: str | os.PathLike[str] | None,
    solution_folder: str | os.PathLike[str],
) -> MarketReference:
    """What to write into the solution of a market."""
    folder = None
    if market_folder is not None:
        try:
            folder = os.path.relpath(market_folder, solution_folder)
        except ValueError:  # on another drive
            folder = os.path.abspath(market_folder)
        folder = folder.replace(os.sep, "/")
    return MarketReference(digest=market_digest(market), folder=folder)


def market_digest(market: Market) -> str:
    """Fingerprint of what Problem 1 sees of a market: names, numbers, reach.

    The same for CSV and Parquet, on every machine. Costs and places do not count.

    Returns:
        ``sha256:`` and 64 hexadecimal digits.
    """
    made = hashlib.new(DIGEST)
    for numbers in (market.price, market.capacity, market.budget, market.weight.data):
        _add(made, (numbers + 0.0).astype("<f8"))  # -0.0 is 0.0
    for whole in (
        market.weight.indptr, market.weight.indices, market.node_type, market.user_type,
    ):  # fmt: skip
        _add(made, whole.astype("<i8"))
    for names in (market.nodes, market.users, np.array(market.resources)):
        _add_names(made, names)
    return f"{DIGEST}:{made.hexdigest()}"


def _add(made: Any, values: npt.NDArray[Any]) -> None:
    made.update(len(values).to_bytes(8, "little"))
    made.update(np.ascontiguousarray(values))


def _add_names(made: Any, names: Names) -> None:
    if names.dtype.kind in "iu":
        _add(made, names.astype("<i8"))
        return
    numbers = whole_numbers(pl.Series(names, dtype=pl.String))
    if numbers is not None:  # CSV cannot tell them from text
        _add(made, numbers.to_numpy().astype("<i8"))
        return
    encoded = [str(name).encode() for name in names.tolist()]
    _add(made, np.array([len(name) for name in encoded], dtype="<i8"))
    _add(made, np.frombuffer(b"".join(encoded), dtype=np.uint8))
