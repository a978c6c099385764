"""Figures of the spectrum game: functions from a `ReportData` to an Altair chart.

One specification gives the interactive page and SVG, PNG or PDF. Colours come from
`theme.config`, so a chart does not know whether the page is light or dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import accumulate
from statistics import median
from typing import Any

import altair as alt

from stackelberg.report.figure import PANEL_WIDTH, WIDTH, Figure, values
from stackelberg.report.numbers import ROUNDING, listed, shown_percent
from stackelberg.report.spectrum.data import MethodRecord, PairRecord, ReportData
from stackelberg.report.spectrum.story import ALIKE
from stackelberg.report.theme import METHODS


def draw_figures(data: ReportData) -> list[Figure]:
    """The figures that `data` has numbers for, in reading order."""
    drawn: list[Figure] = []
    for has_numbers, draw in _FIGURES:
        if has_numbers(data):
            drawn.append(draw(data))
    return drawn


def cell_map(data: ReportData) -> Figure:
    """The cell from above: links coloured by price, sized by power."""
    reach = 1.06 * max(
        max(abs(place.x_m), abs(place.y_m)) for place in (*data.places, *_ends(data))
    )
    x = alt.X("x_m:Q", title="east of the base station (m)", scale=_square(reach))
    y = alt.Y("y_m:Q", title="north of the base station (m)", scale=_square(reach))
    users = values(asdict(p) for p in data.places if p.kind == "cellular user")
    labels = _channel_labels(data)
    stations = values(asdict(p) for p in data.places if p.kind == "base station")
    links = values(_pair_row(pair) for pair in data.pairs)
    price_scale = alt.Scale(type="log")
    # Lines and discs in one legend would make it a list; the discs' alone a gradient.
    line_colour = alt.Stroke("reuse_price:Q", scale=price_scale, legend=None)
    colour = alt.Fill(
        "reuse_price:Q",
        title=["reuse price", "(bit/s per W)"],
        scale=price_scale,
        legend=alt.Legend(format="~e", gradientLength=200, tickCount=5),
    )
    size = alt.Size(
        "transmit_power_dbm:Q",
        title=["transmit power", "(dBm)"],
        scale=alt.Scale(range=[25, 260], zero=False),
        legend=alt.Legend(symbolFillColor="#888888", symbolStrokeWidth=0),
    )
    tooltip = _pair_tooltip()
    link_x = alt.X("transmitter_x_m:Q", scale=_square(reach))
    link_y = alt.Y("transmitter_y_m:Q", scale=_square(reach))
    layers = (
        alt.Chart(values(labels))
        .mark_text(fontSize=10, dx=8, dy=-6, align="left")
        .encode(x=x, y=y, text="channel:N"),
        alt.Chart(users)
        .mark_point(shape="triangle-up", size=34, filled=False, style="soft")
        .encode(x=x, y=y, tooltip=[alt.Tooltip("label:N", title="place")]),
        alt.Chart(links)
        .mark_rule(strokeWidth=2.5)
        .encode(
            x=link_x,
            y=link_y,
            x2="receiver_x_m:Q",
            y2="receiver_y_m:Q",
            stroke=line_colour,
        ),
        alt.Chart(links)
        .mark_circle(opacity=0.9)
        .encode(x=link_x, y=link_y, fill=colour, size=size, tooltip=tooltip),
        alt.Chart(stations)
        .mark_point(shape="cross", size=260, strokeWidth=2.5)
        .encode(x=x, y=y, tooltip=[alt.Tooltip("label:N", title="place")]),
    )
    chart = alt.layer(*layers).properties(width=540, height=540)
    return Figure(
        "map",
        "The cell",
        "Each disc is a D2D transmitter, its tail ends at the receiver. Colour is the "
        "reuse price (log scale), area the transmit power. Cross: base station. "
        "Triangles: cellular users. A number is the channel of the disc or triangle "
        "beside it: pairs disturb the user with their number at the base station.",
        chart,
    )


def price_against_margin(data: ReportData) -> Figure:
    """Price and price box of each pair against its interference margin."""
    middle = median(pair.reuse_price for pair in data.pairs)
    pairs = values(
        {
            **_pair_row(pair),
            "price_db": _decibels(pair.reuse_price / middle),
            "lowest_db": _decibels(pair.lowest_price / middle),
            "highest_db": _decibels(pair.highest_price / middle),
        }
        for pair in data.pairs
    )
    x = alt.X(
        "interference_margin_db:Q",
        title="interference margin: cellular signal over the pair's at full power (dB)",
        scale=alt.Scale(zero=False, padding=12),
    )
    scale = alt.Scale(zero=False, padding=12)
    shape = alt.Shape(
        "limit:N",
        title="what holds its power",
        scale=alt.Scale(
            domain=list(LIMITS), range=["triangle-down", "triangle-up", "circle"]
        ),
        legend=alt.Legend(orient="bottom", columns=3),
    )
    boxes = (
        alt.Chart(pairs)
        .mark_rule(strokeWidth=1.2, opacity=0.65, style="soft")
        .encode(
            x=x,
            y=alt.Y("lowest_db:Q", scale=scale, title=_PRICE_DB),
            y2="highest_db:Q",
        )
    )
    points = (
        alt.Chart(pairs)
        .mark_point(filled=True, size=70, opacity=0.95)
        .encode(
            x=x,
            y=alt.Y("price_db:Q", scale=scale, title=_PRICE_DB),
            shape=shape,
            tooltip=_pair_tooltip(),
        )
    )
    return Figure(
        "price-margin",
        "Price against interference margin",
        f"0 dB is the median price, {middle:.3g} bit/s per W of interference at the "
        f"base station. {_why_prices_rise(data)}The bar is the price box that the "
        "power range leaves at the others' powers, the mark the price. A mark at the "
        "upper end of its bar is a pair that is priced down to its least power: the "
        "price box itself is what stops the leader.",
        (boxes + points).properties(width=WIDTH, height=340),
    )


def _why_prices_rise(data: ReportData) -> str:
    """Why price and margin go together, where what is paid says so."""
    shares = [pair.spend_share for pair in data.pairs]
    if min(shares) < ALIKE:
        return ""
    return (
        "Price rises with margin because a price is per W of interference: every "
        f"pair pays {min(shares):.2g} to {max(shares):.2g} of the same B whatever "
        "its gain to the base station, so one that is heard weakly there has a "
        "high price per W. "
    )


def sinr_distributions(data: ReportData) -> Figure:
    """Share of cellular users and of pairs below each SINR, per method."""
    chosen = alt.selection_point(fields=["label"], bind="legend")
    shown = [
        (title, member)
        for title, member in _LINKS
        if any(getattr(method, member) for method in data.methods)
    ]
    panels = [
        _distribution(data, title, member, chosen, choosing=i == 0)
        for i, (title, member) in enumerate(shown)
    ]
    alike = _coinciding(data.methods)
    told = (
        f" Where lines coincide everywhere ({alike}), the narrower lies on the wider."
        if alike
        else ""
    )
    return Figure(
        "sinr",
        "SINR of cellular users and D2D pairs",
        "Further right is better. Thin rules mark 0 dB and 5 dB. Click a method in "
        f"the legend to single it out.{told}",
        alt.vconcat(*panels, spacing=20),
    )


def _distribution(
    data: ReportData, title: str, member: str, chosen: Any, *, choosing: bool
) -> Any:
    """Empirical distribution functions of one kind of link, with rules to compare by.

    Methods drawn earlier have wider lines, so that one below another still shows.
    """
    drawn = [m for m in data.methods if getattr(m, member)]
    sinr = [x for m in drawn for x in getattr(m, member)]
    step = 10 if max(sinr) - min(sinr) <= 70.0 else 20
    low = step * math.floor(min(*sinr, 0.0) / step)
    high = step * math.ceil(max(*sinr, 5.0) / step)
    x = alt.X(
        "sinr_db:Q",
        title="SINR (dB)",
        scale=alt.Scale(domain=[low, high], nice=False),
        axis=alt.Axis(values=list(range(low, high + 1, step)), labelOverlap=False),
    )
    y = alt.Y(
        "share:Q",
        title="share of links below",
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, 1]),
    )
    rows = [
        {**row, "links": title, "order": i}
        for i, m in enumerate(drawn)
        for row in _steps(m, getattr(m, member))
    ]
    rules = (
        alt.Chart(values({"sinr_db": float(at)} for at in _MARKED_DB))
        .mark_rule(strokeWidth=0.8)
        .encode(x=x)
    )
    lines = [
        alt.Chart(values(row for row in rows if row["method"] == m.method))
        .mark_line(interpolate="step-after", strokeWidth=_line_width(drawn, i))
        .encode(
            x=x,
            y=y,
            color=_method_colour(data),
            strokeDash=_method_dash(data),
            opacity=alt.condition(chosen, alt.value(1), alt.value(0.12)),
            order="share:Q",
            tooltip=[
                "label:N",
                alt.Tooltip("sinr_db:Q", title="SINR (dB)", format=".3~g"),
                alt.Tooltip("share:Q", title="below", format=".0%"),
            ],
        )
        for i, m in enumerate(drawn)
    ]
    if choosing:  # one view holds the choice; the others follow it
        lines[-1] = lines[-1].add_params(chosen)
    return alt.layer(rules, *lines, title=title).properties(width=WIDTH, height=230)


def _line_width(drawn: list[MethodRecord], place: int) -> float:
    """Wider for what is drawn earlier, more so below a method it coincides with, px."""
    later = drawn[place + 1 :]
    twins = sum(_curve(m) == _curve(drawn[place]) for m in later)
    return 1.5 + 0.4 * len(later) + 2.6 * twins


def _coinciding(methods: tuple[MethodRecord, ...]) -> str:
    """Methods with the same SINR everywhere, in words."""
    groups: dict[tuple[float, ...], list[str]] = {}
    for m in methods:
        groups.setdefault(_curve(m), []).append(METHODS[m.method].label)
    return ", ".join(listed(same) for same in groups.values() if len(same) > 1)


def _curve(method: MethodRecord) -> tuple[float, ...]:
    """What the figure draws of a method, to a tenth of a dB."""
    return tuple(
        round(x, 1)
        for values in (method.cellular_sinr_db, method.d2d_sinr_db)
        for x in sorted(values)
    )


def utility_and_regrets(data: ReportData) -> Figure:
    """Leader utility per method, and how far each is from what it might claim."""
    order = [METHODS[name].label for name in _present(data)]
    bound = _proved_bound(data)
    y = alt.Y(
        "label:N",
        title=None,
        scale=alt.Scale(domain=order),
        axis=alt.Axis(labelFontSize=12.5),
    )
    utilities = values(
        {
            **_labelled(m.method),
            "value": m.leader_utility_bps / 1e6,
            "words": _beside_bound(m, bound),
        }
        for m in data.methods
    )
    peak = max(m.leader_utility_bps for m in data.methods) / 1e6
    x = alt.X(
        "value:Q",
        title="leader utility (Mbit/s)",
        scale=alt.Scale(domain=[0, 1.45 * peak], nice=False),
    )
    base = alt.Chart(utilities, title="leader utility")
    bars = base.mark_bar(height=15, cornerRadiusEnd=2).encode(
        x=x,
        y=y,
        color=_method_colour(data, legend=False),
        tooltip=["label:N", alt.Tooltip("value:Q", title="Mbit/s", format=".5~g")],
    )
    words = base.mark_text(align="left", dx=5, fontSize=11.5).encode(
        x=x, y=y, text="words:N"
    )
    above = (bars + words).properties(width=PANEL_WIDTH, height=200)
    return Figure(
        "utility",
        "Leader utility per method, with regrets",
        "In brackets the bilevel gap: how far above each, as a share of it, is the "
        "proved bound, which no prices on these channels can pass; where a method has "
        f"none, no bound was computed. Regrets below {REGRET_FLOOR:.0e} are drawn at "
        "the left edge. A price regret of 0 is a Stackelberg equilibrium only "
        "where no channel carries two pairs.",
        alt.vconcat(above, _regret_panel(data, order), spacing=15),
    )


def sum_rate_against_pairs(data: ReportData) -> Figure:
    """Sum rate of each method as pairs are added."""
    rows = values(
        {
            **_labelled(point.method),
            "num_pairs": point.num_pairs,
            "mean": point.sum_rate_bps / 1e6,
            "low": point.lowest_bps / 1e6,
            "high": point.highest_bps / 1e6,
        }
        for point in data.sweep
    )
    x = alt.X(
        "num_pairs:Q",
        title="D2D pairs in the cell",
        axis=alt.Axis(values=sorted({point.num_pairs for point in data.sweep})),
        scale=alt.Scale(zero=False, padding=14),
    )
    y = alt.Y("mean:Q", title="sum rate (Mbit/s)", scale=alt.Scale(zero=False))
    tooltip = [
        "label:N",
        "num_pairs:Q",
        alt.Tooltip("mean:Q", title="mean (Mbit/s)", format=".4~g"),
        alt.Tooltip("low:Q", title="least (Mbit/s)", format=".4~g"),
        alt.Tooltip("high:Q", title="greatest (Mbit/s)", format=".4~g"),
    ]
    base = alt.Chart(rows)
    lines = base.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=_method_colour(data), strokeDash=_method_dash(data)
    )
    # Another channel and field than the lines', or points would join their legend.
    names = list(METHODS)
    shapes = [style.shape for style in METHODS.values()]
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        x=x,
        y=y,
        fill=alt.Fill("method:N", scale=alt.Scale(domain=names), legend=None),
        shape=alt.Shape(
            "method:N", scale=alt.Scale(domain=names, range=shapes), legend=None
        ),
        tooltip=tooltip,
    )
    cells = data.sweep[0].cells
    return Figure(
        "sum-rate",
        "Sum rate against number of pairs",
        f"Cellular plus D2D rates, mean of {cells} generated cells per point; the "
        "leader does not maximise this sum, so the highest line is not the aim of "
        "any method here.",
        (lines + points).properties(width=WIDTH, height=320),
    )


def flatness(data: ReportData) -> Figure:
    """Leader utility lost when powers move by some dB."""
    rows = values(
        {"shift_db": r.shift_db, "which": r.which, "lost": 100.0 * r.lost}
        for r in data.flatness
    )
    base = alt.Chart(rows).encode(
        x=alt.X("shift_db:Q", title="powers moved by (dB)"),
        y=alt.Y("lost:Q", title="leader utility lost (%)"),
        tooltip=[
            alt.Tooltip("which:N", title="moved"),
            alt.Tooltip("shift_db:Q", title="by (dB)"),
            alt.Tooltip("lost:Q", title="lost (%)", format=".3~g"),
        ],
    )
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=500)
    lines = base.mark_line(strokeWidth=2).encode(
        strokeDash=alt.StrokeDash("which:N", title=None, legend=legend)
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        shape=alt.Shape("which:N", legend=None)
    )
    return Figure(
        "flatness",
        "How flat the answer is",
        "Leader utility lost when powers are moved off the answer and every price "
        "follows; powers stop at their limits.",
        (lines + points).properties(width=WIDTH, height=240),
    )


def channel_loads(data: ReportData) -> Figure:
    """How many pairs each channel carries."""
    rows = values(
        {"channel": i, "pairs": pairs} for i, pairs in enumerate(data.pairs_per_channel)
    )
    chart = (
        alt.Chart(rows)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X("channel:O", title="channel", axis=alt.Axis(labelAngle=0)),
            y=alt.Y(
                "pairs:Q", title="D2D pairs", axis=alt.Axis(tickMinStep=1, format="d")
            ),
            tooltip=["channel:O", "pairs:Q"],
        )
        .properties(width=WIDTH, height=150)
    )
    return Figure(
        "channels",
        "Pairs per channel",
        "How the pairs are spread over the cellular channels.",
        chart,
    )


LIMITS = ("at least power", "at greatest power", "inside its limits")
"""What can hold a pair's power, in words."""

REGRET_FLOOR = 1e-12
"""Relative regrets below are drawn as this."""

_LINKS = (
    ("cellular users at the base station", "cellular_sinr_db"),
    ("D2D pairs", "d2d_sinr_db"),
)

_MARKED_DB = (0.0, 5.0)
"""SINR at which users are counted as lost or badly served."""

_PRICE_DB = "reuse price against the median (dB)"


@dataclass(frozen=True)
class _End:
    x_m: float
    y_m: float


def _ends(data: ReportData) -> list[_End]:
    places = [(p.transmitter_x_m, p.transmitter_y_m) for p in data.pairs]
    places += [(p.receiver_x_m, p.receiver_y_m) for p in data.pairs]
    return [_End(x, y) for x, y in places if x is not None and y is not None]


def _channel_labels(data: ReportData) -> list[dict[str, Any]]:
    """The channel beside every cellular user and transmitter."""
    users = [p for p in data.places if p.kind == "cellular user"]
    marks = [(i, p.x_m, p.y_m) for i, p in enumerate(users)]
    marks += [
        (p.channel, p.transmitter_x_m, p.transmitter_y_m)
        for p in data.pairs
        if p.transmitter_x_m is not None and p.transmitter_y_m is not None
    ]
    return [{"channel": str(i), "x_m": x, "y_m": y} for i, x, y in marks]


def _square(reach: float) -> Any:
    return alt.Scale(domain=[-reach, reach], nice=False)


def _pair_tooltip() -> list[Any]:
    return [
        alt.Tooltip("pair:Q"),
        alt.Tooltip("channel:Q"),
        alt.Tooltip("user:N", title="cellular user"),
        alt.Tooltip("reuse_price:Q", title="price (bit/s per W)", format=".4~g"),
        alt.Tooltip("transmit_power_dbm:Q", title="power (dBm)", format=".4~g"),
        alt.Tooltip("limit:N", title="held by"),
        alt.Tooltip("payment_bps:Q", title="pays (bit/s)", format=".4~s"),
        alt.Tooltip("sinr_db:Q", title="SINR (dB)", format=".3~g"),
    ]


def _decibels(ratio: float) -> float:
    return 10.0 * math.log10(ratio)


def _pair_row(pair: PairRecord) -> dict[str, Any]:
    """A pair as data, with what its tooltip says of its channel."""
    row = asdict(pair)
    return {**row, "user": f"that of channel {pair.channel}"}


def _labelled(method: str) -> dict[str, str]:
    return {"method": method, "label": METHODS[method].label}


def _present(data: ReportData) -> list[str]:
    """The methods that occur, in the order of every legend."""
    seen = {m.method for m in data.methods} | {p.method for p in data.sweep}
    return [name for name in METHODS if name in seen]


_ALL_LABELS = [style.label for style in METHODS.values()]


def _method_legend(data: ReportData) -> Any:
    """The methods present, as pieces of line."""
    present = [METHODS[name].label for name in _present(data)]
    return alt.Legend(
        values=present,
        orient="bottom",
        columns=4,
        symbolSize=260,
    )


def _method_colour(data: ReportData, *, legend: bool = True) -> Any:
    shown = _method_legend(data) if legend else None
    return alt.Color("label:N", title=None, scale=_every_method(), legend=shown)


def _every_method(**ranges: Any) -> Any:
    # Every method stays in the domain, so that a colour means one method everywhere.
    return alt.Scale(domain=_ALL_LABELS, **ranges)


def _method_dash(data: ReportData) -> Any:
    dashes = [list(style.dash) for style in METHODS.values()]
    scale = _every_method(range=dashes)
    legend = _method_legend(data)
    return alt.StrokeDash("label:N", title=None, scale=scale, legend=legend)


def _steps(method: MethodRecord, sinr_db: tuple[float, ...]) -> list[dict[str, Any]]:
    """The corners of an empirical distribution function."""
    ordered = sorted(sinr_db)
    shares = accumulate([1.0 / len(ordered)] * len(ordered)) if ordered else []
    rows = [
        {**_labelled(method.method), "sinr_db": x, "share": min(share, 1.0)}
        for x, share in zip(ordered, shares, strict=True)
    ]
    first = [{**rows[0], "share": 0.0}] if rows else []
    return first + rows


def _proved_bound(data: ReportData) -> float | None:
    """The least bound that any method's gap proves, bit/s: it holds for all."""
    bounds = [
        m.leader_utility_bps * (1.0 + m.bilevel_gap)
        for m in data.methods
        if m.bilevel_gap is not None
    ]
    return min(bounds) if bounds else None


def _beside_bound(method: MethodRecord, bound: float | None) -> str:
    """The utility, and by how much the bound is above it, as a share of it."""
    utility = f"{method.leader_utility_bps / 1e6:.2f}"
    if bound is None:
        return utility
    gap = bound / method.leader_utility_bps - 1.0
    if gap < -ROUNDING:  # no reuse is no answer of the game, and can be above it
        return utility
    return f"{utility} (gap {shown_percent(gap, 2)})"


def _regret_panel(data: ReportData, order: list[str]) -> Any:
    kinds = (
        ("follower regret", "follower_regret", "circle"),
        ("price regret", "price_regret", "square"),
        ("bilevel gap", "bilevel_gap", "diamond"),
    )
    rows = [
        {
            **_labelled(method.method),
            "kind": kind,
            "value": value,
            "drawn": max(value, REGRET_FLOOR),
        }
        for method in data.methods
        for kind, member, _ in kinds
        if (value := getattr(method, member)) is not None
    ]
    names = [kind for kind, _, _ in kinds]
    return (
        alt.Chart(values(rows), title="regrets and gap")
        .mark_point(size=75, filled=False, strokeWidth=2)
        .encode(
            x=alt.X(
                "drawn:Q",
                title="relative size (1 = all of it)",
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=alt.Axis(format="~e", tickCount=6, labelOverlap=True),
            ),
            # The same rows as beside it, those without a number included.
            y=alt.Y(
                "label:N",
                title=None,
                scale=alt.Scale(domain=order),
                axis=alt.Axis(labelFontSize=12.5),
            ),
            shape=alt.Shape(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=names, range=[s for _, _, s in kinds]),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=[
                "label:N",
                "kind:N",
                alt.Tooltip("value:Q", format=".3~e"),
            ],
        )
        .properties(width=PANEL_WIDTH, height=200)
    )


_FIGURES: tuple[
    tuple[Callable[[ReportData], bool], Callable[[ReportData], Figure]], ...
] = (
    (lambda d: bool(d.places), cell_map),
    (lambda d: bool(d.pairs), price_against_margin),
    (lambda d: bool(d.methods), sinr_distributions),
    (lambda d: bool(d.methods), utility_and_regrets),
    (lambda d: bool(d.sweep), sum_rate_against_pairs),
    (lambda d: bool(d.pairs), channel_loads),
    (lambda d: bool(d.flatness), flatness),
)
