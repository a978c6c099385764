"""`stackelberg edge explain`: one user or one node of an answer, in its own numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.edge.answers import doubts, feasible_outcome, read_answer, told_of
from stackelberg.cli.edge.names import Who, rows_named
from stackelberg.cli.edge.options import MarketFolder, Most, SolutionFolder
from stackelberg.cli.edge.told_nodes import node_parts, node_record
from stackelberg.cli.edge.told_users import user_parts, user_record
from stackelberg.cli.edge.welfare import AlphaAsStated, UtilityAsStated
from stackelberg.cli.options import AsJson
from stackelberg.errors import ConfigError


def explain(
    market: MarketFolder,
    solution: SolutionFolder,
    user: Annotated[str | None, typer.Option(help="Name of the user.")] = None,
    node: Annotated[str | None, typer.Option(help="Name of the node.")] = None,
    resource: Annotated[
        str | None, typer.Option(help="Of this type only; by default of each.")
    ] = None,
    utility: UtilityAsStated = None,
    fairness: AlphaAsStated = None,
    most: Most = 10,
    as_json: AsJson = False,
) -> None:
    """Explain one user (--user) or one node (--node) of an answer.

    A user: what it got and from where, which part of its one unit of virtual money
    goes to its budget and which to congested nodes, which node it would want more of,
    and what 1 % more would bring. A node: how full it is, who uses it, and what more
    capacity would bring.
    """
    from stackelberg import edge, io

    who, name = _asked(user, node)
    with terminal.progress("reading"), told_of(market):
        goods = io.read_market(market)
        rows = rows_named(goods, who, name, resource)
        answer = read_answer(
            solution, goods, utility=utility, fairness=fairness, drop_degenerate=True
        )
        outcome = feasible_outcome(goods, answer)
    welfare = answer.welfare
    if who == "user":
        users = [
            edge.explain_user(goods, outcome, row, **welfare.options) for row in rows
        ]
        records = [user_record(one, welfare, most) for one in users]
        shown = [part for one in users for part in user_parts(one, welfare, most)]
    else:
        nodes = [
            edge.explain_node(goods, outcome, row, **welfare.options) for row in rows
        ]
        records = [node_record(one, most) for one in nodes]
        shown = [part for one in nodes for part in node_parts(one, welfare, most)]
    if as_json:
        terminal.print_json(
            {
                "market": str(market),
                "solution": str(solution),
                "shadow_prices": answer.origin,
                **welfare.record,
                "of_this_market": answer.of_this_market,
                "explained": records,
            }
        )
        return
    console = terminal.console()
    for part in (*doubts(answer), *shown):
        console.print(part)


def _asked(user: str | None, node: str | None) -> tuple[Who, str]:
    if user is not None and node is None:
        return "user", user
    if node is not None and user is None:
        return "node", node
    raise ConfigError(
        "--user",
        expected="either --user NAME or --node NAME",
        got="neither" if user is None else "both",
    )
