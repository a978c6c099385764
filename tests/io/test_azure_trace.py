"""Budgets minute by minute from traces of requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stackelberg.edge import Market, allocate, generate, markets_over_time
from stackelberg.errors import ConfigError, DomainError
from stackelberg.io import budgets_per_minute, read_azure_trace

TRACE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:59.9999999,100,20\n"
    "2023-11-16 18:18:00.0000000,30,5\n2023-11-16 18:20:01.5,1,1\n"
)
CITY = generate(seed=0, num_users=40, num_nodes=6)


def file(folder: Path, text: str = TRACE) -> Path:
    (folder / "trace.csv").write_text(text)
    return folder / "trace.csv"


def test_requests_are_counted_by_minutes_of_the_clock(tmp_path: Path) -> None:
    trace = read_azure_trace(file(tmp_path))
    assert trace.minute.tolist() == [0, 0, 1, 3]
    assert trace.tokens.tolist() == [4818.0, 120.0, 35.0, 2.0]
    assert trace.num_minutes == 4
    assert trace.requests_per_minute().tolist() == [2, 1, 0, 1]


def test_budgets_are_the_tokens_asked_for(tmp_path: Path) -> None:
    trace = read_azure_trace(file(tmp_path))
    budgets = budgets_per_minute(trace, CITY, seed=3)
    assert budgets.shape == (4, 40)
    worth = CITY.price @ CITY.capacity
    assert budgets.sum(axis=1).mean() == pytest.approx(worth)
    assert np.array_equal(budgets, budgets_per_minute(trace, CITY, seed=3))
    floor = budgets[2]
    assert np.all(floor == floor[0])  # nobody asked
    money = (budgets - floor).sum(axis=1)
    np.testing.assert_allclose(money / money[1], [4938 / 35, 1.0, 0.0, 2 / 35])
    assert np.count_nonzero(budgets[1] > floor) == 1
    assert floor[0] == pytest.approx(0.01 * (budgets - floor).mean())
    quarter = budgets_per_minute(trace, CITY, regime="capacity_rich")
    assert quarter.sum(axis=1).mean() == pytest.approx(worth / 4.0)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (TRACE.replace("ContextTokens", "Context"), ConfigError,
         r"trace\.csv: column ContextTokens: expected in the header"),
        (TRACE.replace(":18:", ":99:"), DomainError,
         r"trace\.csv: TIMESTAMP, row 3: expected a time like .*, got '2023-11-16 1"),
        (TRACE.replace("4808", "many"), DomainError,
         r"trace\.csv: ContextTokens, row 1: expected a finite .*, got 'many'"),
        (TRACE.replace("2023-11-16 18:20", "2033-11-16 18:20"), DomainError,
         r"trace\.csv: TIMESTAMP, row 4: expected less than 100000 minutes after"),
        (TRACE.splitlines()[0] + "\n", ConfigError,
         r"trace\.csv: content: expected one request at least, got none"),
    ],
)  # fmt: skip
def test_a_wrong_trace_is_told(
    tmp_path: Path, text: str, kind: Any, message: str
) -> None:
    with pytest.raises(kind, match=message):
        read_azure_trace(file(tmp_path, text))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"floor": 0.0}, DomainError, "floor: expected a number > 0, at most 1"),
        ({"seed": -1}, DomainError, "seed: expected a whole number >= 0"),
        ({"user_spread": -1.0}, DomainError, "budget_spread: expected a number from"),
        ({"regime": "x"}, ConfigError, "regime: expected one of"),
    ],
)
def test_wrong_arguments_are_told(
    tmp_path: Path, arguments: Any, kind: Any, message: str
) -> None:
    with pytest.raises(kind, match=message):
        budgets_per_minute(read_azure_trace(file(tmp_path)), CITY, **arguments)


def test_several_types_are_refused(tmp_path: Path) -> None:
    both = Market.side_by_side({"cpu": CITY, "gpu": CITY})
    with pytest.raises(ConfigError, match="market: expected one resource type, got 2"):
        budgets_per_minute(read_azure_trace(file(tmp_path)), both)


def test_the_hour(shared_data: Path) -> None:
    folder = shared_data / "azure-llm-inference-2023"
    code = read_azure_trace(folder / "AzureLLMInferenceTrace_code.csv")
    talk = read_azure_trace(folder / "AzureLLMInferenceTrace_conv.csv")
    assert (len(code.minute), len(talk.minute)) == (8_819, 19_366)
    assert (code.num_minutes, talk.num_minutes) == (58, 60)
    assert code.requests_per_minute().max() == 585
    assert talk.requests_per_minute().max() == 502
    budgets = budgets_per_minute(talk, CITY)
    assert budgets.shape == (60, 40)
    for k, market in enumerate(markets_over_time(CITY, budgets)):
        if k % 20 == 0:
            assert allocate(market).certificate.holds(1e-8)
