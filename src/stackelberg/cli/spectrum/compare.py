"""`stackelberg spectrum compare`: every method on one scenario."""

from __future__ import annotations

from stackelberg.cli.options import AsJson, ScenarioFile


def compare(scenario: ScenarioFile, as_json: AsJson = False) -> int:
    """Compare every method on one scenario."""
    return 0
