"""Scenarios at real places: sites and users from files, the rest by the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.command import CommandLine, assert_refused
from study.plans import HEAD, write_plan

from stackelberg import edge, io
from stackelberg.study import start_study
from stackelberg.study.cases import build

PLAN = (
    HEAD
    + """seeds = 2
[[scenario]]
name = "here"
kind = "edge"
generate = { num_users = 6, num_nodes = 3 }
[[scenario]]
name = "town"
kind = "edge"
optional = true
places = { sites = "sites.csv", users = "users.csv", radius_m = 500.0 }
sweep = { regime = ["balanced", "budget_rich"] }
[[method]]
name = "equal_split"
"""
)

SITES = "SITE_ID,LATITUDE,LONGITUDE\n7,-37.81,144.96\n9,-37.812,144.965\n"
USERS = "Latitude,Longitude\n-37.811,144.961\n-37.812,144.964\n-37.813,144.966\n"


def write_places(folder: Path, users: str = USERS) -> Path:
    plan = write_plan(folder, PLAN)
    (folder / "sites.csv").write_text(SITES)
    (folder / "users.csv").write_text(users)
    return plan


def test_a_market_is_that_of_the_files_with_the_cells_seed(tmp_path: Path) -> None:
    study = start_study(write_places(tmp_path), tmp_path / "out")
    town = [cell for cell in study.cells if cell.case.scenario == "town"]
    assert study.skipped == ()
    assert len(town) == 2 * 2
    assert [cell.case.swept["regime"] for cell in town[:2]] == [
        "balanced",
        "budget_rich",
    ]
    found = build(town[-1].case, town[-1].seed)
    expected = io.import_eua_market(
        tmp_path / "sites.csv",
        tmp_path / "users.csv",
        radius_m=500.0,
        seed=1,
        regime="budget_rich",
    )
    assert isinstance(found, edge.Market)
    assert (found.num_nodes, found.num_users) == (2, 3)
    for name in ("price", "capacity", "budget"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))


def test_what_the_files_say_decides_and_not_where_they_are(tmp_path: Path) -> None:
    def addresses(folder: str, users: str = USERS) -> list[str]:
        study = start_study(write_places(tmp_path / folder, users), tmp_path / "out")
        return [cell.address for cell in study.cells if cell.case.scenario == "town"]

    here = addresses("here")
    assert addresses("there") == here
    assert set(addresses("other", USERS.replace("966", "967"))).isdisjoint(here)


def test_an_optional_scenario_without_its_files_is_skipped_and_said(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path, PLAN)
    ended = stackelberg("study", "run", plan, "-o", tmp_path / "out", "-j", "1")
    assert ended.code == 0, ended.err
    assert "skipped: town: sites.csv is missing" in ended.err
    assert "2 of 2 cells done" in " ".join(ended.out.split())
    assert ended.out.rstrip().endswith(
        f"next: stackelberg study report {tmp_path / 'out'}"
    )
    told = stackelberg("study", "report", tmp_path / "out", "--no-figures")
    told_on_lines = " ".join(told.out.split())
    assert "- Skipped: town, for sites.csv is missing." in told_on_lines
    plan.write_text(PLAN.replace("optional = true\n", ""))
    assert_refused(stackelberg("study", "run", plan), "sites.csv")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("radius_m", "radius", "scenario[1].places.radius: expected one of the known "
         "keys (did you mean 'radius_m'?)"),
        ("regime =", "sites =", "scenario[1].sweep.sites: expected an argument"),
        ("places = {", 'files = ["a"]\nplaces = {',
         "scenario[1]: expected either generate, files or places, got files and"),
    ],
)  # fmt: skip
def test_wrong_places_are_refused(
    old: str, new: str, line: str, tmp_path: Path
) -> None:
    plan = write_places(tmp_path)
    plan.write_text(PLAN.replace(old, new))
    with pytest.raises(ValueError, match="expected") as caught:
        start_study(plan, tmp_path / "out")
    assert line in str(caught.value)


def test_the_committed_plan_has_melbourne_where_its_data_are(
    shared_data: Path, tmp_path: Path
) -> None:
    root = Path(__file__).resolve().parents[2]
    assert (shared_data / "eua-melbourne").is_dir()
    study = start_study(root / "studies" / "edge-prices.toml", tmp_path)
    melbourne = [cell for cell in study.cells if cell.case.scenario == "Melbourne"]
    assert len(melbourne) == 3 * 5 * len(study.plan.seed_list)
    found = build(melbourne[0].case, 0)
    assert isinstance(found, edge.Market)
    assert (found.num_nodes, found.num_users) == (125, 816)
