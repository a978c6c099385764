"""The fingerprint of a market: the same for the same content and only then."""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stackelberg.edge import Market, generate
from stackelberg.io import market_digest, read_market, write_market
from stackelberg.io.market_digest import MarketReference, market_reference

CITY = generate(seed=1, num_users=20, num_nodes=5)


def test_the_fingerprint_is_of_the_content_written_out() -> None:
    market = Market.from_arrays([1.0], [2.0], [3.0], [[4.0]], nodes=["né"], users=[7])
    content = b"".join(
        struct.pack("<Q", len(values)) + struct.pack(f"<{len(values)}{code}", *values)
        for code, values in [
            ("d", [1.0]), ("d", [2.0]), ("d", [3.0]), ("d", [4.0]),
            ("q", [0, 1]), ("q", [0]), ("q", [0]), ("q", [0]),
            ("q", [3]), ("B", "né".encode()), ("q", [7]),
            ("q", [8]), ("B", b"resource"),
        ]
    )  # fmt: skip
    assert market_digest(market) == f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_keep_the_fingerprint(tmp_path: Path, kind: Any) -> None:
    both = Market.side_by_side({"cpu": CITY, "gpu": CITY})
    write_market(both, tmp_path, kind=kind)
    assert market_digest(read_market(tmp_path)) == market_digest(both)


CHANGES: dict[str, Any] = {
    "price": lambda m: replace(m, price=m.price * np.array([1, 1, 1, 1, 1 + 1e-15])),
    "capacity": lambda m: replace(m, capacity=m.capacity + 1.0),
    "budget": lambda m: replace(m, budget=m.budget * 2.0),
    "weight": lambda m: replace(m, weight=m.weight * 2.0),
    "reach": lambda m: replace(m, weight=m.weight.multiply(m.weight > 0.3).tocsr()),
    "nodes": lambda m: replace(m, nodes=m.nodes + 1),
    "users": lambda m: replace(m, users=m.users + 1),
    "resource": lambda m: replace(m, resources=("cpu",)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_other_content_has_another(name: str) -> None:
    assert market_digest(CHANGES[name](CITY)) != market_digest(CITY)


def test_names_cannot_flow_into_one_another() -> None:
    one, other = (
        Market.from_arrays([1, 1], [1, 1], [1], [[1, 1]], nodes=names)
        for names in (["ab", "c"], ["a", "bc"])
    )
    assert market_digest(one) != market_digest(other)


def test_costs_and_places_do_not_count() -> None:
    bare = replace(CITY, positions_m=None, cost=np.zeros(5))
    dear = replace(CITY, cost=np.ones(5))
    assert market_digest(bare) == market_digest(dear) == market_digest(CITY)


def test_a_market_is_found_from_its_solution(tmp_path: Path) -> None:
    found = market_reference(CITY, tmp_path / "city", tmp_path / "out" / "a")
    assert found == MarketReference(market_digest(CITY), "../../city")
    assert found.path_from(tmp_path / "out" / "a") == os.fspath(tmp_path / "city")
    assert market_reference(CITY, None, tmp_path).path_from(tmp_path) is None
