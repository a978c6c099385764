"""Draws the pictures of `docs/games.md` from the library's own answers.

Run: .venv/bin/python docs/_site/pictures.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert

import stackelberg as sb
from stackelberg.report.edge.collect import edge_report_data
from stackelberg.report.edge.figures import limits
from stackelberg.report.edge.map import city_map
from stackelberg.report.figure import values
from stackelberg.report.spectrum.collect import collect_data
from stackelberg.report.spectrum.figures import cell_map
from stackelberg.report.theme import METHODS, config
from stackelberg.spectrum.insight import describe

FOLDER = Path(__file__).resolve().parents[1] / "pictures"

BLUE, SKY, AMBER = (
    METHODS[name].light for name in ("bilevel", "published", "uniform_price")
)

ONE_PRICE: dict[str, float] = {
    "cellular_power": 1.0,
    "interference_offset": -0.2,
    "residual_interference": -0.19,
    "spend_scale": 1.0,
    "follower_price_weight": 0.25,
    "leader_revenue_weight": 1.0,
    "min_price": 0.1,
    "max_price": 4.5,
}
"""The example of erratum E4: W = ln 2 beta^f, so that B = 1."""


def leader_utility(price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cellular rate and the weighted payment at prices of `ONE_PRICE`."""
    a, c, d, b, follower, leader, _, _ = ONE_PRICE.values()
    rate = follower * b * np.log1p(a / (d + b / price))
    return rate, leader * (b + c * price)


def one_price() -> Any:
    """What one price brings the leader, and where theory and print put it."""
    price = np.linspace(ONE_PRICE["min_price"], ONE_PRICE["max_price"], 221)
    rate, payment = leader_utility(price)
    parts = (
        ("leader utility", rate + payment),
        ("cellular rate", rate),
        ("weighted payment", payment),
    )
    lines = values(
        {"part": name, "price": float(x), "value": float(y)}
        for name, series in parts
        for x, y in zip(price, series, strict=True)
    )
    names = [name for name, _ in parts]
    best, at_best = sb.spectrum.price_given_others(**ONE_PRICE)
    printed, at_printed, _ = sb.spectrum.published_price(**ONE_PRICE)
    marks = values(
        {"price": float(x), "value": float(y), "what": what}
        for x, y, what in (
            (best, at_best, "best price"),
            (printed, at_printed, "printed rule"),
        )
    )
    drawn = (
        alt.Chart(lines)
        .mark_line(strokeWidth=2.4)
        .encode(
            x=alt.X("price:Q", title="reuse price"),
            y=alt.Y("value:Q", title="utility, units of B"),
            color=alt.Color(
                "part:N",
                title=None,
                scale=alt.Scale(domain=names, range=[BLUE, AMBER, SKY]),
                legend=alt.Legend(orient="bottom"),
            ),
            strokeDash=alt.StrokeDash(
                "part:N",
                title=None,
                scale=alt.Scale(domain=names, range=[[1, 0], [8, 3], [3, 2]]),
            ),
        )
    )
    points = alt.Chart(marks).encode(x="price:Q", y="value:Q")
    dots = points.mark_point(filled=True, size=90, color="black", opacity=1.0)
    words = points.mark_text(dy=-13, align="center", fontSize=12.5).encode(
        text="what:N"
    )
    return (drawn + dots + words).properties(width=560, height=260)


BINS = 61
"""Prices tried of each pair."""

TWO_PAIRS: dict[str, Any] = {
    "seed": 53,
    "num_channels": 1,
    "num_pairs": 2,
    "channel": [0, 0],
    "follower_price_weight": 0.3,
}


def two_prices() -> Any:
    """The leader's utility over both prices of one channel, and the two concepts."""
    cell = sb.spectrum.generate(**TWO_PAIRS)
    answers = {
        concept: sb.spectrum.solve(cell, concept).value
        for concept in ("bilevel", "iterated")
    }
    middle = np.log10(np.array([a.reuse_price for a in answers.values()]))
    axes = [
        10.0 ** np.linspace(low - 0.8, high + 0.8, BINS)
        for low, high in zip(middle.min(axis=0), middle.max(axis=0), strict=True)
    ]
    best = answers["bilevel"].leader_utility
    rows: list[dict[str, Any]] = []
    for first in axes[0]:
        for second in axes[1]:
            price = np.array([first, second])
            power = sb.spectrum.follower_equilibrium(cell, price).transmit_power_w
            if (power <= cell.min_power_w).any() or (power >= cell.max_power_w).any():
                continue  # a price beyond the box: it changes nothing but the payment
            reached = sb.spectrum.outcome(cell, [0, 0], price, power).leader_utility
            rows.append(
                {
                    "first": float(first),
                    "second": float(second),
                    "lost": float(100.0 * (1.0 - reached / best)),
                }
            )
    marks = values(
        {
            "first": float(answer.reuse_price[0]),
            "second": float(answer.reuse_price[1]),
            "what": concept,
        }
        for concept, answer in answers.items()
    )
    step = [axis[1] / axis[0] for axis in axes]
    cells = values(
        {
            "lost": row["lost"],
            "first": row["first"] / np.sqrt(step[0]),
            "first_end": row["first"] * np.sqrt(step[0]),
            "second": row["second"] / np.sqrt(step[1]),
            "second_end": row["second"] * np.sqrt(step[1]),
        }
        for row in rows
    )
    scale = alt.Scale(type="log", nice=False)
    axis = alt.Axis(format=".0e", tickCount=4)
    field = (
        alt.Chart(cells)
        .mark_rect()
        .encode(
            x=alt.X("first:Q", title="price of the first pair", scale=scale, axis=axis),
            x2="first_end:Q",
            y=alt.Y(
                "second:Q", title="price of the second pair", scale=scale, axis=axis
            ),
            y2="second_end:Q",
            color=alt.Color(
                "lost:Q",
                title=["leader utility", "lost (%)"],
                scale=alt.Scale(scheme="viridis", reverse=True),
            ),
        )
    )
    points = alt.Chart(marks).encode(x="first:Q", y="second:Q")
    dots = points.mark_point(
        filled=True, size=110, color="white", stroke="black", opacity=1.0
    )
    word: dict[str, Any] = {"dx": 10, "align": "left", "fontSize": 13}
    halo = points.mark_text(**word, color="white", stroke="white", strokeWidth=4)
    words = points.mark_text(**word, color="black")
    names = [text.encode(text="what:N") for text in (halo, words)]
    return (field + dots + names[0] + names[1]).properties(width=420, height=340)


def a_cell() -> Any:
    """A solved cell from above."""
    cell = sb.spectrum.generate(seed=0, num_channels=5, num_pairs=12)
    solution = sb.spectrum.solve(cell)
    data = collect_data(
        cell,
        solution.value,
        solution.certificate,
        describe(cell, solution.value),
        concept="bilevel",
        status=solution.status,
        title="",
    )
    return cell_map(data).chart


def a_city() -> tuple[Any, Any]:
    """A solved market from above, and what limits its users."""
    market = sb.edge.generate(seed=2, num_users=300, num_nodes=12)
    data = edge_report_data(market, sb.edge.allocate(market), title="")
    (record,) = data.resources
    return city_map(record, "unit").chart, limits(record).chart


NODE = 3


def one_owner() -> Any:
    """What one node earns at other prices, the others' at the equilibrium."""
    market = sb.edge.generate(seed=0, num_users=400, num_nodes=20)
    cost = 0.5 * market.price
    cap = 20.0 * market.price
    asked: dict[str, Any] = {"elasticity": 4.0, "cost": cost, "price_cap": cap}
    settled = sb.edge.price_equilibrium(market, **asked)
    price, ours = settled.value.price, settled.value.price[NODE]
    rows: list[dict[str, float]] = []
    for factor in np.geomspace(0.5, 3.0, 121):
        tried = price.copy()
        tried[NODE] = factor * ours
        reached = sb.edge.certify_prices(market, tried, accuracy=0.1, **asked)
        rows.append({"price": factor * ours, "profit": float(reached.profit[NODE])})
    line = (
        alt.Chart(values(rows))
        .mark_line(strokeWidth=2.4, color=BLUE)
        .encode(
            x=alt.X("price:Q", title="the node's own price"),
            y=alt.Y("profit:Q", title="its profit (money)"),
        )
    )
    most = float(settled.certificate.best_profit[NODE])
    mark = values([{"price": float(ours), "profit": float(settled.value.profit[NODE])}])
    dot = alt.Chart(mark).mark_point(filled=True, size=90, color="black", opacity=1.0)
    bound = alt.Chart(values([{"profit": most}])).mark_rule(
        strokeDash=[6, 3], color=AMBER, strokeWidth=2
    )
    return (
        line + dot.encode(x="price:Q", y="profit:Q") + bound.encode(y="profit:Q")
    ).properties(width=560, height=240)


def drawn() -> dict[str, Any]:
    """Every picture by the name of its file."""
    city, who = a_city()
    return {
        "one-price": one_price(),
        "two-prices": two_prices(),
        "cell": a_cell(),
        "city": city,
        "limits": who,
        "one-owner": one_owner(),
    }


SPOKEN = re.compile(r' (aria-label|aria-roledescription|role)="[^"]*"')
"""Said of every mark; the page says once what a picture shows."""

DIGITS = re.compile(r"(\d+\.\d{2})\d+")


def main() -> None:
    """Draw them all."""
    for name, chart in drawn().items():
        spec = chart.to_dict()
        spec.pop("config", None)
        svg = vl_convert.vegalite_to_svg(spec, config=config(dark=False))
        svg = DIGITS.sub(r"\1", SPOKEN.sub("", svg))
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
