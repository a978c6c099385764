"""Markets of measured throughputs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stackelberg.edge import allocate
from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.game import Status
from stackelberg.io import import_gavel

A1, A4, B = "('Net (batch size 8)', 1)", "('Net (batch size 8)', 4)", "('LM', 1)"
GOOD: dict[str, Any] = {
    "k80": {A1: {"null": 2.0, B: [1.0, 1.0]}, A4: {"null": 6.0}, B: {"null": 0.0}},
    "v100": {A1: {"null": 9.0}, B: {"null": 3.5}},
    "tpu": {A1: {"null": 99.0}},
}
WORKERS = {"k80": (4.0, 0.5), "v100": (2.0, 2.0)}


def file(folder: Path, content: object = GOOD) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "throughputs.json").write_text(text)
    return folder / "throughputs.json"


def test_a_gpu_is_worth_its_share_of_the_throughput(tmp_path: Path) -> None:
    market = import_gavel(file(tmp_path), workers=WORKERS)
    assert market.nodes.tolist() == ["k80", "v100"]
    assert market.users.tolist() == [
        "Net (batch size 8) x 1", "Net (batch size 8) x 4", "LM x 1",
    ]  # fmt: skip
    assert market.weight.toarray().tolist() == [[2.0, 9.0], [1.5, 0.0], [0.0, 3.5]]
    assert market.capacity.tolist() == [4.0, 2.0]
    np.testing.assert_allclose(market.budget, 2.0)
    assert allocate(market).status is Status.CONVERGED


def test_jobs_may_be_drawn(tmp_path: Path) -> None:
    one, same, other = (
        import_gavel(file(tmp_path), workers=WORKERS, num_jobs=50, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one.num_users == 50
    assert one.users.tolist() == same.users.tolist() != other.users.tolist()
    rows = {tuple(row) for row in one.weight.toarray().tolist()}
    assert rows == {(2.0, 9.0), (1.5, 0.0), (0.0, 3.5)}
    uneven = import_gavel(file(tmp_path), workers=WORKERS, budget_spread=1.0)
    assert len(set(uneven.budget.tolist())) == 3


def changed(kind: str, key: str, entry: object) -> dict[str, Any]:
    return {**GOOD, kind: {**GOOD[kind], key: entry}}


BAD: list[tuple[object, dict[str, Any], type[InputError], str]] = [
    ("[]", {}, ConfigError, r"throughputs\.json: content: expected throughputs"),
    ({"k80": GOOD["k80"], "v10": {}}, {}, ConfigError,
     r"json: v100: expected throughputs of this kind \(did you mean 'v10'\?\)"),
    ({**GOOD, "k80": 3}, {}, ConfigError, r"json: k80: expected an object"),
    ({"k80": {}, "v100": {}}, {}, ConfigError,
     "json: content: expected job configurations, got none"),
    (changed("k80", "Net", {"null": 1.0}), {}, ConfigError,
     r"json: k80\.'Net': expected a key like"),
    (changed("k80", "('Net', 0)", {"null": 1.0}), {}, ConfigError, "a key like"),
    (changed("v100", B, 1.0), {}, ConfigError,
     r'v100\..*: expected an object with "null", got 1.0'),
    (changed("v100", B, {"null": "fast"}), {}, ConfigError,
     r'v100\..*\.null: expected a number, got "fast"'),
    (changed("v100", B, {"null": True}), {}, ConfigError,
     r"v100\..*\.null: expected a number, got true"),
    (changed("v100", B, {"null": -1.0}), {}, DomainError,
     r"v100\..*\.null: expected a finite number >= 0, got -1.0"),
    (changed("v100", B, {"null": 1.0}), {"num_jobs": 0}, DomainError,
     "num_jobs: expected a whole number >= 1, got 0"),
    (GOOD, {"seed": 0.5}, ConfigError, "seed: expected a whole number, got 0.5"),
    (GOOD, {"budget_spread": -1.0}, DomainError, "budget_spread: expected a number"),
    (GOOD, {"workers": {"k80": (-1.0, 1.0)}}, DomainError, r"capacity\[k80\]: exp"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "arguments", "kind", "text"), BAD)
def test_what_is_wrong_is_told(
    tmp_path: Path,
    content: object,
    arguments: dict[str, Any],
    kind: type[InputError],
    text: str,
) -> None:
    arguments = {"workers": WORKERS, **arguments}
    with pytest.raises(kind, match=text) as caught:
        import_gavel(file(tmp_path, content), **arguments)
    assert "\n" not in str(caught.value)


def test_a_packed_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "throughputs.json"
    path.write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    with pytest.raises(ConfigError, match="that is not packed, got a packed file"):
        import_gavel(path, workers=WORKERS)


def test_the_measured_throughputs(shared_data: Path) -> None:
    path = shared_data / "gavel-throughputs" / "physical_cluster_throughputs.json"
    market = import_gavel(path)
    assert market.nodes.tolist() == ["k80", "p100", "v100"]
    assert (market.num_users, market.num_edges) == (83, 245)
    first = market.weight[[0]].toarray()[0]
    assert first[0] == 4.907044539018749
    assert np.all(first[1:] > 6.0 * first[0])
    assert allocate(market).certificate.holds(1e-8)
    many = allocate(import_gavel(path, num_jobs=500, budget_spread=1.0))
    assert many.status is Status.CONVERGED
