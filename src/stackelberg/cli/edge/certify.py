"""`stackelberg edge certify`: how good an allocation is, whoever computed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.claims import (
    Claim,
    claim_lines,
    claim_records,
    unheld,
    unproved,
    untrue,
    untrue_entries,
)
from stackelberg.cli.edge.answers import Answer, read_answer, told_of
from stackelberg.cli.edge.options import (
    DropDegenerate,
    MarketFolder,
    SolutionFolder,
    Tolerance,
)
from stackelberg.cli.edge.welfare import AlphaAsStated, UtilityAsStated
from stackelberg.cli.edge.words import SHARE_OF
from stackelberg.cli.exit_codes import DONE, NOT_REACHED
from stackelberg.cli.options import AsJson
from stackelberg.errors import DomainError
from stackelberg.report.numbers import shown_percent

if TYPE_CHECKING:
    from stackelberg.edge import EdgeCertificate, Market


def certify(
    market: MarketFolder,
    solution: SolutionFolder,
    tolerance: Tolerance = 1e-8,
    own_prices: Annotated[
        bool,
        typer.Option(
            "--own-prices",
            help="Solve the market for the shadow prices of the proof, even where the "
            "solution has some: they give the best bound.",
        ),
    ] = False,
    utility: UtilityAsStated = None,
    fairness: AlphaAsStated = None,
    drop_degenerate: DropDegenerate = False,
    as_json: AsJson = False,
) -> int:
    """Compute every number of an allocation's certificate from the tables alone.

    An allocation is enough; without shadow prices the market is solved for those of
    the proof. What breaks a limit is measured, then scaled down; everything else is
    about the allocation so made feasible. Exits with 3 where a limit is broken or the
    gap exceeds --tolerance.
    """
    from stackelberg import edge, io

    if not tolerance > 0.0:
        raise DomainError("--tolerance", expected="a number > 0", got=tolerance)
    with (
        terminal.timed() as watch,
        terminal.progress(f"certifying{terminal.COMPILES}"),
        told_of(market),
    ):
        goods = io.read_market(market)
        answer = read_answer(
            solution,
            goods,
            utility=utility,
            fairness=fairness,
            drop_degenerate=drop_degenerate,
            solve=own_prices,
        )
        certificate = edge.certify(
            goods,
            answer.stated.allocation,
            answer.capacity_shadow_price,
            answer.budget_shadow_price,
            **answer.welfare.options,
            drop_degenerate=drop_degenerate,
        )
    holds = certificate.holds(tolerance)
    claims = list(_claims(goods, answer, certificate))
    if as_json:
        terminal.print_json(
            {
                "market": str(market),
                "solution": str(solution),
                "tolerance": tolerance,
                "holds": holds,
                "of_this_market": answer.of_this_market,
                "shadow_prices": answer.origin,
                **answer.welfare.record,
                "seconds": watch.seconds,
                "stated": _stated(answer),
                "not_borne_out": claim_records(claims),
                "certificate": terminal.certificate_values(certificate),
            }
        )
    else:
        console = terminal.console()
        console.print(f"{solution}: {_words(answer)}")
        console.print(terminal.certificate_table(certificate, share_of=SHARE_OF))
        for line in _moved(certificate):
            console.print(line)
        stated = answer.stated
        status = unheld(stated.status, tolerance, stated.stats, certificate.holds)
        for line in claim_lines(claims, status):
            console.print(line)
        verdict = "holds" if holds else "does not hold"
        console.print(f"at tolerance {tolerance:g}: {verdict}")
    return DONE if holds else NOT_REACHED


def _stated(answer: Answer) -> dict[str, Any]:
    """What the folder says about itself, which nobody believes."""
    stated = answer.stated
    return {
        "status": None if stated.status is None else stated.status.label,
        "objective": stated.objective,
        "gap_per_user": stated.gap_per_user,
    }


def _claims(
    market: Market, answer: Answer, certificate: EdgeCertificate
) -> Iterator[Claim]:
    """What the folder says about itself that is otherwise."""
    from stackelberg.edge.certify import EXACT
    from stackelberg.edge.outcome import Ledger, on_edges

    stated, by = answer.stated, answer.welfare
    amounts = stated.allocation
    inside, _ = on_edges(market, amounts)
    utility = Ledger(market).value(by.utility, inside.clip(min=0.0))
    yield from untrue(
        "objective", stated.objective, certificate.objective, scale=float(len(utility))
    )
    for name in ("gap_per_user", "worst_violation"):
        found: float = getattr(certificate, name)
        yield from unproved(name, getattr(stated, name), found, EXACT)
    spend, load = amounts @ market.price, amounts.sum(axis=0)
    for name, said, is_, names in (
        ("utility of user", stated.utility, utility, market.users),
        ("spend of user", stated.spend, spend, market.users),
        ("load of node", stated.load, load, market.nodes),
        ("revenue of node", stated.revenue, load * market.price, market.nodes),
    ):
        yield from untrue_entries(name, said, is_, names.tolist())


def _words(answer: Answer) -> str:
    prices = {
        "given": "allocation and shadow prices",
        "solved": "allocation; shadow prices from solving the market",
    }[answer.origin]
    of = {
        True: "",
        False: "; says that it is of a market with other data",
        None: "",
    }[answer.of_this_market]
    by = answer.welfare
    usual = by.is_log and by.text == "linear"
    judged = "" if usual else f"; utility {by.text}, fairness {by.fairness.alpha:g}"
    return prices + judged + of


def _moved(certificate: EdgeCertificate) -> list[str]:
    """Whether it had to be made feasible, and what that changed."""
    if certificate.moved == 0.0 and certificate.worst_violation == 0.0:
        return ["it keeps every limit as given"]
    return [
        "made feasible by scaling down: no utility changed by more than "
        f"{shown_percent(certificate.moved)}"
    ]
