"""Users on a map: metres around a site, and the roles they take."""

from typing import Any

import numpy as np
import pytest

from stackelberg.errors import DomainError
from stackelberg.spectrum.geography import assign_roles, local_metres

MELBOURNE = (-37.8136, 144.9631)


def great_circle_m(latitude, longitude, origin, radius_m=6_371_008.8):
    """Haversine on a sphere of the mean radius: another model of the Earth."""
    phi, other = np.radians(latitude), np.radians(origin[0])
    half = (
        np.sin((phi - other) / 2) ** 2
        + np.cos(phi)
        * np.cos(other)
        * np.sin(np.radians(longitude - origin[1]) / 2) ** 2
    )
    return 2 * radius_m * np.arcsin(np.sqrt(half))


def test_a_minute_of_latitude_is_a_nautical_mile():
    """1852.2 m at 45 degrees on WGS84; 1842.9 m at the equator, 1861.6 m at a pole."""
    for latitude, metres in ((45.0, 1852.2), (0.0, 1842.9), (89.9, 1861.6)):
        minute = local_metres([latitude + 1 / 60], [10.0], origin=(latitude, 10.0))
        np.testing.assert_allclose(minute, [[0.0, metres]], atol=0.2)


def test_a_degree_of_longitude_on_the_equator():
    east = local_metres([0.0], [1.0], origin=(0.0, 0.0))
    np.testing.assert_allclose(east, [[111_319.491, 0.0]], atol=1e-3)


def test_distances_are_those_of_the_globe():
    random = np.random.default_rng(0)
    latitude = MELBOURNE[0] + random.uniform(-0.01, 0.01, 200)
    longitude = MELBOURNE[1] + random.uniform(-0.01, 0.01, 200)
    plane = np.hypot(*local_metres(latitude, longitude, origin=MELBOURNE).T)
    # A sphere is wrong by up to .34 % in either direction.
    globe = great_circle_m(latitude, longitude, MELBOURNE)
    np.testing.assert_allclose(plane, globe, rtol=4e-3)


def test_east_is_right_north_is_up_and_the_date_line_no_edge():
    places = local_metres(
        [-37.8, -37.9, -37.8136], [144.9631, 144.9631, 145.0], origin=MELBOURNE
    )
    assert places[0, 1] > 0 > places[1, 1]
    assert places[2, 0] > 0
    across = local_metres([0.0, 0.0], [-179.999, 179.998], origin=(0.0, 179.999))
    np.testing.assert_allclose(across, [[222.639, 0.0], [-111.319, 0.0]], atol=1e-2)


def crowd(count: int, seed: int = 0):
    return np.random.default_rng(seed).uniform(-300.0, 300.0, (count, 2))


def roles(users, **changes):
    wanted: dict[str, Any] = {
        "seed": 0,
        "num_channels": 10,
        "num_pairs": 20,
        "d2d_distance_m": (10.0, 50.0),
    }
    return assign_roles(users, **{**wanted, **changes})


def rows(*places):
    return [tuple(place) for array in places for place in array.tolist()]


@pytest.mark.parametrize("seed", range(5))
def test_everybody_has_one_role_and_pairs_keep_their_distance(seed):
    users = crowd(200)
    found = roles(users, seed=seed)
    used = rows(found.cellular, found.d2d_transmitter, found.d2d_receiver)
    assert len(used) == len(set(used)) == 50
    assert set(used) <= set(rows(users))
    apart = np.hypot(*(found.d2d_transmitter - found.d2d_receiver).T)
    assert np.all((apart >= 10.0) & (apart <= 50.0))
    np.testing.assert_array_equal(found.base_station, [0.0, 0.0])


def test_the_partner_is_the_nearest_who_is_free():
    """Replayed by plain loops over what the function returned."""
    users = crowd(120)
    found = roles(users, num_channels=1, num_pairs=25)
    free = set(rows(users))
    for here, there in zip(
        rows(found.d2d_transmitter), rows(found.d2d_receiver), strict=True
    ):
        free.remove(here)
        apart = [np.hypot(x - here[0], y - here[1]) for x, y in free]
        nearest = min(d for d in apart if 10.0 <= d <= 50.0)
        assert np.hypot(there[0] - here[0], there[1] - here[1]) == nearest
        free.remove(there)


def test_the_seed_decides():
    users = crowd(200)
    same = [roles(users, seed=3) for _ in range(2)]
    np.testing.assert_array_equal(same[0].d2d_receiver, same[1].d2d_receiver)
    np.testing.assert_array_equal(same[0].cellular, same[1].cellular)
    other = roles(users, seed=4)
    assert not np.array_equal(same[0].d2d_receiver, other.d2d_receiver)


def test_users_on_one_spot_are_no_pair():
    users = np.concatenate([np.zeros((5, 2)), [[20.0, 0.0]]])
    found = roles(users, num_channels=1, num_pairs=1)
    assert sorted(rows(found.d2d_transmitter, found.d2d_receiver)) == [
        (0.0, 0.0),
        (20.0, 0.0),
    ]


def test_no_pairs_may_be_asked_for():
    assert roles(crowd(12), num_pairs=0).d2d_transmitter.shape == (0, 2)


def test_too_few_users_or_neighbours_are_counted():
    with pytest.raises(DomainError) as caught:
        roles(crowd(49))
    assert str(caught.value) == (
        "users: expected at least 50 for 10 cellular users and 20 pairs, got 49"
    )
    lonely = np.stack([np.arange(60) * 100.0, np.zeros(60)], axis=1)
    lonely[1, 0] = 30.0
    with pytest.raises(DomainError) as caught:
        roles(lonely)
    assert str(caught.value) == (
        "users: expected 20 pairs 10 to 50 m apart, got 1 such pairs among 60 users"
    )
