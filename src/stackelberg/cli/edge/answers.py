"""Answers from files: allocations of anybody, with shadow prices or without."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from stackelberg.errors import InputError

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
    """

    stated: MarketSolutionFile
    capacity_shadow_price: Any
    budget_shadow_price: Any
    origin: Origin
    of_this_market: bool | None


def read_answer(
    folder: Path, market: Market, *, drop_degenerate: bool = False, solve: bool = False
) -> Answer:
    """Read an answer; where it lacks shadow prices, take those of the optimum.

    Any shadow prices >= 0 prove a bound, those of the optimum the best one.

    Args:
        folder: of the solution.
        market: whose answer it should be.
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
    lam, mu = stated.capacity_shadow_price, stated.budget_shadow_price
    if lam is not None and mu is not None and not solve:
        return Answer(stated, lam, mu, "given", of_this)
    best = edge.allocate(market, SOLVED_TOLERANCE, drop_degenerate=drop_degenerate)
    return Answer(
        stated,
        best.value.capacity_shadow_price,
        best.value.budget_shadow_price,
        "solved",
        of_this,
    )


def feasible_outcome(market: Market, answer: Answer) -> Outcome:
    """The answer scaled down to the limits, with what follows from it."""
    from stackelberg.edge.outcome import Ledger, on_edges, outcome_of, shrunk_to_limits

    ledger = Ledger(market)
    amount, _ = on_edges(market, answer.stated.allocation)
    return outcome_of(
        market,
        shrunk_to_limits(ledger, amount),
        answer.capacity_shadow_price,
        answer.budget_shadow_price,
        ledger,
    )


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
