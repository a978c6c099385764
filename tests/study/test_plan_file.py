from __future__ import annotations

from pathlib import Path

import pytest
from cli.command import CommandLine, assert_refused
from study.plans import HEAD, SMALL, write_plan

from stackelberg.study import read_plan, start_study
from stackelberg.study.methods.measured import METRICS

SPECTRUM = '[[scenario]]\nname = "a"\nkind = "spectrum"\ngenerate = {}\n'
METHOD = '[[method]]\nname = "bilevel"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SMALL.replace("seeds", "seds"), "seds: expected one of the known keys (did "),
        (SMALL.replace("num_channels", "num_channel"),
         "scenario[0].generate.num_channel: expected one of the known keys (did you "
         "mean 'num_channels'?), got an unknown key"),
        (SMALL.replace('"spectrum"', '"spectrun"'),
         "scenario[0].kind: expected one of spectrum, edge, environment (did you mean "
         "'spectrum'?), "
         "got 'spectrun'"),
        (SMALL.replace("num_channels = 2", 'num_channels = "2"'),
         "scenario[0].generate.num_channels: expected a valid integer, got '2'"),
        (SMALL.replace("seeds = 4", "seeds = [1, 1]"),
         "seeds: expected different whole numbers >= 0, got [1, 1]"),
        (SMALL.replace("seeds = 4", "seeds = 1000000000000"),
         "seeds: expected less than or equal to 1000000, got 1000000000000"),
        (SMALL.replace("seeds = 4", "seeds = { count = 10000000 }"),
         "seeds.count: expected less than or equal to 1000000, got 10000000"),
        (SMALL.replace("seeds = 4", "seeds = nan"),
         "seeds: expected a whole number, a list of them, or a table with `first` and "
         "`count`, got nan"),
        (SMALL.replace("seeds = 4", 'seeds = [1, "a"]'),
         "seeds[1]: expected a valid integer, got 'a'"),
        (SMALL.replace("[[method]]", "[[method]]\nfrequency = 2", 1),
         "method[0].frequency: expected one of the known keys, got an unknown key"),
        (SMALL.replace('"random"', '"full_power"'),
         "method[1].name: expected each name once, got 'full_power'"),
        (SMALL + '[[threshold]]\nmetric = "gain"\nat_least = nan',
         "threshold[0].at_least: expected a finite number, got nan"),
        ("x = ", "end of document: expected TOML, got invalid value"),
        (HEAD + "seeds = 1\n" + METHOD, "scenario: expected a value, got nothing"),
        (HEAD + 'reference = "bilvel"\nseeds = 1\n' + SPECTRUM + METHOD,
         "reference: expected the name of a method (did you mean 'bilevel'?), "
         "got 'bilvel'"),
        (HEAD + "seeds = 1\n" + SPECTRUM.replace("generate = {}", "") + METHOD,
         "scenario[0]: expected either generate or files, got neither"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_plan_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    path = write_plan(tmp_path, text)
    with pytest.raises(ValueError, match="expected") as caught:
        read_plan(path)
    assert str(caught.value).startswith(f"{path}: {line}")
    assert "\n" not in str(caught.value)
    others: tuple[Exception, ...] = getattr(caught.value, "others", ())
    assert len(others) == ("seds" in text)  # then seeds are missing, too


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SMALL.replace('"random"', '"rando"'), "method[1].name: expected one of "),
        (SMALL.replace("sweep = { num_pairs", "sweep = { num_pair"),
         "scenario[0].sweep.num_pair: expected an argument of generate (did you mean "
         "'num_pairs'?), got an unknown one"),
        (SMALL.replace("[2, 3]", "[2, -1]"),
         "scenario[0] (cell: num_pairs -1): num_pairs: expected"),
        (SMALL.replace("[2, 3]", '[2, "x"]'),
         "scenario[0].sweep.num_pairs: expected a valid integer, got 'x'"),
        ('metrics = ["leader_utilty_bps"]\n' + SMALL,
         "metrics[0]: expected a known metric (did you mean 'leader_utility_bps'?)"),
        (SMALL + "settings = { tolerence = 1e-3 }\n",
         "method[1].settings.tolerence: expected a setting of random (did you mean "
         "'tolerance'?), got an unknown one"),
        (SMALL + '[[method]]\nname = "m"\nfile = "mine.py:metod"\n',
         "mine.py:metod: expected a function of that file (did you mean 'method'?)"),
        (SMALL.replace("generate = { num_channels = 2 }\nsweep = { num_pairs = [2, 3]"
                       " }", 'files = ["no.json"]'), "no.json: expected a scenario"),
    ],
)  # fmt: skip
def test_names_and_values_are_checked_before_anything_runs(
    text: str, line: str, tmp_path: Path
) -> None:
    path = write_plan(tmp_path, text, "def method(problem, *, seed):\n    return 1.0\n")
    with pytest.raises(ValueError, match="expected") as caught:
        start_study(path, tmp_path / "out")
    assert line in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_every_mistake_is_told_at_once(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    text = SMALL.replace("seeds = 4", "seed = 4").replace("sweep", "sweeep")
    ended = stackelberg("study", "run", write_plan(tmp_path, text))
    assert ended.code == 2
    assert ended.out == ""
    assert "scenario[0].sweeep: expected one of the known keys" in ended.err
    assert "seed: expected one of the known keys (did you mean 'seeds'?)" in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) == 3  # seeds is missing, too


def test_a_folder_without_a_study_is_refused(
    stackelberg: CommandLine, tmp_path: Path
) -> None:
    assert_refused(stackelberg("study", "status", tmp_path), "no study.json")
    assert_refused(
        stackelberg("study", "run", write_plan(tmp_path, SMALL), "--jobs", "0"),
        "--jobs",
    )
    assert_refused(
        stackelberg("study", "resume", tmp_path, "--ray-address", "x:1"),
        "nothing without --backend ray",
    )


def test_seeds_may_be_a_count_a_range_or_a_list(tmp_path: Path) -> None:
    for text, seeds in (
        ("seeds = 3", [0, 1, 2]),
        ("seeds = { first = 5, count = 2 }", [5, 6]),
        ("seeds = [9, 4]", [9, 4]),
    ):
        plan = read_plan(write_plan(tmp_path, SMALL.replace("seeds = 4", text)))
        assert plan.seed_list == seeds


@pytest.mark.parametrize("name", ["edge-prices", "errata", "paper", "quick"])
def test_the_committed_plans_are_right(name: str, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    study = start_study(root / "studies" / f"{name}.toml", tmp_path)
    assert len(study.cells) >= len(study.plan.seed_list) * len(study.plan.method)
    assert study.plan.about


def test_the_docs_name_every_metric() -> None:
    told = (Path(__file__).parents[2] / "docs" / "studies.md").read_text()
    assert [name for name in METRICS if f"`{name}`" not in told] == []
