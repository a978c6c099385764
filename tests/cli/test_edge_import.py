from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from cli.edge_markets import CITY, contents, market_in

from stackelberg import io

SITES = "SITE_ID,LATITUDE,LONGITUDE\na,-37.81,144.96\nb,-37.81,144.962\n"
USERS = "Latitude,Longitude\n-37.81,144.96\n-37.8105,144.9615\n"
NODES = "sn,cpu_milli,memory_mib,gpu,model\nbig,8000,65536,2,T4\nsmall,4000,2048,0,\n"
PODS = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"
    "one,1000,1024,0,0,,LS\ntwo,2000,1024,1,500,,LS\n"
)
THROUGHPUTS = {
    "k80": {"('A', 1)": {"null": 2.0}, "('B', 2)": {"null": 3.0}},
    "v100": {"('A', 1)": {"null": 8.0}},
}
TRACE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n"
    "2023-11-16 18:18:00.0000000,30,5\n2023-11-16 18:19:01.5,9000,1\n"
)


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Path]:
    texts = {
        "sites": SITES, "users": USERS, "nodes": NODES, "pods": PODS,
        "throughputs": json.dumps(THROUGHPUTS), "trace": TRACE,
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: tmp_path / name for name in texts}


def digest(folder: Path) -> str:
    return io.market_digest(io.read_market(folder))


def test_eua(stackelberg: CommandLine, data: dict[str, Path], tmp_path: Path) -> None:
    ended = stackelberg(
        "edge", "import", "eua", "--sites", data["sites"], "--users", data["users"],
        "-o", tmp_path / "out", "--radius", 150, "--regime", "capacity_rich",
        "--seed", 3, "--budget-spread", 0.5, "--json",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    expected = io.import_eua_market(
        data["sites"], data["users"], radius_m=150.0, regime="capacity_rich", seed=3,
        budget_spread=0.5,
    )  # fmt: skip
    assert digest(tmp_path / "out") == io.market_digest(expected)
    assert ended.json == {
        "market": str(tmp_path / "out"), "nodes": 2, "users": 2,
        "edges": expected.num_edges, "resources": ["resource"],
    }  # fmt: skip


@pytest.mark.parametrize("options", [("--reach", 1), ("--all-nodes",)])
def test_alibaba(
    stackelberg: CommandLine,
    data: dict[str, Path],
    tmp_path: Path,
    options: tuple[object, ...],
) -> None:
    ended = stackelberg(
        "edge", "import", "alibaba", "--nodes", data["nodes"], "--pods", data["pods"],
        "-o", tmp_path / "out", "--seed", 5, "--kind", "parquet", *options,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    reach = 1 if options[0] == "--reach" else None
    expected = io.import_alibaba(data["nodes"], data["pods"], reach=reach, seed=5)
    assert digest(tmp_path / "out") == io.market_digest(expected)
    assert "3 resources: cpu, memory, gpu" in ended.out.replace("\n", " ")


def test_gavel(stackelberg: CommandLine, data: dict[str, Path], tmp_path: Path) -> None:
    ended = stackelberg(
        "edge", "import", "gavel", "--throughputs", data["throughputs"],
        "-o", tmp_path / "out", "--jobs", 7, "--worker", "k80=4@0.5",
        "--worker", "v100=2@2",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    workers = {"k80": (4.0, 0.5), "v100": (2.0, 2.0)}
    expected = io.import_gavel(data["throughputs"], num_jobs=7, workers=workers)
    assert digest(tmp_path / "out") == io.market_digest(expected)
    again = stackelberg(
        "edge", "import", "gavel", "--throughputs", data["throughputs"],
        "-o", tmp_path / "usual",
    )  # fmt: skip
    assert_refused(again, "throughputs", "p100")


def test_azure_makes_a_market_a_minute(
    stackelberg: CommandLine, data: dict[str, Path], tmp_path: Path
) -> None:
    city = market_in(tmp_path / "city")
    ask = (
        "edge", "import", "azure", "--trace", data["trace"], "--market", city,
        "--seed", 2, "--regime", "budget_rich",
    )  # fmt: skip
    ended = stackelberg(*ask, "-o", tmp_path / "hour", "--json")
    assert ended.code == 0, ended.err
    names = ["minute-0", "minute-1", "minute-2"]
    assert ended.json["markets"] == [str(tmp_path / "hour" / name) for name in names]
    assert ended.json["requests_per_minute"] == [1, 1, 1]
    budgets = io.budgets_per_minute(
        io.read_azure_trace(data["trace"]), CITY, seed=2, regime="budget_rich"
    )
    for k, name in enumerate(names):
        one = io.read_market(tmp_path / "hour" / name)
        assert np.array_equal(one.budget, budgets[k])
        assert np.array_equal(one.price, CITY.price)
    ended = stackelberg(*ask, "-o", tmp_path / "busy", "--minute", 2)
    assert ended.code == 0
    assert digest(tmp_path / "busy") == digest(tmp_path / "hour" / "minute-2")
    told = stackelberg(*ask, "-o", tmp_path / "hour").out.replace("\n", " ")
    assert told.startswith("3 minutes, each 8 nodes, 40 users")
    ended = stackelberg(*ask, "-o", tmp_path / "late", "--minute", 3)
    assert_refused(ended, "--minute: expected a whole number from 0 to 2, got 3")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("eua", "--sites", "sites", "--users", "none"), ("none: expected",)),
        (("eua", "--sites", "pods", "--users", "users"), ("pods: column SITE_ID",)),
        (("eua", "--sites", "sites", "--users", "users", "--radius", "0"),
         ("--radius: expected", "got 0")),
        (("eua", "--sites", "sites", "--users", "users", "--budget-spread", "nan"),
         ("--budget-spread: expected", "got nan")),
        (("alibaba", "--nodes", "nodes", "--pods", "users"), ("users: column name",)),
        (("alibaba", "--nodes", "nodes", "--pods", "pods", "--reach", "0"),
         ("--reach: expected a whole number >= 1, got 0",)),
        (("gavel", "--throughputs", "trace"), ("trace: ", "JSON")),
        (("gavel", "--throughputs", "throughputs", "--jobs", "0"),
         ("--jobs: expected a whole number >= 1, got 0",)),
        (("gavel", "--throughputs", "throughputs", "--worker", "v100=8"),
         ("--worker: expected KIND=NUMBER@PRICE", "'v100=8'")),
        (("gavel", "--throughputs", "throughputs", "--worker", "=8@2"),
         ("--worker: expected KIND=NUMBER@PRICE",)),
        (("gavel", "--throughputs", "throughputs", "--worker", "v100=nan@2"),
         ("--worker: expected KIND=NUMBER@PRICE",)),
        (("azure", "--trace", "users", "--market", "none"), ("users: column TIMEST",)),
        (("azure", "--trace", "trace", "--market", "none"), ("none: expected one of",)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    stackelberg: CommandLine,
    data: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    assert set(data) <= {path.name for path in tmp_path.iterdir()}
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    assert_refused(stackelberg("edge", "import", *arguments, "-o", "out"), *parts)
    assert contents(tmp_path) == before


def test_inputs_are_never_overwritten(
    stackelberg: CommandLine, data: dict[str, Path], tmp_path: Path
) -> None:
    city = market_in(tmp_path / "city")
    before = contents(city)
    ended = stackelberg(
        "edge", "import", "azure", "--trace", data["trace"], "--market", city,
        "-o", city, "--minute", 0,
    )  # fmt: skip
    assert_refused(ended, "-o: expected another folder than those read", "is an input")
    assert contents(city) == before
    ended = stackelberg(
        "edge", "import", "eua", "--sites", data["sites"], "--users", data["users"],
        "-o", data["sites"],
    )  # fmt: skip
    assert_refused(ended, "-o: expected")
    assert data["sites"].read_text() == SITES
