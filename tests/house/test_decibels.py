"""A level (dBm) is never compared with a ratio (dB), as some simulators do."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from house.source import modules

_ORDERING_CALLS = {"min", "max", "minimum", "maximum", "clip", "fmin", "fmax"}


def _units(node: ast.expr) -> set[str]:
    """The logarithmic units that the names in an expression end in.

    What is called or subscripted counts, an argument does not: `to_dbm(power)` is dBm.
    A difference of two levels is a ratio, so differences say nothing.
    """
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add):
            sides = _units(node.left) | _units(node.right)
            return {"dbm"} if "dbm" in sides else sides
        return set()
    if isinstance(node, ast.Call):
        return _units(node.func)
    if isinstance(node, ast.Subscript):
        return _units(node.value)
    if isinstance(node, ast.UnaryOp):
        return _units(node.operand)
    name = getattr(node, "attr", getattr(node, "id", "")).lower()
    ending = name.rpartition("_")[2]
    return {ending} if ending in {"db", "dbm"} else set()


def mixed_comparisons(source: str) -> Iterator[int]:
    """Lines that compare, order or clip what is in dB by what is in dBm."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            operands = node.args if name in _ORDERING_CALLS else []
        else:
            continue
        if {"db", "dbm"} <= {unit for each in operands for unit in _units(each)}:
            yield node.lineno


def test_no_level_is_compared_with_a_ratio() -> None:
    found = [
        f"{path.name}:{line}"
        for path in modules()
        for line in mixed_comparisons(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("if sinr_db > self.threshold_dbm: pass", [1]),
        ("x = max(level_dbm[0], floor_db)", [1]),
        ("x = np.minimum(to_dbm(power_w), least_db)", [1]),
        ("x = power_dbm + gain_db > sensitivity_dbm", []),
        ("x = signal_dbm - noise_dbm > threshold_db", []),
        ("x = min_power_dbm > max_power_dbm", []),
    ],
)
def test_mixed_units_are_found(source: str, lines: list[int]) -> None:
    assert list(mixed_comparisons(source)) == lines
