from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from cli.command import CommandLine
from study.plans import OWN, write_plan

from stackelberg.report import StudyData, draw_study_figures, render_page
from stackelberg.report.study.data import MethodName, SizePoint
from stackelberg.report.study.drawing import frame
from stackelberg.report.theme import STYLES
from stackelberg.study import Study, start_study, study_data
from stackelberg.study.cases import Case
from stackelberg.study.plan import ThresholdTable
from stackelberg.study.run_cell import Finished
from stackelberg.study.scores import Results
from stackelberg.study.sizes import size_points
from stackelberg.study.tables import latex_escaped
from stackelberg.study.thresholds import first_index

LEARNERS = (
    OWN % 6
    + """[[method]]
name = "slow"
file = "mine.py:method"
settings = { pace = 0.5 }
[[threshold]]
metric = "gain"
at_least = 0.8
[[threshold]]
metric = "follower_regret"
at_most = 0.05
"""
)

METHOD = "def method(problem, *, seed, pace=1.0):\n    return {}\n"


def numbers_of(method: str, seed: int) -> tuple[dict[str, float], dict[str, object]]:
    """What each cell says: `mine` learns twice as quickly; seed 5 of `slow` never."""
    steps = [0, 100, 200, 300, 400]
    quick = 2.0 if method == "mine" else 1.0
    stuck = method == "slow" and seed == 5
    gain = [
        min(0.3 * quick * s / 100, 0.7 if stuck else 0.9 + 0.01 * seed) for s in steps
    ]
    regret = [0.2, 0.1, 0.04, 0.03, 0.02]
    metrics = {
        "gain": gain[-1],
        "follower_regret": 0.02,
        "leader_utility_bps": (1e6 + seed) * quick,
        "converged": quick,
    }
    return metrics, {
        "curve_step": steps,
        "curve_gain": gain,
        "curve_follower_regret": regret,
        "cellular_sinr_db": [0.0, 10.0],
        "interference_margin_db": [1.0],
        "reuse_price": [1e20 * quick],
    }


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose numbers are made up; one cell failed."""
    folder = tmp_path_factory.mktemp("collect")
    made = start_study(write_plan(folder, LEARNERS, METHOD), folder / "out")
    for cell in made.cells:
        if cell.play.name == "mine" and cell.seed == 3:
            made.store.keep(cell, Finished(cell.address, None, "E: no", "", 1.0))
            continue
        metrics, series = numbers_of(cell.play.name, cell.seed)
        record = {**cell.identity, "address": cell.address, "metrics": metrics}
        text = json.dumps({**record, "series": series})
        # The first seed of a worker compiles; `mine` is slower by the step.
        clock = {
            "first_chunk": [30.0 if cell.seed == 0 else 1.0],
            "curve_seconds": [0.0, 2.0, 4.0, 6.0, 8.0 + cell.seed],
        }
        made.store.keep(cell, Finished(cell.address, text, None, "", 2.0, clock))
    return made


@pytest.fixture(scope="module")
def data(study: Study) -> StudyData:
    return study_data(study)


def test_settings_give_one_function_other_cells(study: Study) -> None:
    assert len({cell.address for cell in study.cells}) == len(study.cells) == 12


def test_scores_are_interquartile_means_of_what_is_there(data: StudyData) -> None:
    (score,) = [s for s in data.scores if s.method == "mine" and s.metric == "gain"]
    # Seeds 0, 1, 2, 4, 5 (3 failed): the middle three.
    assert score.seeds == 5
    assert score.value == pytest.approx((0.91 + 0.92 + 0.94) / 3.0)


def test_a_failed_cell_takes_its_pair_with_it(data: StudyData) -> None:
    assert data.failures == (("cell, mine, seed 3", "E: no"),)
    (row,) = [v for v in data.versus if v.metric == "leader_utility_bps"]
    assert (row.method, row.reference, row.seeds) == ("mine", "slow", 5)
    assert row.relative
    assert row.difference == pytest.approx(1.0)
    assert row.verdict == "better"
    (still,) = [v for v in data.versus if v.metric == "converged"]
    assert (still.low, still.high, still.verdict) == (None, None, "no randomness")
    assert data.story[0].startswith("1 cell failed and is missing from everything")


def test_a_plan_without_metrics_is_about_what_bad_pricing_is_not_good_at(
    data: StudyData,
) -> None:
    assert [m.name for m in data.metrics] == [
        "leader_utility_bps",
        "follower_regret",
        "gain",
        "converged",
    ]
    assert data.story[1].startswith("cell, leader utility, against slow: better: mine ")
    assert any(
        "converged" in line and line.endswith("no randomness: mine +1.")
        for line in data.story
    )
    assert data.story[-1] == (
        "cell, seeds that reach all thresholds at once within 400 steps: "
        "mine 5 of 5 (median 200 steps), slow 5 of 6 (median 300 steps)."
    )


def test_no_two_methods_of_a_study_look_alike(tmp_path: Path) -> None:
    spare = [f"other {i}" for i in range(20)]
    more = "".join(
        f'[[method]]\nname = "{name}"\nfile = "mine.py:method"\n' for name in spare
    )
    known = "".join(f'[[method]]\nname = "{n}"\n' for n in ("random", "full_power"))
    made = start_study(write_plan(tmp_path, OWN % 1 + more + known, METHOD), tmp_path)
    styles = [STYLES[m.style] for m in study_data(made).methods]
    assert len(styles) == 23
    assert len({style.dash for style in styles}) == len(styles)
    assert len({style.shape for style in styles}) == len(styles)


def test_what_would_squeeze_the_others_is_outside_the_frame() -> None:
    near = [(0.1, 0.3), (0.2, 0.5), (0.3, 0.4), (-0.1, 0.2)]
    assert frame([*near, (23.0, 25.0)], 0.0) == (-0.1, 0.5)
    assert frame([*near, (0.9, 1.0)], 0.0) is None  # seen well enough
    far = [(-25.0, -23.0), (-30.0, -29.0), (-20.0, -19.0)]
    assert frame([*near, *near[:3], *far], 0.0) == (-0.1, 0.5)
    assert frame(near) is None
    assert frame([(1.0, 1.0)]) is None


def test_an_outlier_is_written_at_the_edge_and_named_in_captions(
    data: StudyData,
) -> None:
    names = ["a", "b", "c", "d", "far"]
    (gain,) = [v for v in data.versus if v.metric == "gain"]
    score = next(s for s in data.scores if s.metric == "gain")
    regret = next(s for s in data.scores if s.metric == "follower_regret")
    apart = [0.1, 0.2, 0.3, 0.4, 50.0]
    drawn = {
        f.name: f
        for f in draw_study_figures(
            replace(
                data,
                methods=tuple(
                    MethodName(name, name, f"other_{i + 1}")
                    for i, name in enumerate([*names, "slow"])
                ),
                versus=tuple(
                    replace(gain, method=n, difference=x, low=x - 0.1, high=x + 0.1)
                    for n, x in zip(names, apart, strict=True)
                ),
                scores=tuple(
                    replace(one, method=n, value=x)
                    for one in (score, regret)
                    for n, x in zip(names, apart, strict=True)
                ),
                curves=(),
                reached=(),
                distributions=(),
                prices=(),
            )
        )
    }
    forest = json.dumps(drawn["differences-cell"].chart.to_dict())
    assert "+50 (+49.9 to +50.1) \\u2192" in forest
    assert drawn["regret-cell"].caption.endswith(
        "Outside the frame: far (gain 50, regret 50)."
    )


def test_thresholds_hold_all_at_once_and_seeds_that_never_do_are_counted(
    data: StudyData,
) -> None:
    quick, slow = (r for r in data.reached if r.unit == "steps")
    # `mine` has gain .9 at 200 and regret .04 there; `slow` reaches .8 at 300 only.
    assert (quick.method, quick.median, quick.censored) == ("mine", 200.0, 0)
    assert (slow.median, slow.censored, slow.seeds) == (300.0, 1, 6)
    assert slow.mean == pytest.approx((5 * 300.0 + 400.0) / 6.0)
    assert (quick.held, slow.held) == (5, 5)
    # Seed 3 of `mine` failed and takes its pair with it; seed 5 of `slow` counts 400.
    assert quick.apart == pytest.approx((4 * 100.0 + 200.0) / -5.0)
    assert (slow.apart, slow.apart_low) == (None, None)
    assert slow.share[-1] == pytest.approx(5.0 / 6.0)
    levels = [ThresholdTable(metric="gain", at_least=0.5)]
    assert first_index({"curve_step": [0, 9], "curve_gain": [None, 0.5]}, levels) == 1
    assert first_index({"curve_step": [0, 9], "curve_gain": [0.4, 0.4]}, levels) is None


def test_every_seed_pays_for_compilation_in_seconds(data: StudyData) -> None:
    quick, slow = (r for r in data.reached if r.unit == "seconds")
    assert (quick.method, quick.median, quick.censored) == ("mine", 34.0, 0)
    assert (slow.median, slow.censored) == (36.0, 1)
    # Seeds were watched for as long as the quickest took; the others' ends count less.
    assert (slow.horizon, slow.mean) == (38.0, (5 * 36.0 + 38.0) / 6.0)
    assert (quick.apart, slow.apart) == (None, None)


def test_a_method_without_clocks_is_told_in_steps_alone(tmp_path: Path) -> None:
    made = start_study(write_plan(tmp_path, LEARNERS, METHOD), tmp_path / "out")
    for cell in made.cells:
        metrics, series = numbers_of(cell.play.name, cell.seed)
        record = {**cell.identity, "address": cell.address, "metrics": metrics}
        text = json.dumps({**record, "series": series})
        made.store.keep(cell, Finished(cell.address, text, None, "", 2.0))
    assert {r.unit for r in study_data(made).reached} == {"steps"}


def test_other_sizes_stand_beside_the_one_that_was_learned() -> None:
    at_other_sizes = {"gain_at_4_pairs": 0.5, "gain_at_16_pairs": 0.7}
    settings = {"generate": {"num_pairs": 8}, "other_pairs": [16, 4]}
    results = Results(
        cases=(Case("cell", "environment", settings, {}, {}),),
        methods=("mine", "other"),
        seeds=(0, 1),
        records={
            ("cell", "mine", seed): {"metrics": {"gain": 0.9, **at_other_sizes}}
            for seed in (0, 1)
        },
        seconds={},
        clocks={},
    )
    points = list(size_points(results, 0.95))
    assert [(p.pairs, p.value) for p in points] == [(4, 0.5), (8, 0.9), (16, 0.7)]
    assert {(p.method, p.metric, p.learned_at) for p in points} == {("mine", "gain", 8)}


def test_sizes_are_drawn_and_legends_are_not_pale(data: StudyData) -> None:
    points = tuple(
        SizePoint("cell", "mine", "gain", pairs, 8, 6, 0.9, 0.8, 0.95)
        for pairs in (4, 8, 16)
    )
    drawn = {f.name: f for f in draw_study_figures(replace(data, sizes=points))}
    text = json.dumps(drawn["sizes-gain-cell"].chart.to_dict())
    assert '"title": "number of D2D pairs"' in text
    assert text.count('"symbolOpacity": 1.0') >= 3
    assert "learned with 8 pairs" in drawn["sizes-gain-cell"].caption


def test_every_figure_has_its_numbers_and_its_legend(data: StudyData) -> None:
    drawn = {figure.name: figure.chart.to_dict() for figure in draw_study_figures(data)}
    assert set(drawn) >= {
        "differences-cell",
        "learning-gain-cell",
        "learning-follower-regret-cell",
        "thresholds-cell",
        "thresholds-cell-seconds",
        "regret-cell",
        "sinr-cell",
        "prices-cell",
    }
    text = json.dumps(drawn["learning-gain-cell"])
    assert '"values": ["mine", "slow"]' in text
    assert '"legend": null' not in text  # would hide the legend of every layer


def test_the_page_holds_every_number(data: StudyData) -> None:
    page = render_page(data)
    assert 'id="study-data"' in page
    assert "cell, mine, seed 3" in page
    start = page.index('id="study-data">') + len('id="study-data">')
    held = json.loads(page[start : page.index("</script>", start)])
    assert held["reached"][0]["median"] == 200.0


def test_the_command_writes_page_figures_and_tables(
    study: Study, stackelberg: CommandLine, tmp_path: Path
) -> None:
    ended = stackelberg("study", "report", study.store.folder, "-o", tmp_path)
    assert ended.code == 0, ended.err
    assert "1 cell failed" in ended.out
    assert (tmp_path / "report.html").stat().st_size > 100_000
    assert (tmp_path / "figures" / "thresholds-cell.svg").read_text().startswith("<svg")
    assert (tmp_path / "figures" / "thresholds-cell.pdf").read_bytes()[:4] == b"%PDF"
    with open(tmp_path / "tables" / "scores.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    gain = next(r for r in rows if r["method"] == "slow" and r["metric"] == "gain")
    assert math.isclose(float(gain["value"]), (0.9 + 0.91 + 0.92 + 0.93) / 4.0)
    latex = (tmp_path / "tables" / "versus.tex").read_text()
    assert "\\toprule" in latex
    assert "+100 \\%" in latex
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["cells"] == 12


def test_latex_prints_what_is_there() -> None:
    assert latex_escaped("a_b & 5 % of {x}\\~^") == (
        r"a\_b \& 5 \% of \{x\}\textbackslash{}\textasciitilde{}\textasciicircum{}"
    )
