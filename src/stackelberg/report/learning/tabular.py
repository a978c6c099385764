"""A tabular game's part of a page: both residuals, the flips, and every state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import altair as alt

from stackelberg.game import Solution, Status
from stackelberg.learning import TabularAnswer, TabularCertificate, TabularGame
from stackelberg.report.certificate import CertificateRecord, certificate_records
from stackelberg.report.figure import WIDTH, Figure, log_axis, values
from stackelberg.report.numbers import significant
from stackelberg.report.part import Part

TABULAR_SHARE_OF = {
    "relative_residual": "of the rewards' span",
    "relative_regret": "of the rewards' span",
}
"""What the certificate's numbers without a unit are a share of."""

TRUTH, SEEN = "residual in the true model", "largest step of a table entry"

Answered = Solution[TabularAnswer, TabularCertificate]


@dataclass(frozen=True)
class CurveRecord:
    """One point of a curve: sweep or step, residual, what else is known there."""

    at: int
    residual: float
    flips: int
    table_change: float | None = None


@dataclass(frozen=True)
class StateRecord:
    """What is played in one state, exactly and as learnt."""

    state: str
    exact: str
    learnt: str
    exact_value: float
    learnt_value: float


@dataclass(frozen=True)
class TabularReportData:
    """One tabular game, solved and learnt.

    Attributes:
        title: of the part or page.
        subtitle: what was solved, in one line.
        status: how both ended.
        advice: what that means.
        facts: names and values, as text.
        sweeps: of exact value iteration.
        steps: checkpoints of ST-Q.
        states: what is played where; values are the leader's.
        exact_certificate: of value iteration's answer.
        learnt_certificate: of the learnt answer.
    """

    title: str
    subtitle: str
    status: str
    advice: str
    facts: tuple[tuple[str, str], ...]
    sweeps: tuple[CurveRecord, ...]
    steps: tuple[CurveRecord, ...]
    states: tuple[StateRecord, ...]
    exact_certificate: tuple[CertificateRecord, ...]
    learnt_certificate: tuple[CertificateRecord, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries and lists, for JSON."""
        return asdict(self)


def tabular_report_data(
    game: TabularGame, exact: Answered, learnt: Answered, *, title: str
) -> TabularReportData:
    """What a report of one tabular game shows.

    Args:
        game: the true model.
        exact: from `learning.iterate_values`.
        learnt: from `learning.learn_stq`.
        title: of the part or page.
    """
    worst = max(exact.status, learnt.status)
    return TabularReportData(
        title=title,
        subtitle=f"{game.num_states} states, {game.num_leader_actions} leader actions, "
        f"{game.num_followers} followers; {exact.value.choice} choice",
        status="converged" if worst == Status.CONVERGED else "not converged",
        advice=outcome_sentence(exact, learnt) + " " + Status(worst).advice,
        facts=(
            ("value iteration", ending(exact)),
            ("ST-Q", ending(learnt)),
            ("exact residual", significant(exact.certificate.residual, 3)),
            ("learnt residual", significant(learnt.certificate.residual, 3)),
            ("steps", f"{learnt.iterations:,}"),
        ),
        sweeps=tuple(
            CurveRecord(row.sweep, row.residual, row.flips)
            for row in cast("Sequence[Any]", exact.stats["history"])
        ),
        steps=tuple(
            CurveRecord(row.step, row.residual, row.flips, row.table_change)
            for row in cast("Sequence[Any]", learnt.stats["history"])
        ),
        states=state_records(game, exact.value, learnt.value),
        exact_certificate=certificate_records(exact.certificate, TABULAR_SHARE_OF),
        learnt_certificate=certificate_records(learnt.certificate, TABULAR_SHARE_OF),
    )


def ending(found: Answered) -> str:
    """How it ended, in a word or two: a cycle is called one, not a lack of sweeps."""
    cycle = found.stats.get("cycle_length")
    if cycle:
        return f"cycles, every {cycle} sweeps"
    if found.status is Status.MAX_ITERATIONS:
        return "not converged"
    return found.status.label.replace("_", " ")


def outcome_sentence(exact: Answered, learnt: Answered) -> str:
    """One sentence: whether there is a fixed point, and whether learning is near it."""
    cycle = exact.stats["cycle_length"]
    if cycle:
        return (
            f"Value iteration repeats itself every {cycle} sweeps and will for ever: "
            "it does not converge, and where it does not, ST-Q need not either."
        )
    if exact.status is not Status.CONVERGED:
        return "Value iteration ended without an equilibrium that is certified."
    if learnt.status is Status.CONVERGED:
        return "Value iteration converged, and ST-Q agrees within its tolerance."
    return "Value iteration converged; ST-Q did not reach its tolerance or still flips."


def state_records(
    game: TabularGame, exact: TabularAnswer, learnt: TabularAnswer
) -> tuple[StateRecord, ...]:
    """What both answers play in every live state."""
    return tuple(
        StateRecord(
            state=cast("tuple[str, ...]", game.states)[s],
            exact=_played(game, exact, s),
            learnt=_played(game, learnt, s),
            exact_value=float(exact.state_value[-1, s]),
            learnt_value=float(learnt.state_value[-1, s]),
        )
        for s in range(game.num_states)
        if game.live[s]
    )


def _played(game: TabularGame, answer: TabularAnswer, s: int) -> str:
    leader = cast("tuple[str, ...]", game.leader_actions)[answer.leader_action[s]]
    names = cast("tuple[tuple[str, ...], ...]", game.follower_actions)
    followers = [
        own[i] for own, i in zip(names, answer.follower_action[s], strict=True)
    ]
    return f"{leader}; {', '.join(followers)}"


def tabular_part(data: TabularReportData) -> Part:
    """The text, figures and numbers of one tabular game."""
    return Part(
        name="tabular",
        title=data.title,
        lead=data.subtitle,
        template="learning/tabular.html.jinja",
        context={"data": data},
        figures=(exact_curve(data), learnt_curve(data), flip_curve(data)),
        numbers=data.as_dict(),
        numbers_id="tabular-report-data",
    )


def exact_curve(data: TabularReportData) -> Figure:
    """Residual of value iteration, sweep by sweep."""
    rows = [
        {"sweep": row.at, "residual": row.residual}
        for row in data.sweeps
        if row.residual > 0.0
    ]
    chart = (
        alt.Chart(values(rows))
        .mark_line(point=len(rows) < 100)
        .encode(
            x=alt.X("sweep:Q", title="sweep", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y(
                "residual:Q",
                **log_axis([row["residual"] for row in rows], "residual (reward)"),
            ),
            tooltip=["sweep:Q", "residual:Q"],
        )
        .properties(width=WIDTH, height=220)
    )
    return Figure(
        "exact-residual",
        "Exact value iteration",
        "Largest change of a table entry by one exact sweep of (36). A straight line "
        "down is convergence; a level line is none, however long it runs.",
        chart,
    )


def learnt_curve(data: TabularReportData) -> Figure:
    """Residual of ST-Q in the true model, and what the learner itself would see."""
    points = [
        (row.at, what, value)
        for row in data.steps
        for what, value in ((TRUTH, row.residual), (SEEN, row.table_change or 0.0))
        if value > 0.0
    ]
    rows = [{"step": at, "value": value, "what": what} for at, what, value in points]
    chart = (
        alt.Chart(values(rows))
        .mark_line()
        .encode(
            x=alt.X("step:Q", **log_axis([r.at for r in data.steps], "step", "~s")),
            y=alt.Y("value:Q", **log_axis([value for _, _, value in points], "reward")),
            strokeDash=alt.StrokeDash(
                "what:N",
                title=None,
                scale=alt.Scale(domain=[TRUTH, SEEN], range=[[1, 0], [5, 4]]),
                legend=alt.Legend(orient="bottom", columns=2),
            ),
            tooltip=["what:N", "step:Q", "value:Q"],
        )
        .properties(width=WIDTH, height=260)
    )
    return Figure(
        "learnt-residual",
        "ST-Q from samples",
        "Full: how far the learnt tables are from a fixed point of the true model. "
        "Broken: the largest step of an entry since the checkpoint before, which goes "
        "down with the learning rate whether or not anything converges.",
        chart,
    )


def flip_curve(data: TabularReportData) -> Figure:
    """Changes of states' equilibria per thousand steps, between checkpoints."""
    before = [0, *(row.at for row in data.steps[:-1])]
    rows = [
        {"step": row.at, "flips": 1000.0 * row.flips / (row.at - start)}
        for row, start in zip(data.steps, before, strict=True)
    ]
    chart = (
        alt.Chart(values(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("step:Q", **log_axis([r.at for r in data.steps], "step", "~s")),
            y=alt.Y("flips:Q", title="flips in 1,000 steps"),
            tooltip=["step:Q", "flips:Q"],
        )
        .properties(width=WIDTH, height=180)
    )
    return Figure(
        "policy-flips",
        "Policy flips",
        "How often the equilibrium of some state's learnt stage game changed. It must "
        "end at zero before a policy can be called learnt.",
        chart,
    )
