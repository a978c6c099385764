"""`stackelberg edge diff`: what changed between two answers, and because of what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.edge.answers import Answer, feasible_outcome, read_answer, told_of
from stackelberg.cli.edge.options import Most
from stackelberg.cli.edge.told_difference import difference_parts
from stackelberg.cli.edge.welfare import AlphaAsStated, UtilityAsStated, Welfare
from stackelberg.cli.options import AsJson
from stackelberg.errors import ConfigError, DomainError

if TYPE_CHECKING:
    from stackelberg.edge import Difference, Market, Outcome

RESOLVED_TOLERANCE = 1e-9
"""Gap per user of the markets that are solved for --resolve."""


@dataclass(frozen=True, eq=False)
class _End:
    """One of the two answers with its market, and what is proved about it."""

    folder: Path
    market_folder: Path
    market: Market
    answer: Answer
    outcome: Outcome
    duality_gap: float


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="Solution, before.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Solution, after.")],
    market_a: Annotated[
        Path | None,
        typer.Option(help="Market of A; by default where A says that it lies."),
    ] = None,
    market_b: Annotated[
        Path | None,
        typer.Option(help="Market of B; by default where B says that it lies."),
    ] = None,
    utility: UtilityAsStated = None,
    fairness: AlphaAsStated = None,
    resolve: Annotated[
        bool,
        typer.Option(
            "--resolve",
            help="Also solve markets in which only some kinds of input changed: up to "
            "62 solves.",
        ),
    ] = False,
    most: Most = 5,
    as_json: AsJson = False,
) -> None:
    """Say what changed between two solutions, and because of which input.

    The change of the objective, by default the sum of log utilities, is split among
    prices, capacities, budgets, weights, users and nodes by the shadow prices of both
    ends; what that leaves unexplained is shown. With --resolve also by solving: Shapley
    values, which leave nothing.
    """
    from stackelberg import edge

    with terminal.progress("reading both"):
        first = _end(before, market_a, "--market-a", utility, fairness)
        second = _end(after, market_b, "--market-b", utility, fairness)
        welfare = _common_welfare(first, second)
        found = edge.difference(
            (first.market, first.outcome),
            (second.market, second.outcome),
            **welfare.options,
            most=most,
        )
    resolved = _resolved(first, second, found) if resolve else None
    if as_json:
        terminal.print_json(_record(first, second, found, resolved))
        return
    console = terminal.console()
    ends = (str(before), str(after))
    gaps = (first.duality_gap, second.duality_gap)
    for part in difference_parts(found, ends, gaps, resolved, welfare, most):
        console.print(part)


def _end(
    folder: Path,
    market_folder: Path | None,
    option: str,
    utility: str | None,
    fairness: float | None,
) -> _End:
    from stackelberg import edge, io

    told = market_folder
    if told is None:
        told = _recorded(folder, option)
    with told_of(told):
        market = io.read_market(told)
        answer = read_answer(
            folder, market, utility=utility, fairness=fairness, drop_degenerate=True
        )
        if market_folder is None and answer.of_this_market is False:
            raise ConfigError(
                option,
                expected=f"the market of {folder}, whose data {told} no longer holds",
                got="nothing",
            )
        outcome = feasible_outcome(market, answer)
        certificate = edge.certify(
            market,
            outcome.allocation,
            outcome.capacity_shadow_price,
            outcome.budget_shadow_price,
            **answer.welfare.options,
            drop_degenerate=True,
        )
    return _End(folder, told, market, answer, outcome, certificate.duality_gap)


def _common_welfare(first: _End, second: _End) -> Welfare:
    """What both are judged by.

    Raises:
        ConfigError: they say different things.
    """
    one, other = first.answer.welfare, second.answer.welfare
    if not one.same_as(other):
        raise ConfigError(
            "--utility",
            expected=f"--utility and --fairness, since {first.folder} is for "
            f"{one.text} and {one.fairness.alpha:g}, {second.folder} for {other.text} "
            f"and {other.fairness.alpha:g}",
            got="nothing",
        )
    return one


def _recorded(folder: Path, option: str) -> Path:
    """Where the solution says that its market lies."""
    from stackelberg import io

    reference = io.read_market_reference(folder)
    path = None if reference is None else reference.path_from(folder)
    if path is None:
        raise ConfigError(
            option,
            expected=f"the market of {folder}, which does not say where it lies",
            got="nothing",
        )
    return Path(path)


def _resolved(first: _End, second: _End, found: Difference) -> Mapping[str, float]:
    """Shapley value of each kind of input that differs."""
    from stackelberg.edge.explanation.envelope import Group
    from stackelberg.edge.explanation.pairing import pair
    from stackelberg.edge.explanation.switching import (
        Switched,
        intermediate,
        shapley_effects,
        switched_market,
    )

    matched = pair(first.market, second.market)
    groups: tuple[Group, ...] = tuple(group.group for group in found.groups)
    value: dict[Switched, float] = {
        frozenset(groups): found.objective_after,
        frozenset(): found.objective_before,
    }
    todo = list(intermediate(groups))
    with terminal.progress_of("solving again") as shown:
        for k, switched in enumerate(todo):
            shown(f"{k + 1} of {len(todo)}")
            market = switched_market(matched, switched)
            value[switched] = _optimum(market, first.answer.welfare)
    return {**shapley_effects(groups, value)}


def _optimum(market: Market, welfare: Welfare) -> float:
    """The greatest welfare; NaN where somebody can get nothing or without limit."""
    from stackelberg import edge

    try:
        solution = edge.allocate(market, RESOLVED_TOLERANCE, **welfare.options)
    except DomainError:
        return math.nan
    return solution.certificate.objective


def _record(
    first: _End, second: _End, found: Difference, resolved: Mapping[str, float] | None
) -> dict[str, Any]:
    def end(one: _End) -> dict[str, Any]:
        return {
            "solution": str(one.folder),
            "market": str(one.market_folder),
            "shadow_prices": one.answer.origin,
            "of_this_market": one.answer.of_this_market,
            "duality_gap": one.duality_gap,
        }

    return {
        "before": end(first),
        "after": end(second),
        **first.answer.welfare.record,
        **asdict(found),
        "groups": [
            {
                **asdict(group),
                "effect": group.effect,
                "resolved": None if resolved is None else resolved[group.group],
            }
            for group in found.groups
        ],
        "change": found.change,
        "remainder": found.remainder,
    }
