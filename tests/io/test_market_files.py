"""Markets and their solutions as folders of tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from stackelberg.edge import Market, Positions, generate
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.io import market_digest, read_market, write_market

NODES = "node,capacity,price\nn1,4,1.5\nn2,inf,2\n"
USERS = "user,budget\n7,3\n9,2.5\n"
REACH = "user,node,weight\n7,n1,1\n9,n2,2\n9,n1,0.5\n"


def folder_of(path: Path, **changes: str) -> Path:
    texts = {"nodes": NODES, "users": USERS, "reach": REACH, **changes}
    for name, text in texts.items():
        (path / f"{name}.csv").write_text(text)
    return path


def same(one: Market, other: Market) -> bool:
    fields = ("price", "capacity", "budget", "nodes", "users", "node_type", "user_type")
    fields += ("cost",)
    here, there = one.positions_m, other.positions_m
    if here is None or there is None:
        assert here is there
    else:
        assert np.array_equal(here.nodes, there.nodes)
        assert np.array_equal(here.users, there.users)
    return (
        all(np.array_equal(getattr(one, f), getattr(other, f)) for f in fields)
        and one.resources == other.resources
        and np.array_equal(one.weight.data, other.weight.data)
        and np.array_equal(one.weight.indices, other.weight.indices)
        and np.array_equal(one.weight.indptr, other.weight.indptr)
    )


def test_a_small_market_is_read(tmp_path: Path) -> None:
    market = read_market(folder_of(tmp_path))
    assert market.nodes.tolist() == ["n1", "n2"]
    assert market.users.tolist() == [7, 9]
    assert market.capacity.tolist() == [4.0, math.inf]
    assert market.weight.toarray().tolist() == [[1.0, 0.0], [0.5, 2.0]]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_writing_and_reading_keeps_every_bit(tmp_path: Path, kind: Any) -> None:
    one = generate(seed=1, num_users=30, num_nodes=6)
    write_market(one, tmp_path, kind=kind)
    assert same(read_market(tmp_path), one)
    named = Market.from_arrays(
        [0.1, 1e-300], [math.inf, 1 / 3], [2.0], [[1e300, 5e-324]],
        nodes=["a,b", 'say "x"'], users=["07"],
    )  # fmt: skip
    both = Market.side_by_side({"cpu": named, "gpu": one})
    write_market(both, tmp_path / "both", kind=kind)
    back = read_market(tmp_path / "both")
    assert same(back, both)
    assert back.nodes[1] == 'say "x"'


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_costs_and_places_are_kept(tmp_path: Path, kind: Any) -> None:
    places = Positions(nodes=np.array([[0.1, -2.0]]), users=np.array([[1e-3, 3e5]]))
    one = Market.from_arrays(
        [1.0], [2.0], [3.0], [[4.0]], cost=[0.7], positions_m=places
    )
    both = Market.side_by_side({"gpu": one, "cpu": one})
    write_market(both, tmp_path, kind=kind)
    assert same(read_market(tmp_path), both)


def test_places_of_one_side_alone_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, users="user,budget,x_m,y_m\n7,3,0,0\n9,2.5,0,1\n")
    with pytest.raises(ConfigError, match=r"nodes.csv: column x_m: expected x_m and"):
        read_market(tmp_path)


def test_one_kind_replaces_the_other(tmp_path: Path) -> None:
    market = generate(seed=1, num_users=5, num_nodes=3)
    write_market(market, tmp_path, kind="csv")
    write_market(market, tmp_path, kind="parquet")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["nodes.parquet", "reach.parquet", "users.parquet"]


def test_rows_of_types_may_come_in_any_order(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        nodes="node,resource,capacity,price\nn1,cpu,4,1\nn1,gpu,2,3\nn2,cpu,1,1\n",
        users="user,resource,budget\na,gpu,1\na,cpu,2\n",
        reach="user,node,resource,weight\na,n1,gpu,5\na,n2,cpu,6\n",
    )
    market = read_market(folder)
    assert market.resources == ("cpu", "gpu")
    assert market.capacity.tolist() == [4.0, 1.0, 2.0]
    assert market.budget.tolist() == [2.0, 1.0]
    assert market.weight.toarray().tolist() == [[0.0, 6.0, 0.0], [0.0, 0.0, 5.0]]


BAD: list[tuple[dict[str, str], type[InputError], str]] = [
    ({"nodes": "node,capacity,price\nn1,4,-1\nn2,1,2\n"}, DomainError,
     r"nodes\.csv: price, row 1: expected a finite number >= 0, got '-1'"),
    ({"nodes": "node,capacity,price\nn1,4,1\nn2,x,2\n"}, DomainError,
     r"nodes\.csv: capacity, row 2: expected a number >= 0, got 'x'"),
    ({"nodes": "node,capacity,price\nn1,4,1\nn2,NaN,2\n"}, DomainError,
     r"nodes\.csv: capacity, row 2: .*, got 'NaN'"),
    ({"nodes": "node,capacity,price\nn1,4,inf\nn2,1,2\n"}, DomainError,
     r"nodes\.csv: price, row 1: .*, got 'inf'"),
    ({"nodes": "node,capacity,price\nn1,4,1\nn1,1,2\n"}, ConfigError,
     r"nodes\.csv: node, row 2: expected each name once per .*, got 'n1'"),
    ({"nodes": "node,capacity,prices\nn1,4,1\n"}, ConfigError,
     r"nodes\.csv: column 'prices': .* \(did you mean 'price'\?\)"),
    ({"nodes": "node,capacity\nn1,4\n"}, ConfigError,
     r"nodes\.csv: column price: expected in the header"),
    ({"nodes": ""}, ConfigError, r"nodes\.csv: content: expected a table of nodes"),
    ({"nodes": "node,capacity,price,cost\nn1,4,1,0\nn2,1,2,-0.5\n"}, DomainError,
     r"nodes\.csv: cost, row 2: expected a finite number >= 0, got '-0.5'"),
    ({"nodes": "node,capacity,price\n,4,1\n"}, ConfigError,
     r"nodes\.csv: node, row 1: expected a name, got nothing"),
    ({"users": "user,budget\n7,\n9,1\n"}, DomainError,
     r"users\.csv: budget, row 1: expected a number >= 0, got nothing"),
    ({"users": "user,budget\n7,1,2\n9,1\n"}, ConfigError,
     r"users\.csv: row 1: expected 2 cells, as in the header, got 3"),
    ({"users": "user,budget,resource\n7,1,cpu\n9,1,cpu\n"}, ConfigError,
     r"nodes\.csv: column resource: expected in all three tables or in none"),
    ({"reach": "user,node,weight\n8,n1,1\n"}, ConfigError,
     r"reach\.csv: user, row 1: expected a name of users of its type, got '8'"),
    ({"reach": "user,node,weight\n7,n1,1\n7,n3,1\n"}, ConfigError,
     r"reach\.csv: node, row 2: expected a name of nodes of its type, got 'n3'"),
    ({"reach": "user,node,weight\n7,n1,1\n7,n1,1\n"}, ConfigError,
     r"reach\.csv: node, row 2: expected each pair of user and node once"),
    ({"reach": "user,node,weight\n7,n1,1e999\n"}, DomainError,
     r"reach\.csv: weight, row 1: expected a finite number >= 0, got '1e999'"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "kind", "text"), BAD)
def test_a_mistake_is_told_with_file_column_and_row(
    tmp_path: Path, changes: dict[str, str], kind: type[InputError], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        read_market(folder_of(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_no_table_or_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"one of nodes.csv and nodes.parquet, got n"):
        read_market(tmp_path)
    folder_of(tmp_path)
    pl.DataFrame({"node": [1]}).write_parquet(tmp_path / "nodes.parquet")
    with pytest.raises(ConfigError, match="got both"):
        read_market(tmp_path)


def test_parquet_names_of_another_kind_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "users.csv").unlink()
    pl.DataFrame({"user": [7.5], "budget": [1.0]}).write_parquet(
        folder / "users.parquet"
    )
    with pytest.raises(ConfigError, match="column user: expected whole numbers or te"):
        read_market(folder)


@pytest.mark.parametrize(
    ("users", "csv"),
    [(["7", "12"], [7, 12]), (["07", "1"], ["07", "1"]), (["-3", "0"], [-3, 0])],
)
def test_text_of_whole_numbers_is_kept_by_parquet_alone(
    tmp_path: Path, users: list[str], csv: list[Any]
) -> None:
    market = Market.from_arrays([1.0], [1.0], [1.0, 1.0], [[1.0], [1.0]], users=users)
    write_market(market, tmp_path / "parquet", kind="parquet")
    assert read_market(tmp_path / "parquet").users.tolist() == users
    write_market(market, tmp_path / "csv", kind="csv")
    back = read_market(tmp_path / "csv")
    assert back.users.tolist() == csv
    assert market_digest(back) == market_digest(market)


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\tb"])
def test_names_that_would_not_come_back_are_not_written(
    tmp_path: Path, name: str
) -> None:
    market = Market.from_arrays([1.0], [1.0], [1.0], [[1.0]], users=[name])
    with pytest.raises(ConfigError, match="users: expected names without blanks"):
        write_market(market, tmp_path)
    assert not list(tmp_path.iterdir())


def test_many_resource_types_are_read_as_few_are(tmp_path: Path) -> None:
    one = Market.from_arrays([1.0], [2.0], [3.0], [[4.0]], nodes=["n"], users=["u"])
    many = Market.side_by_side({f"type {k}": one for k in range(40)})
    write_market(many, tmp_path)
    assert same(read_market(tmp_path), many)
    text = (tmp_path / "reach.csv").read_text().replace("type 7", "type seven")
    (tmp_path / "reach.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"resource, row 8: .* got 'type seven'"):
        read_market(tmp_path)


def test_an_unknown_kind_or_folder_is_refused(tmp_path: Path) -> None:
    market = generate(seed=2, num_users=3, num_nodes=2)
    with pytest.raises(ConfigError, match="kind: expected csv or parquet, got 'json'"):
        write_market(market, tmp_path, kind="json")  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="a folder that can be written"):
        write_market(market, tmp_path / "file" / "inside")
