"""Finds rows of a table by their names, within resource types, a million at a time."""

from __future__ import annotations

import numpy as np
import polars as pl

from stackelberg.edge.market import Ints

_SPREAD = 16
"""Whole numbers are looked up in an array if it has at most so many places per name."""


class RowIndex:
    """The rows of one side of a market, each known by its name and resource type.

    Args:
        names: of each row, whole numbers or text.
        types: resource type of each row, from 0.
    """

    def __init__(self, names: pl.Series, types: Ints) -> None:
        self._names, self._types = names, types
        self._typed = bool(types.any())

    def first_repeated(self) -> int | None:
        """The first row whose name stood before in its type, or None."""
        columns: list[pl.Series | Ints] = [self._names]
        if self._typed:
            columns.append(self._types)
        frame = pl.DataFrame({str(k): column for k, column in enumerate(columns)})
        keys = frame.to_struct() if self._typed else frame["0"]
        again = (~keys.is_first_distinct()).arg_true()
        return int(again[0]) if len(again) else None

    def find(self, names: pl.Series, types: Ints) -> Ints:
        """The row of each name and type, -1 where there is none."""
        if names.dtype.is_integer() and self._names.dtype.is_integer():
            known = self._names.to_numpy()
            least, most = (int(known.min()), int(known.max())) if len(known) else (0, 0)
            width = most - least + 1
            kinds = int(self._types.max(initial=0)) + 1
            if width * kinds <= _SPREAD * max(len(known), 1_000):
                return self._placed(names.to_numpy(), types, least, width, kinds)
        return self._joined(names, types)

    def _placed(
        self, names: Ints, types: Ints, least: int, width: int, kinds: int
    ) -> Ints:
        """By an array with a place for every name and type."""
        places = np.full(width * kinds, -1, dtype=np.int64)
        own = self._names.to_numpy() - least + width * self._types
        places[own] = np.arange(len(own))
        inside = (names >= least) & (names < least + width) & (types < kinds)
        asked = names - least
        if types.any():
            asked += width * types
        if inside.all():
            return places[asked]
        return np.where(inside, places[np.where(inside, asked, 0)], -1)

    def _joined(self, names: pl.Series, types: Ints) -> Ints:
        """By hashing the names."""
        known = self._names
        if names.dtype != known.dtype:
            names, known = names.cast(pl.String), known.cast(pl.String)
        table = pl.DataFrame(
            {"name": known, "type": self._types, "row": np.arange(len(known))}
        )
        keys = ["name", "type"] if self._typed or types.any() else ["name"]
        found = pl.DataFrame({"name": names, "type": types}).join(
            table, on=keys, how="left", maintain_order="left"
        )
        return found["row"].fill_null(-1).to_numpy().astype(np.int64)
