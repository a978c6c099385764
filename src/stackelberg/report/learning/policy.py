"""A trained policy's part of a page: what it earns beside the equilibrium."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from stackelberg.learning import METRICS, Evaluation
from stackelberg.report.figure import WIDTH, Figure, values
from stackelberg.report.numbers import significant
from stackelberg.report.part import Part

EQUILIBRIUM = "equilibrium"
_GAINS = {"gain": "as played", "re_equilibrated_gain": "re-equilibrated"}
_PERCENT = (
    "follower_regret",
    "leader_regret",
    "cellular_outage",
    "deadline_misses",
    "equilibrium_found",
)
_MBPS = (
    "leader_utility_bps",
    "follower_utility_bps",
    "follower_reward_bps",
    "sum_rate_bps",
)


@dataclass(frozen=True)
class MetricRow:
    """One metric of every policy.

    Attributes:
        metric: its name.
        meaning: what it says.
        unit: of the values; empty for a share of one.
        value: by policy, in that order; None where it does not apply.
    """

    metric: str
    meaning: str
    unit: str
    value: tuple[float | None, ...]


@dataclass(frozen=True)
class PolicyReportData:
    """A trained policy judged beside others in the same worlds.

    Attributes:
        title: of the part or page.
        subtitle: what was judged, in one line.
        policies: names, the trained one first.
        rows: metrics, in the units that a reader sees.
        decisions_per_second: of the trained policy.
    """

    title: str
    subtitle: str
    policies: tuple[str, ...]
    rows: tuple[MetricRow, ...]
    decisions_per_second: float

    def as_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries and lists, for JSON."""
        return asdict(self)

    def value(self, metric: str, policy: str) -> float | None:
        """One number of the table."""
        row = next(row for row in self.rows if row.metric == metric)
        return row.value[self.policies.index(policy)]


def policy_report_data(
    found: Mapping[str, Evaluation],
    *,
    title: str,
    trained: str,
    decisions_per_second: float,
) -> PolicyReportData:
    """What a report of a trained policy shows.

    Args:
        found: by policy, over the same episodes, the trained one first.
        title: of the part or page.
        trained: by what, in a few words.
        decisions_per_second: of the trained policy.
    """
    first = next(iter(found.values()))
    metrics = {name: one.metrics() for name, one in found.items()}
    rows: list[MetricRow] = []
    for metric, meaning in METRICS.items():
        factor, unit = _unit(metric)
        value = [metrics[name][metric] for name in found]
        shown = tuple(None if one is None else factor * one for one in value)
        if any(one is not None for one in shown):
            rows.append(MetricRow(metric, meaning, unit, shown))
    return PolicyReportData(
        title=title,
        subtitle=f"{trained}; {first.channels} channels, {first.pairs} pairs, "
        f"{len(first.leader_utility)} episodes of {first.slots} slots",
        policies=tuple(name.replace("_", " ") for name in found),
        rows=tuple(rows),
        decisions_per_second=decisions_per_second,
    )


def _unit(metric: str) -> tuple[float, str]:
    if metric in _PERCENT:
        return 100.0, "%"
    return (1e-6, "Mbit/s") if metric in _MBPS else (1.0, "")


def policy_part(data: PolicyReportData) -> Part:
    """The text, figure and numbers of one trained policy."""
    return Part(
        name="policy",
        title=data.title,
        lead=data.subtitle,
        template="learning/policy.html.jinja",
        context={"data": data, "sentences_of": policy_sentences(data)},
        figures=(gain_figure(data),),
        numbers=data.as_dict(),
        numbers_id="policy-report-data",
    )


def policy_sentences(data: PolicyReportData) -> tuple[str, ...]:
    """What the numbers say, the trained policy first."""
    name = data.policies[0]
    gain = data.value("gain", name)
    settled = data.value("re_equilibrated_gain", name)
    regret = data.value("follower_regret", name)
    told = [
        "Of what pricing is worth to the leader at the equilibrium of each slot, which "
        f"sees everything, the policy earns {_share(gain)}; {_share(settled)} once "
        "followers play their best answers to its prices."
    ]
    if regret is not None:
        told.append(
            f"Its followers miss {significant(regret, 2)} % of their rate by not "
            "answering best."
        )
    speed = float(f"{data.decisions_per_second:.2g}")
    told.append(f"It decides {speed:,.0f} slots per second, prices and all powers.")
    return tuple(told)


def _share(value: float | None) -> str:
    return "nothing known" if value is None else f"{100.0 * value:.0f} %"


def gain_figure(data: PolicyReportData) -> Figure:
    """Both gains of every policy, the equilibrium at 1."""
    rows = [
        {"policy": policy, "what": what, "gain": data.value(metric, policy)}
        for policy in data.policies
        for metric, what in _GAINS.items()
    ]
    order = list(_GAINS.values())
    bars = (
        alt.Chart(values(rows))
        .mark_bar()
        .encode(
            y=alt.Y("policy:N", title=None, sort=list(data.policies)),
            yOffset=alt.YOffset("what:N", sort=order),
            x=alt.X(
                "gain:Q",
                title="gain: share of what the equilibrium earns",
                scale=alt.Scale(domain=[-1.0, 2.0], clamp=True, nice=False),
            ),
            opacity=alt.Opacity(
                "what:N",
                title=None,
                scale=alt.Scale(domain=order, range=[1.0, 0.5]),
                legend=alt.Legend(orient="bottom", columns=2),
            ),
            tooltip=["policy:N", "what:N", alt.Tooltip("gain:Q", format=".3f")],
        )
    )
    line = (
        alt.Chart(values([{"gain": 1.0, "policy": EQUILIBRIUM}]))
        .mark_rule(strokeDash=[4, 3])
        .encode(x="gain:Q", tooltip=["policy:N"])
    )
    return Figure(
        "policy-gain",
        "What the leader earns by pricing",
        "0: as much as without reuse; broken line at 1: the equilibrium of each slot "
        "with full information. Pale: once followers play best answers to the prices, "
        "so that nothing is earned from followers who answer badly. Bars are cut at -1 "
        "and 2; the table has the numbers.",
        (bars + line).properties(width=WIDTH - 80, height=40 * len(data.policies)),
    )
