"""Colours that can be told apart, on light and dark pages and without colour."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest

from stackelberg.report.theme import (
    LIMITS,
    METHODS,
    OTHERS,
    SHARINGS,
    STYLES,
    Style,
    config,
)


def luminance(colour: str) -> float:
    """Relative luminance of sRGB, WCAG 2.1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    bright, dim = sorted([luminance(one), luminance(other)], reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize(("dark", "ground"), [(False, "#ffffff"), (True, "#14171b")])
def test_colours_stand_out_from_the_page(dark: bool, ground: str) -> None:
    colours = config(dark=dark)["range"]["category"]
    assert len(colours) == len(STYLES)
    assert len(STYLES) == sum(map(len, (METHODS, SHARINGS, LIMITS, OTHERS)))
    for colour in colours:
        assert contrast(colour, ground) >= 2.4, colour


@pytest.mark.parametrize("dark", [False, True])
def test_a_ramp_is_read_in_grey(dark: bool) -> None:
    greys = [luminance(colour) for colour in config(dark=dark)["range"]["ramp"]]
    steps = np.diff(greys)
    assert (steps > 0.02).all() if dark else (steps < -0.005).all()


@pytest.mark.parametrize("styles", [METHODS, SHARINGS, LIMITS, OTHERS])
def test_names_differ_without_colour(styles: Mapping[str, Style]) -> None:
    assert len({style.dash for style in styles.values()}) == len(styles)
    assert len({style.shape for style in styles.values()}) == len(styles)


@pytest.mark.parametrize("dark", [False, True])
def test_areas_side_by_side_are_told_apart_in_grey(dark: bool) -> None:
    colours = [s.dark if dark else s.light for s in LIMITS.values()]
    for one, other in itertools.pairwise(colours):
        assert contrast(one, other) >= 1.25
    assert contrast(colours[0], colours[-1]) >= 2.2


def test_labels_are_the_names_of_one_thing_each() -> None:
    assert len({style.label for style in STYLES.values()}) == len(STYLES)
