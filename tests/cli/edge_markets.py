"""Markets in folders that the tests of `stackelberg edge` use."""

from __future__ import annotations

from pathlib import Path

from stackelberg import io
from stackelberg.edge import Market, allocate, generate

CITY = generate(seed=4, num_users=40, num_nodes=8, radius_m=300.0)


def market_in(folder: Path, market: Market = CITY) -> Path:
    """`folder`, with a market in it."""
    io.write_market(market, folder)
    return folder


def solution_in(folder: Path, of: Path, tolerance: float = 1e-8) -> Path:
    """`folder`, with the solution of the market in the folder `of`."""
    market = io.read_market(of)
    solution = allocate(market, tolerance)
    io.write_market_solution(solution, market, folder, market_folder=of)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
