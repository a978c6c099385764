"""Markets of real sites and users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stackelberg.edge import allocate
from stackelberg.errors import ConfigError, DomainError, ShapeError
from stackelberg.game import Status
from stackelberg.io import import_eua_market

SITES = "SITE_ID,LATITUDE,LONGITUDE,NAME\na,-37.81,144.96,First\nb,-37.81,144.962,\n"
USERS = "Latitude,Longitude\n-37.81,144.96\n-37.8105,144.9615\n-37.85,144.99\n"


def files(folder: Path, sites: str = SITES, users: str = USERS) -> tuple[Path, Path]:
    (folder / "sites.csv").write_text(sites)
    (folder / "users.csv").write_text(users)
    return folder / "sites.csv", folder / "users.csv"


def test_reach_and_worth_follow_the_distance(tmp_path: Path) -> None:
    market = import_eua_market(*files(tmp_path), radius_m=150.0)
    assert market.nodes.tolist() == ["a", "b"]
    assert market.users.tolist() == [0, 1, 2]
    places = market.positions_m
    assert places is not None
    away = np.linalg.norm(places.users[:, None] - places.nodes[None], axis=2)
    assert away[0, 1] == pytest.approx(176.1, abs=0.2)  # 0.002 degrees of longitude
    reached = away <= 150.0
    reached[2, np.argmin(away[2])] = True  # far from both: the nearest
    expected = np.where(reached, 1.0 / (1.0 + (away / 150.0) ** 2), 0.0)
    np.testing.assert_allclose(market.weight.toarray(), expected, rtol=1e-12)


def test_what_is_given_is_taken(tmp_path: Path) -> None:
    weight = np.arange(1.0, 7.0).reshape(3, 2)
    market = import_eua_market(
        *files(tmp_path), radius_m=1e4, price=[1.0, 2.0], capacity=[3.0, 4.0],
        budget=[5.0, 6.0, 7.0], weight=weight,
    )  # fmt: skip
    assert np.array_equal(market.weight.toarray(), weight)
    assert market.price.tolist() == [1.0, 2.0]
    assert market.capacity.tolist() == [3.0, 4.0]
    assert market.budget.tolist() == [5.0, 6.0, 7.0]


@pytest.mark.parametrize(
    ("changes", "arguments", "kind", "text"),
    [
        ({}, {"radius_m": -1.0}, DomainError, "radius_m: expected a finite number > 0"),
        ({}, {"weight": np.ones((2, 2))}, ShapeError, r"weight: expected shape \[3, 2"),
        ({}, {"capacity": [1.0]}, ShapeError, "capacity: expected 2 numbers, got"),
        ({}, {"price": "free"}, ConfigError, "price: expected a list of numbers"),
        ({}, {"price": [1.0, -1.0]}, DomainError, r"price\[b\]: expected a finite nu"),
        ({}, {"regime": "even"}, ConfigError, "regime: expected one of balanced"),
        ({"users": "Latitude,Longitude\n"}, {}, ConfigError,
         r"users\.csv: content: expected one row at least, got none"),
        ({"sites": "SITE_ID,LATITUDE,LONGITUDE\n"}, {}, ConfigError,
         r"sites\.csv: content: expected one row at least, got none"),
        ({"users": "Latitude,Longitude\n-37.8,x\n"}, {}, DomainError,
         r"users\.csv: Longitude, row 1: expected degrees from -180 to 180, got 'x'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    tmp_path: Path, changes: Any, arguments: Any, kind: Any, text: str
) -> None:
    with pytest.raises(kind, match=text):
        import_eua_market(*files(tmp_path, **changes), **arguments)


def test_melbourne(shared_data: Path) -> None:
    folder = shared_data / "eua-melbourne"
    files = folder / "site-optus-melbCBD.csv", folder / "users-melbcbd-generated.csv"
    for radius, sites in ((150.0, 4.3), (200.0, 7.6), (400.0, 25.9)):
        market = import_eua_market(*files, radius_m=radius, seed=1)
        assert (market.num_nodes, market.num_users) == (125, 816)
        assert market.num_edges / 816 == pytest.approx(sites, abs=0.3)
    places = market.positions_m
    assert places is not None
    away = np.linalg.norm(places.users[:, None] - places.nodes[None], axis=2)
    nearest = away.min(axis=1)
    assert nearest.max() <= 400.0
    assert np.median(nearest) == pytest.approx(62.0, abs=1.0)
    assert market.nodes[0] == 10003026
    solution = allocate(market)
    assert solution.status is Status.CONVERGED
    assert solution.certificate.gap_per_user <= 1e-8
