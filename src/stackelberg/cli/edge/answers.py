"""Answers from files: allocations of anybody, with shadow prices or without."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stackelberg.cli.edge.welfare import Welfare, stated_welfare
from stackelberg.errors import ConfigError, InputError

if TYPE_CHECKING:
    from stackelberg.edge import Market, Outcome
    from stackelberg.io import MarketSolutionFile

Origin = Literal["given", "solved"]
"""Where shadow prices come from: the files, or a solve of the market."""

SOLVED_TOLERANCE = 1e-10
"""Gap per user of the solve that gives shadow prices where there are none."""


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer as a folder states it, with shadow prices in any case.

    Attributes:
        stated: what the folder says.
        capacity_shadow_price: lam [M].
        budget_shadow_price: mu [N].
        origin: of both.
        of_this_market: whether the folder says that it is of this very market; None
            where it does not say of which.
        welfare: that it is judged by: what was asked for, else what the folder says.
    """

    stated: MarketSolutionFile
    capacity_shadow_price: Any
    budget_shadow_price: Any
    origin: Origin
    of_this_market: bool | None
    welfare: Welfare


def read_answer(
    folder: Path,
    market: Market,
    *,
    utility: str | None = None,
    fairness: float | None = None,
    drop_degenerate: bool = False,
    solve: bool = False,
) -> Answer:
    """Read an answer; where it lacks shadow prices, take those of the optimum.

    Any shadow prices >= 0 prove a bound, those of the optimum the best one.

    Args:
        folder: of the solution.
        market: whose answer it should be.
        utility: of every user, as on the command line; by default as the folder says.
        fairness: alpha; by default as the folder says.
        drop_degenerate: as in `edge.allocate`.
        solve: take the optimum's shadow prices in any case.

    Raises:
        InputError: a subclass; the folder is no answer for this market.
    """
    from stackelberg import edge, io

    stated = io.read_market_solution(folder, market)
    of_this = None
    if stated.market is not None:
        of_this = stated.market.digest == io.market_digest(market)
    welfare = stated_welfare(stated.stats, utility, fairness)
    lam, mu = stated.capacity_shadow_price, stated.budget_shadow_price
    origin: Origin = "given"
    if lam is None or mu is None or solve:
        best = edge.allocate(
            market, SOLVED_TOLERANCE, **welfare.options, drop_degenerate=drop_degenerate
        )
        lam, mu = best.value.capacity_shadow_price, best.value.budget_shadow_price
        origin = "solved"
    return Answer(stated, lam, mu, origin, of_this, welfare)


def feasible_outcome(market: Market, answer: Answer) -> Outcome:
    """The answer scaled down to the limits, with what follows from it."""
    from stackelberg.edge.outcome import Ledger, on_edges, outcome_of, shrunk_to_limits

    ledger = Ledger(market)
    amount, _ = on_edges(market, answer.stated.allocation)
    amount = shrunk_to_limits(ledger, amount)
    lam, mu = answer.capacity_shadow_price, answer.budget_shadow_price
    outcome = outcome_of(market, amount, lam, mu, ledger)
    utility = answer.welfare.utility.value(market.weight, amount)
    return replace(outcome, utility=utility)


@dataclass(frozen=True, eq=False)
class WarmStart:
    """What a solve may start from.

    Attributes:
        outcome: the old answer within the new limits, or where users came or left, the
            nodes' shadow prices alone.
        stated: the old answer as its folder states it; None where it is of other users
            or has no shadow prices of budgets.
    """

    outcome: Outcome
    stated: MarketSolutionFile | None


def read_warm_start(folder: Path, market: Market) -> WarmStart:
    """What a solve may start from.

    Raises:
        InputError: a subclass; the folder has no shadow prices of these nodes.
    """
    import numpy as np
    from scipy import sparse

    from stackelberg import edge, io

    lam = io.read_capacity_shadow_price(folder, market)
    if lam is None:
        raise ConfigError(
            "--warm-start",
            expected="a solution whose nodes have a capacity_shadow_price",
            got=f"{folder}, which has none",
        )
    try:
        stated = io.read_market_solution(folder, market)
    except InputError:  # of other users
        stated = None
    if stated is not None and stated.budget_shadow_price is not None:
        answer = Answer(
            stated, lam, stated.budget_shadow_price, "given", None,
            stated_welfare(stated.stats),
        )  # fmt: skip
        return WarmStart(feasible_outcome(market, answer), stated)
    nobody = np.zeros(0)
    outcome = edge.Outcome(
        allocation=sparse.csr_array((0, market.num_nodes)),
        utility=nobody,
        spend=nobody,
        load=np.zeros(market.num_nodes),
        capacity_shadow_price=lam,
        budget_shadow_price=nobody,
    )
    return WarmStart(outcome, None)


def doubts(answer: Answer) -> list[str]:
    """What a reader should know before reading on."""
    lines: list[str] = []
    if answer.of_this_market is False:
        lines.append("note: the solution says that it is of a market with other data")
    if answer.origin == "solved":
        lines.append("note: it has no shadow prices; these are from solving the market")
    return lines


@contextmanager
def told_of(market: Path) -> Generator[None, None, None]:
    """Let errors about a whole market name its folder, and the option that helps."""
    try:
        yield
    except InputError as error:
        if error.argument != "market":
            raise
        expected = error.expected.replace("drop_degenerate=True", "--drop-degenerate")
        raise type(error)(str(market), expected=expected, got=error.got) from None
