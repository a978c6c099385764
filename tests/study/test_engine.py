from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.command import CommandLine, assert_refused
from study.kill_study import ordeal
from study.plans import (
    BROKEN_METHOD,
    DEADLY_METHOD,
    OWN,
    SLOW_METHOD,
    SMALL,
    results,
    write_plan,
)

from stackelberg.study import (
    ProcessBackend,
    Study,
    open_study,
    run_missing,
    standing,
    start_study,
)


def run_study(plan: Path, output: Path) -> Study:
    study = start_study(plan, output)
    run_missing(study.cells, study.store, ProcessBackend(2))
    return study


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("small")
    return run_study(write_plan(folder, SMALL), folder / "out")


def test_every_cell_has_one_result_with_its_inputs(small: Study) -> None:
    found = standing(small.cells, small.store)
    assert len(found.done) == len(small.cells) == 2 * 2 * 4
    for cell in small.cells:
        record = small.store.result(cell.address)
        assert record["seed"] == cell.seed
        assert record["case"]["generate"] == cell.case.settings["generate"]
        assert record["metrics"]["follower_regret"] >= 0.0
        assert "seconds" not in json.dumps(record)
        assert (small.store.seconds(cell.address) or 0.0) > 0.0


def test_running_again_runs_nothing(small: Study) -> None:
    class Refusing:
        def run(self, cells: object, stop: object) -> list[object]:
            assert cells == []
            return []

    before = results(small.store.folder)
    again = open_study(small.store.folder)
    run_missing(again.cells, again.store, Refusing())  # type: ignore[arg-type]
    assert results(small.store.folder) == before


def test_one_lost_result_is_made_again_with_the_same_bits(small: Study) -> None:
    before = results(small.store.folder)
    lost = small.cells[5]
    small.store.result_path(lost.address).unlink()
    assert standing(small.cells, small.store).missing == (lost,)
    run_missing(small.cells, small.store, ProcessBackend(1))
    assert results(small.store.folder) == before


def test_addresses_follow_inputs_and_nothing_else(tmp_path: Path) -> None:
    def addresses(text: str) -> set[str]:
        study = start_study(write_plan(tmp_path, text), tmp_path / "out")
        return {cell.address for cell in study.cells}

    small = addresses(SMALL)
    assert len(small) == 16
    assert addresses(SMALL.replace('"cell"', '"other name"')) == small
    assert addresses(SMALL.replace("seeds = 4", "seeds = 5")) > small
    assert addresses(SMALL.replace("num_channels = 2", "num_channels = 3")).isdisjoint(
        small
    )


def test_a_changed_own_method_has_other_addresses(tmp_path: Path) -> None:
    def address(method: str) -> str:
        plan = write_plan(tmp_path, OWN % 1, method)
        return start_study(plan, tmp_path / "out").cells[0].address

    assert address(SLOW_METHOD) == address(SLOW_METHOD)
    assert address(SLOW_METHOD) != address(SLOW_METHOD + "# changed\n")


def test_failures_are_kept_shown_and_retried_on_request(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "plan", OWN % 3, BROKEN_METHOD)
    out = tmp_path / "out"
    ended = stackelberg("study", "run", plan, "-o", out, "-j", "1", "--json")
    assert ended.code == 3
    assert (ended.json["done"], ended.json["failed"]) == (2, 1)
    (failure,) = ended.json["failures"]
    assert failure["error"] == "ValueError: seed 1 is unlucky"
    assert failure["cell"] == "cell, mine, seed 1"
    again = stackelberg("study", "resume", out, "-j", "1", "--json")
    assert again.json["failures"][0]["tries"] == 1
    retried = stackelberg("study", "resume", out, "-j", "1", "--retry-failed")
    assert retried.code == 3
    assert "failed: cell, mine, seed 1: ValueError: seed 1 is unlucky" in retried.out
    shown = stackelberg("study", "status", out, "--json")
    assert shown.json["failures"][0]["tries"] == 2
    assert shown.json["rows"] == [
        {"scenario": "cell", "method": "mine", "done": 2, "failed": 1, "missing": 0}
    ]


def test_a_cell_that_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, OWN % 4, DEADLY_METHOD)
    study = run_study(plan, tmp_path / "out")
    found = standing(study.cells, study.store)
    assert [cell.seed for cell in found.done] == [0, 2, 3]
    (failed,) = found.failed
    error = study.store.failure(failed.address)["error"]
    assert error == "WorkerDied: signal 9, 2 times (out of memory?)"


def test_two_runs_cannot_be_in_one_folder(small: Study) -> None:
    with (
        small.store.locked(),
        pytest.raises(ValueError, match="a study that nobody runs at the moment"),
        small.store.locked(),
    ):
        raise AssertionError("locked twice")


def test_a_killed_study_resumes_to_the_same_results(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, OWN % 60, SLOW_METHOD)
    met = ordeal(plan, tmp_path, kills=2, after_s=0.1, jobs=1)
    assert met.at_work >= 1
    assert 0 < met.compared < 2 * 60
    assert met.cells == 60
    assert met.same
    assert list((tmp_path / "killed").rglob("*.part")) == []


def test_a_stop_finishes_what_is_under_way_and_begins_nothing(tmp_path: Path) -> None:
    class Stop:
        asked = False

    study = start_study(write_plan(tmp_path, OWN % 30, SLOW_METHOD), tmp_path / "out")
    wish = Stop()

    def tell(cell: object, ended: object) -> None:
        wish.asked = True

    reached = run_missing(
        study.cells, study.store, ProcessBackend(2), stop=wish, tell=tell
    )
    assert 1 <= len(reached.done) <= 4
    assert len(reached.missing) == 30 - len(reached.done)
    assert reached.failed == ()


def test_a_study_never_replaces_another_plan(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path, OWN % 1, SLOW_METHOD).rename(tmp_path / "mine.toml")
    other = write_plan(tmp_path, SMALL)
    ended = stackelberg("study", "run", plan, "-o", tmp_path)
    assert_refused(ended, str(other), "another file, which would be replaced")
    assert other.read_text() == SMALL
    assert not (tmp_path / "results").exists()


def test_the_plan_in_a_study_s_folder_goes_on_with_it(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, OWN % 1, SLOW_METHOD)
    begun = start_study(plan, tmp_path / "out")
    again = start_study(tmp_path / "out" / "plan.toml", tmp_path / "out")
    assert again.cells == begun.cells
    assert again.store.plan_folder() == tmp_path


def test_what_a_killed_run_left_half_written_goes_with_the_next(tmp_path: Path) -> None:
    store = start_study(write_plan(tmp_path, SMALL), tmp_path / "out").store
    left = [store.folder / "results/ab", store.folder / "timings"]
    for folder in left:
        folder.mkdir(exist_ok=True)
        (folder / f".{'0a' * 8}.part").write_text("{")
        (folder / "mine.part").write_text("kept")
    with store.locked():
        assert [path.name for path in store.folder.rglob("*.part")] == ["mine.part"] * 2
