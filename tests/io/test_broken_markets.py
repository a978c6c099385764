"""Every wrong market is refused by its class and one exact line."""

from __future__ import annotations

from pathlib import Path

import pytest
from edge.broken_markets import GOOD, UNREADABLE, UNSOLVABLE, Broken, write_broken

from stackelberg.edge import allocate
from stackelberg.errors import ConfigError, InputError
from stackelberg.io import read_market


def names(cases: list[Broken]) -> list[str]:
    return [case.name for case in cases]


def test_there_are_enough_cases_and_each_is_another() -> None:
    every = names(UNREADABLE + UNSOLVABLE)
    assert len(every) == len(set(every)) >= 100


def test_the_market_that_they_break_is_good(tmp_path: Path) -> None:
    good = Broken("good", {}, InputError, "")
    market = read_market(write_broken(tmp_path, good))
    assert (market.num_users, market.num_nodes, market.num_edges) == (2, 2, 3)
    assert allocate(market).status.label == "converged"
    assert len(GOOD) == 3


@pytest.mark.parametrize("case", UNREADABLE, ids=names(UNREADABLE))
def test_what_cannot_be_read_is_told_exactly(tmp_path: Path, case: Broken) -> None:
    folder = write_broken(tmp_path, case)
    with pytest.raises(InputError) as caught:
        read_market(folder)
    between = "" if case.line.startswith(":") else "/"
    assert str(caught.value) == f"{folder}{between}{case.line}"
    assert type(caught.value) is case.kind


@pytest.mark.parametrize("case", UNSOLVABLE, ids=names(UNSOLVABLE))
def test_what_cannot_be_solved_names_the_users(tmp_path: Path, case: Broken) -> None:
    market = read_market(write_broken(tmp_path, case))
    with pytest.raises(InputError) as caught:
        allocate(market)
    assert str(caught.value) == case.line
    assert type(caught.value) is case.kind


def test_a_table_of_each_kind_is_one_too_many(tmp_path: Path) -> None:
    write_broken(tmp_path, Broken("good", {}, InputError, ""))
    (tmp_path / "users.parquet").write_bytes(b"")
    with pytest.raises(ConfigError) as caught:
        read_market(tmp_path)
    wanted = "expected one of users.csv and users.parquet, got both"
    assert str(caught.value) == f"{tmp_path}: {wanted}"
