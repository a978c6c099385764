"""No test without an assertion."""

from __future__ import annotations

import pytest
from house.assertions import assertion_violations
from house.source import ROOT, files_of_tests


def test_every_test_asserts() -> None:
    files = files_of_tests()
    found = [
        f"{path.relative_to(ROOT)}:{violation}"
        for path in files
        for violation in assertion_violations(path.read_text())
    ]
    assert ROOT / "tests" / "house" / "test_assertions.py" in files
    assert found == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("solve()", "test_x asserts nothing"),
        ("assert True", "this assertion cannot fail"),
        ("assert (solve() == 1, 'one')", "this assertion cannot fail"),
        ("np.allclose(a, b)", "the answer of allclose is thrown away"),
        ("certificate.holds(1e-6)", "the answer of holds is thrown away"),
        ("def inner():\n        assert a == b", "test_x asserts nothing"),
        ("with pytest.raises(ValueError): solve()", "match the error's text"),
        ("with pytest.warns(UserWarning): solve()", "match the error's text"),
    ],
)
def test_a_test_that_checks_nothing_is_found(body: str, wrong: str) -> None:
    found = list(assertion_violations(f"def test_x():\n    {body}\n"))
    assert any(wrong in violation for violation in found)


def test_a_helper_that_asserts_nothing_is_found() -> None:
    source = "def assert_close(a, b):\n    return a == b\n"
    assert list(assertion_violations(source)) == ["1: assert_close asserts nothing"]


def test_a_method_that_asserts_nothing_is_found() -> None:
    source = "class TestX:\n    def test_y(self):\n        solve()\n"
    assert list(assertion_violations(source)) == ["2: test_y asserts nothing"]


@pytest.mark.parametrize(
    "body",
    [
        "assert solve() == 1",
        "np.testing.assert_allclose(a, b)",
        "assert np.allclose(a, b)",
        "for case in cases:\n        assert_certified(case)",
        "with pytest.raises(ValueError, match='x'): solve()",
        "with pytest.raises(SystemExit) as stop: solve()\n    assert stop.value.code",
        "def check(a):\n        assert a\n    run(check)",
    ],
)
def test_a_test_that_asserts_passes(body: str) -> None:
    assert list(assertion_violations(f"def test_x():\n    {body}\n")) == []
