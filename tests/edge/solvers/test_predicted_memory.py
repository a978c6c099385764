"""Memory is predicted before a solve, and the prediction holds."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from stackelberg.edge import (
    Market,
    Utility,
    allocate,
    certify,
    generate,
    predicted_bytes,
)
from stackelberg.edge.solvers.predicted_memory import told_bytes
from stackelberg.errors import DomainError

CITY = generate(seed=0, num_users=12_000, num_nodes=60, nearest=8)
TYPES = generate(seed=1, num_users=4_000, num_nodes=30, resources=("cpu", "memory"))
WAYS: dict[str, tuple[Market, dict[str, Any]]] = {
    "dense": (CITY, {"method": "dense"}),
    "sparse": (CITY, {"method": "sparse"}),
    "first order": (CITY, {"method": "first_order"}),
    "types": (TYPES, {}),
    "ces": (generate(seed=0, num_users=3_000), {"utility": Utility("ces", 3.0)}),
}


def peak_of(market: Market, options: dict[str, Any]) -> int:
    allocate(market, 1e-2, max_iterations=3, threads=1, **options)  # compile
    tracemalloc.start()
    allocate(market, 1e-2, max_iterations=3, threads=1, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("way", WAYS)
def test_the_peak_is_what_was_predicted(way: str) -> None:
    market, options = WAYS[way]
    predicted = predicted_bytes(market, 1e-2, **options)
    peak = peak_of(market, options)
    assert 0.5 * predicted < peak < 1.1 * predicted
    found = allocate(market, 1e-2, max_iterations=1, **options)
    assert found.stats["predicted_bytes"] == predicted


def test_what_would_take_more_than_the_limit_is_refused_before_it_starts() -> None:
    needed = predicted_bytes(CITY)

    def never(step: int, gap: float) -> bool:
        raise AssertionError

    with pytest.raises(DomainError, match="memory_limit: expected at least 9") as told:
        allocate(CITY, memory_limit=needed - 1, stop=never)
    assert "\n" not in str(told.value)
    enough = allocate(CITY, 1e-2, memory_limit=needed)
    assert enough.certificate.holds(1e-2)
    with pytest.raises(DomainError, match="memory_limit: expected a whole number"):
        allocate(CITY, memory_limit=0)


def test_a_certificate_takes_less_than_45_bytes_an_edge() -> None:
    users = 100_000
    node = np.arange(8 * users, dtype=np.int32) % 50
    weight: Any = sparse.csr_array(
        (np.ones(8 * users), np.sort(node.reshape(users, 8)).ravel(),
         np.arange(0, 8 * users + 1, 8)), shape=(users, 50),
    )  # fmt: skip
    market = Market.from_arrays(np.ones(50), np.ones(50), np.ones(users), weight)
    amounts = weight * 1e-9
    tracemalloc.start()
    certify(market, amounts, np.ones(50), np.ones(users))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 45 * market.num_edges


@pytest.mark.parametrize(
    ("count", "text"),
    [(12, "12 bytes"), (51_300_000, "51.3 MB"), (1_230_000_000, "1.23 GB")],
)
def test_bytes_are_told_as_people_read_them(count: int, text: str) -> None:
    assert told_bytes(count) == text
