"""Solution files: what a solver found and what was proved, there and back."""

import enum
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from stackelberg.errors import ConfigError, DomainError, InputError, ShapeError
from stackelberg.game import Certificate, CertificateRow, Solution, Status
from stackelberg.io import SolutionFile, read_solution, write_solution
from stackelberg.spectrum import Outcome, generate, outcome


class Origin(enum.Enum):
    PROVED = "branch and bound"


@dataclass(frozen=True)
class Proof(Certificate):
    follower_regret: float
    bilevel_gap: float
    bilevel_bound: float
    bound_origin: Origin
    unique: bool
    spectral_radius: Any

    def rows(self) -> tuple[CertificateRow, ...]:
        return ()

    def holds(self, tolerance: float = 1e-6) -> bool:
        return self.bilevel_gap <= tolerance


PROOF = Proof(
    follower_regret=1e-12 / 3,
    bilevel_gap=float("nan"),
    bilevel_bound=float("inf"),
    bound_origin=Origin.PROVED,
    unique=True,
    spectral_radius=np.array([0.5, np.nan]),
)


def solved() -> Solution[Outcome, Proof]:
    scenario = generate(seed=0, num_channels=3, num_pairs=4)
    return Solution(
        value=outcome(scenario, [0, 1, 1, 2], np.full(4, 1e10 / 3), np.full(4, 0.1)),
        certificate=PROOF,
        status=Status.ALMOST_CONVERGED,
        iterations=17,
        stats={"concept": "bilevel", "starts": np.int64(6), "best": np.float64("inf")},
    )


NAMES = (
    "channel",
    "reuse_price",
    "transmit_power_w",
    "follower_utility",
    "cellular_rate_bps",
    "d2d_rate_bps",
)


def test_a_solution_comes_back_in_every_bit(tmp_path):
    solution = solved()
    write_solution(solution, tmp_path / "solution.json")
    found = read_solution(tmp_path / "solution.json")
    for name in NAMES:
        one, other = getattr(solution.value, name), getattr(found.outcome, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    assert found.outcome.leader_utility.hex() == solution.value.leader_utility.hex()
    assert found.concept == "bilevel"
    assert found.status is Status.ALMOST_CONVERGED
    assert found.iterations == 17
    assert found.stats == {"concept": "bilevel", "starts": 6, "best": None}
    assert found.certificate == {
        "follower_regret": 1e-12 / 3,
        "bilevel_gap": None,
        "bilevel_bound": None,
        "bound_origin": "branch and bound",
        "unique": True,
        "spectral_radius": [0.5, None],
    }


def test_writing_what_was_read_gives_the_same_file(tmp_path):
    write_solution(solved(), tmp_path / "a.json")
    write_solution(read_solution(tmp_path / "a.json"), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_failed_solve_comes_back_as_nan(tmp_path):
    failed = replace(solved().value, leader_utility=float("nan"))
    parts = SolutionFile("iterated", Status.NONFINITE, failed, {})
    write_solution(parts, tmp_path / "solution.json")
    found = read_solution(tmp_path / "solution.json")
    assert np.isnan(found.outcome.leader_utility)
    assert found.iterations is None
    assert json.loads((tmp_path / "solution.json").read_text())["status"] == "nonfinite"


def test_the_concept_may_be_given_and_must_be_known(tmp_path):
    solution = replace(solved(), stats={})
    write_solution(solution, tmp_path / "a.json", concept="published")
    assert read_solution(tmp_path / "a.json").concept == "published"
    with pytest.raises(ConfigError) as caught:
        write_solution(solution, tmp_path / "b.json")
    assert str(caught.value) == (
        "concept: expected the name of a solution concept, got nothing"
    )
    assert not (tmp_path / "b.json").exists()


def test_what_has_no_json_form_is_refused(tmp_path):
    solution = replace(solved(), stats={"concept": "bilevel", "odd": object()})
    with pytest.raises(ConfigError) as caught:
        write_solution(solution, tmp_path / "a.json")
    assert str(caught.value) == (
        "solution: expected numbers, text, lists and records, got object"
    )


BAD = [
    ("concept", 3, ConfigError, "concept: expected text, got 3"),
    (
        "status",
        "convergd",
        ConfigError,
        "(did you mean 'converged'?), got \"convergd\"",
    ),
    ("status", None, ConfigError, "status: expected text, got null"),
    ("channel", None, ConfigError, "channel: expected a list, got null"),
    ("channel", [0, 1, 1, 0.5], ConfigError, "channel[3]: expected a whole number"),
    ("channel", [0, 1, 1, True], ConfigError, "channel[3]: expected a whole number"),
    ("channel", [0, 1, 1, -1], DomainError, "channel[3]: expected a channel number"),
    ("channel", [0, 1, 1, 2**70], DomainError, "channel[3]: expected a channel number"),
    (
        "reuse_price",
        [1.0],
        ShapeError,
        "reuse_price: expected 4 numbers, one per entry of channel, got 1 numbers",
    ),
    (
        "d2d_rate_bps",
        [1.0, "x", 1.0, 1.0],
        ConfigError,
        'd2d_rate_bps[1]: expected a number or null, got "x"',
    ),
    (
        "transmit_power_w",
        [1.0, True, 1.0, 1.0],
        ConfigError,
        "transmit_power_w[1]: expected a number or null, got true",
    ),
    (
        "leader_utility",
        10**400,
        DomainError,
        "leader_utility: expected a finite number or null, got 1000",
    ),
    (
        "leader_utility",
        float("inf"),
        DomainError,
        "leader_utility: expected a finite number, got Infinity",
    ),
    ("cellular_rate_bps", 1.0, ConfigError, "cellular_rate_bps: expected a list"),
    ("certificate", [], ConfigError, "certificate: expected an object {...}, got []"),
    ("iterations", 1.5, ConfigError, "iterations: expected a whole number or null"),
    ("stats", 1, ConfigError, "stats: expected an object {...}, got 1"),
    ("statuss", 1, ConfigError, "statuss: expected one of the known keys"),
    (
        "format",
        "stackelberg.spectrum.scenario/1",
        ConfigError,
        "format: expected 'stackelberg.spectrum.solution/1'",
    ),
]


@pytest.mark.parametrize(("key", "value", "kind", "expected"), BAD)
def test_each_wrong_field_is_named_after_the_file(tmp_path, key, value, kind, expected):
    file = tmp_path / "solution.json"
    write_solution(solved(), file)
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    with pytest.raises(InputError) as caught:
        read_solution(file)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{file}: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", [*NAMES, "leader_utility", "certificate", "format"])
def test_each_missing_field_is_named(tmp_path, key):
    file = tmp_path / "solution.json"
    write_solution(solved(), file)
    members = json.loads(file.read_text())
    del members[key]
    file.write_text(json.dumps(members))
    with pytest.raises(ConfigError) as caught:
        read_solution(file)
    assert caught.value.argument == key
    assert str(caught.value).endswith("got nothing")
