"""A CSV file that says where everybody in a cell stands."""

from __future__ import annotations

import math
import os

import numpy as np
import polars as pl

from stackelberg.errors import ConfigError, DomainError, suggestion
from stackelberg.io.published import published_table
from stackelberg.io.tables import Cells
from stackelberg.spectrum.scenario import Floats, Positions

ROLES = ("base_station", "cellular", "pair")

FARTHEST_M = 1e6
"""Greatest coordinate: the flat cell that places are on is no continent."""

_OWN = ("x_m", "y_m")
_RECEIVER = ("receiver_x_m", "receiver_y_m")


def read_places(path: str | os.PathLike[str]) -> Positions:
    """Positions for `spectrum.from_positions`, in the order of the file.

    Columns: `role` (``base_station``, ``cellular`` or ``pair``), `x_m`, `y_m`, and
    `receiver_x_m`, `receiver_y_m`, which pairs alone have: a pair's own place is its
    transmitter's. Channel i belongs to the i-th cellular user. Without a row
    ``base_station`` it stands at the origin. Other columns are left alone.

    Raises:
        ConfigError: the file is unreadable, a column is missing, a role is unknown,
            there are two base stations or no cellular user.
        DomainError: a coordinate is missing, not finite, or given where there is no
            receiver. All messages name the file, the column and the row, counted from 1
            after the header.
    """
    table = published_table(path, ("role", *_OWN, *_RECEIVER), "places")
    roles = [_role(table, row) for row in range(len(table.frame))]
    own = np.stack([_coordinates(table, column) for column in _OWN], axis=1)
    is_pair = np.array([role == "pair" for role in roles], dtype=np.bool_)
    receiver = np.stack(
        [_coordinates(table, column, is_pair) for column in _RECEIVER], axis=1
    )
    of = {role: np.array([r == role for r in roles], dtype=np.bool_) for role in ROLES}
    stations = np.flatnonzero(of["base_station"])
    if len(stations) > 1:
        raise ConfigError(
            f"role, row {stations[1] + 1}",
            expected="one base station",
            got="a second one",
            source=table.path,
        )
    if not of["cellular"].any():
        raise ConfigError(
            "role",
            expected="a row 'cellular' for each channel",
            got="none",
            source=table.path,
        )
    return Positions(
        base_station=own[stations[0]] if len(stations) else np.zeros(2),
        cellular=own[of["cellular"]],
        d2d_transmitter=own[is_pair],
        d2d_receiver=receiver[is_pair],
    )


def _role(table: Cells, row: int) -> str:
    role = (table.frame["role"][row] or "").strip()
    if role not in ROLES:
        expected = ", ".join(ROLES[:-1]) + f" or {ROLES[-1]}"
        raise table.error(ConfigError, "role", row, expected + suggestion(role, ROLES))
    return role


def _coordinates(table: Cells, column: str, wanted: np.ndarray | None = None) -> Floats:
    """The column in m where it is `wanted`, by default everywhere; else it is empty."""
    texts = table.frame[column].str.strip_chars()
    values = texts.cast(pl.Float64, strict=False).fill_null(math.nan).to_numpy()
    for row, text in enumerate(texts.to_list()):
        if wanted is not None and not wanted[row]:
            if text:
                raise table.error(DomainError, column, row, "nothing but for a pair")
            continue
        if not abs(values[row]) <= FARTHEST_M:
            expected = f"a number of m, at most {FARTHEST_M:g} from the origin"
            raise table.error(DomainError, column, row, expected)
    return values
