"""Who gets what, out to a folder and in again."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from stackelberg.edge import Market, allocate, certify, generate
from stackelberg.edge.explanation.virtual_money import LIMITS
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.game import Status
from stackelberg.io import (
    MarketReference,
    market_digest,
    read_capacity_shadow_price,
    read_market_reference,
    read_market_solution,
    write_market_solution,
)

ALLOCATION = "user,node,amount\n7,n1,1\n9,n2,2\n9,n1,0.5\n"
USERS = "user,utility,spend,budget_shadow_price,limited_by\n" \
    "9,4.25,4.75,0.25,both\n7,1,1.5,0,capacity\n"  # fmt: skip
NODES = "node,load,capacity_shadow_price,revenue\nn1,1.5,1,2.25\nn2,2,0,4\n"
SUMMARY = (
    '{"format": "stackelberg.edge.solution/1", "status": "almost_converged", '
    '"objective": 1.5, "gap_per_user": null, "iterations": 7}'
)

MARKET = Market.from_arrays(
    [1.5, 2.0], [4.0, math.inf], [3.0, 2.5], [[1.0, 0.0], [0.5, 2.0]],
    nodes=["n1", "n2"], users=[7, 9],
)  # fmt: skip


def folder_of(path: Path, **changes: str | None) -> Path:
    texts = {
        "allocation": ALLOCATION,
        "users": USERS,
        "nodes": NODES,
        "solution": SUMMARY,
        **changes,
    }
    for name, text in texts.items():
        if text is not None:
            ending = "json" if name == "solution" else "csv"
            (path / f"{name}.{ending}").write_text(text)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_solution_says_who_gets_what(tmp_path: Path, kind: Any) -> None:
    market = generate(seed=2, num_users=20, num_nodes=5)
    solution = allocate(market)
    write_market_solution(solution, market, tmp_path, kind=kind, seconds=0.5)
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet}[kind]
    amounts = read(tmp_path / f"allocation.{kind}")
    users = read(tmp_path / f"users.{kind}")
    nodes = read(tmp_path / f"nodes.{kind}")
    dense = np.zeros((20, 5))
    dense[amounts["user"].to_numpy(), amounts["node"].to_numpy()] = amounts["amount"]
    proof = certify(
        market,
        dense,
        nodes["capacity_shadow_price"].to_numpy(),
        users["budget_shadow_price"].to_numpy(),
    )
    assert proof.holds(1e-8)
    assert proof.objective == pytest.approx(solution.certificate.objective, rel=1e-12)
    assert set(users["limited_by"]) <= set(LIMITS)
    np.testing.assert_allclose(nodes["revenue"], market.price * solution.value.load)
    summary = json.loads((tmp_path / "solution.json").read_text())
    assert summary["status"] == "converged"
    assert summary["gap_per_user"] <= 1e-8
    assert summary["seconds"] == 0.5


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_written_is_read_with_every_bit(tmp_path: Path, kind: Any) -> None:
    one = generate(seed=3, num_users=12, num_nodes=4)
    market = Market.side_by_side({"cpu": one, "gpu": one})
    solution = allocate(market)
    write_market_solution(solution, market, tmp_path, kind=kind, seconds=0.25)
    read = read_market_solution(tmp_path, market)
    value, proof = solution.value, solution.certificate
    assert np.array_equal(read.allocation.toarray(), value.allocation.toarray())
    for name in ("utility", "spend", "load"):
        assert np.array_equal(getattr(read, name), getattr(value, name))
    lam, mu = read.capacity_shadow_price, read.budget_shadow_price
    assert lam is not None
    assert mu is not None
    assert np.array_equal(lam, value.capacity_shadow_price)
    assert np.array_equal(mu, value.budget_shadow_price)
    again = certify(market, read.allocation, lam, mu)
    assert again.gap_per_user == proof.gap_per_user
    assert (read.status, read.iterations) == (solution.status, solution.iterations)
    assert (read.objective, read.seconds) == (proof.objective, 0.25)
    assert read.gap_per_user == proof.gap_per_user
    assert read.worst_violation == proof.worst_violation


def test_rows_come_in_the_markets_order(tmp_path: Path) -> None:
    read = read_market_solution(folder_of(tmp_path), MARKET)
    assert read.allocation.toarray().tolist() == [[1.0, 0.0], [0.5, 2.0]]
    assert read.utility is not None
    assert read.utility.tolist() == [1.0, 4.25]
    assert read.limited_by == ("capacity", "both")
    assert read.revenue is not None
    assert read.revenue.tolist() == [2.25, 4.0]
    assert read.status is Status.ALMOST_CONVERGED
    assert math.isnan(read.gap_per_user)
    assert math.isnan(read.seconds)


def test_rows_turned_around_come_back_in_order(tmp_path: Path) -> None:
    market = Market.from_arrays(
        [1.0], [4.0], [1.0, 1.0, 1.0], [[1.0], [1.0], [1.0]], users=["a", "b", "c"]
    )
    folder = folder_of(
        tmp_path, allocation="user,node,amount\nb,0,1\n", nodes=None,
        users="user,utility,limited_by\nc,3,both\na,1,budget\nb,2,capacity\n",
    )  # fmt: skip
    read = read_market_solution(folder, market)
    assert read.utility is not None
    assert read.utility.tolist() == [1.0, 2.0, 3.0]
    assert read.limited_by == ("budget", "capacity", "both")


def test_the_allocation_alone_suffices(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, users=None, nodes=None, solution=None)
    read = read_market_solution(folder, MARKET)
    assert read.allocation.toarray().tolist() == [[1.0, 0.0], [0.5, 2.0]]
    assert read.capacity_shadow_price is None
    assert read.utility is None
    assert read.status is None


def test_somebody_elses_faults_are_read_as_they_stand(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        allocation="user,node,resource,amount\n7,n2,resource,3\n9,n1,resource,-1e-9\n",
        users="user,budget_shadow_price\n7,0.5\n9,0.25\n",
        nodes="node,capacity_shadow_price\nn2,0\nn1,1\n",
        solution=None,
    )
    read = read_market_solution(folder, MARKET)
    assert read.allocation.toarray().tolist() == [[0.0, 3.0], [-1e-9, 0.0]]
    assert read.capacity_shadow_price is not None
    assert read.capacity_shadow_price.tolist() == [1.0, 0.0]
    assert read.load is None


Texts = dict[str, str | None]
BAD: list[tuple[Texts, type[InputError], str]] = [
    ({"allocation": None}, ConfigError,
     "expected one of allocation.csv and allocation.parquet, got neither"),
    ({"allocation": "user,node\n7,n1\n"}, ConfigError,
     "allocation.csv: column amount: expected in the header, got columns user, node"),
    ({"allocation": "user,node,amounts\n7,n1,1\n"}, ConfigError,
     "allocation.csv: column 'amounts': expected one of user, node, amount, resource "
     "(did you mean 'amount'?), got an unknown name"),
    ({"allocation": "user,node,amount\n8,n1,1\n"}, ConfigError,
     "allocation.csv: user, row 1: expected a name of the market's users of its type, "
     "got '8'"),
    ({"allocation": "user,node,amount\n7,n3,1\n"}, ConfigError,
     "allocation.csv: node, row 1: expected a name of the market's nodes of its type, "
     "got 'n3'"),
    ({"allocation": "user,node,amount\n7,n1,1\n7,n1,2\n"}, ConfigError,
     "allocation.csv: node, row 2: expected each pair of user and node once, got 'n1'"),
    ({"allocation": "user,node,amount\n7,n1,nan\n"}, DomainError,
     "allocation.csv: amount, row 1: expected a finite number, got 'nan'"),
    ({"allocation": "user,node,amount\n7,n1,-inf\n"}, DomainError,
     "allocation.csv: amount, row 1: expected a finite number, got '-inf'"),
    ({"allocation": "user,node,resource,amount\n7,n1,gpu,1\n"}, ConfigError,
     "allocation.csv: resource, row 1: expected a resource of the market, got 'gpu'"),
    ({"users": "user,utility\n7,1\n"}, ConfigError,
     "users.csv: column user: expected a row for each of the market's 2 user rows, "
     "got 1 rows, none for 9"),
    ({"users": "user,utility\n7,1\n7,1\n"}, ConfigError,
     "users.csv: user, row 2: expected each name once per resource type, got '7'"),
    ({"users": "user,budget_shadow_price\n7,1\n9,-1\n"}, DomainError,
     "users.csv: budget_shadow_price, row 2: expected a finite number >= 0, got '-1'"),
    ({"users": "user,limited_by\n7,money\n9,both\n"}, ConfigError,
     "users.csv: limited_by, row 1: expected one of budget, capacity, both, "
     "got 'money'"),
    ({"users": "user,budget\n7,1\n9,1\n"}, ConfigError,
     "users.csv: column 'budget': expected one of user, resource, utility, spend, "
     "budget_shadow_price, limited_by, got an unknown name"),
    ({"nodes": "node,load\nn1,1\nn2,x\n"}, DomainError,
     "nodes.csv: load, row 2: expected a finite number, got 'x'"),
    ({"solution": "{"}, ConfigError, "solution.json: line 1, column 2: expected JSON"),
    ({"solution": SUMMARY.replace("edge", "spectrum")}, ConfigError,
     "solution.json: format: expected 'stackelberg.edge.solution/1'"),
    ({"solution": SUMMARY.replace("almost", "nearly")}, ConfigError,
     "solution.json: status: expected one of converged, almost_converged"),
    ({"solution": SUMMARY.replace("1.5", '"1.5"')}, ConfigError,
     'solution.json: objective: expected a number or null, got "1.5"'),
    ({"solution": SUMMARY.replace("7", "7.5")}, ConfigError,
     "solution.json: iterations: expected a whole number or null, got 7.5"),
    ({"solution": SUMMARY.replace("iterations", "iteration")}, ConfigError,
     "solution.json: iteration: expected one of the known keys "
     "(did you mean 'iterations'?), got an unknown key"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "kind", "text"), BAD)
def test_a_mistake_is_told_with_file_column_and_row(
    tmp_path: Path, changes: Texts, kind: type[InputError], text: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_market_solution(folder_of(tmp_path, **changes), MARKET)
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_types_ask_for_the_resource(tmp_path: Path) -> None:
    market = Market.side_by_side({"cpu": MARKET, "gpu": MARKET})
    with pytest.raises(
        ConfigError, match=r"column resource: expected in the header, for .* of 2 types"
    ):
        read_market_solution(folder_of(tmp_path), market)


def test_a_solution_says_which_market_it_is_of(tmp_path: Path) -> None:
    market = generate(seed=1, num_users=20, num_nodes=5)
    write_market_solution(
        allocate(market), market, tmp_path / "out",
        market_folder=tmp_path / "city", stats={"stopped_by": "deadline"},
    )  # fmt: skip
    expected = MarketReference(market_digest(market), "../city")
    assert read_market_reference(tmp_path / "out") == expected
    back = read_market_solution(tmp_path / "out", market)
    assert back.market == expected
    assert back.stats == {"stopped_by": "deadline"}


def test_a_solution_that_does_not_say_of_which_market(tmp_path: Path) -> None:
    market = generate(seed=1, num_users=20, num_nodes=5)
    write_market_solution(allocate(market), market, tmp_path)
    found = read_market_reference(tmp_path)
    assert found is not None
    assert found.folder is None
    path = tmp_path / "solution.json"
    members = json.loads(path.read_text())
    del members["market"]
    path.write_text(json.dumps(members))
    assert read_market_reference(tmp_path) is None
    path.unlink()
    assert read_market_reference(tmp_path) is None


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("x", 'market: expected an object {...}, got "x"'),
        ({}, "market.digest: expected a value, got nothing"),
        ({"digest": 3}, "market.digest: expected text, got 3"),
        ({"digest": "x", "folder": 3}, "market.folder: expected text or null, got 3"),
        ({"digest": "x", "foldr": "y"}, "market.foldr: expected one of the known"),
    ],
)
def test_a_wrong_reference_to_a_market_is_one_line(
    tmp_path: Path, reference: object, message: str
) -> None:
    market = generate(seed=1, num_users=20, num_nodes=5)
    write_market_solution(allocate(market), market, tmp_path)
    path = tmp_path / "solution.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "market": reference}))
    with pytest.raises(ConfigError, match=re.escape(f"solution.json: {message}")):
        read_market_reference(tmp_path)


def test_a_solution_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = generate(seed=1, num_users=20, num_nodes=5)
    write_market_solution(allocate(market), market, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"nodes\.parquet: .* no space left on devi"):
        write_market_solution(allocate(market, 1e-3), market, tmp_path, kind="parquet")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_shadow_prices_of_nodes_are_read_without_the_users(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, users="user,utility\nnobody,1\n")
    found = read_capacity_shadow_price(folder, MARKET)
    assert found is not None
    assert found.tolist() == [1.0, 0.0]
    (tmp_path / "nodes.csv").unlink()
    assert read_capacity_shadow_price(folder, MARKET) is None
