"""From users on a map to their roles in a cell. Lengths in m, angles in degrees.

Shape legend: U users, M cellular users, N D2D pairs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stackelberg.errors import DomainError
from stackelberg.spectrum.propagation import distances_m
from stackelberg.spectrum.scenario import Floats, Positions
from stackelberg.spectrum.streams import Concern, stream

EARTH_EQUATOR_RADIUS_M = 6_378_137.0
"""Semi-major axis of the WGS84 ellipsoid."""

EARTH_FLATTENING = 1.0 / 298.257223563
"""Flattening of the WGS84 ellipsoid."""


def local_metres(
    latitude: npt.ArrayLike,
    longitude: npt.ArrayLike,
    *,
    origin: tuple[float, float],
) -> Floats:
    """East and north of `origin` in m [U, 2], on the plane that touches it.

    Equirectangular with the two radii of curvature of the WGS84 ellipsoid at the
    origin. Distances from the origin err by less than 1e-3 of themselves up to 20 km
    and 60 degrees of latitude; over a cell of 500 m by millimetres to centimetres.

    Args:
        latitude: degrees north [U].
        longitude: degrees east [U]; the date line is no edge.
        origin: latitude and longitude of the point (0, 0).
    """
    sine = np.sin(np.radians(origin[0]))
    eccentricity_squared = EARTH_FLATTENING * (2.0 - EARTH_FLATTENING)
    slack = 1.0 - eccentricity_squared * sine**2
    across = EARTH_EQUATOR_RADIUS_M / np.sqrt(slack)
    along = across * (1.0 - eccentricity_squared) / slack
    turned = np.asarray(longitude, np.float64) - origin[1]
    turned -= 360.0 * np.round(turned / 360.0)
    east = across * np.cos(np.radians(origin[0])) * np.radians(turned)
    north = along * np.radians(np.asarray(latitude, np.float64) - origin[0])
    return np.stack([east, north], axis=-1)


def assign_roles(
    users_m: Floats,
    *,
    seed: int,
    num_channels: int,
    num_pairs: int,
    d2d_distance_m: tuple[float, float],
) -> Positions:
    """Pair near neighbours for D2D and make others the cellular users.

    Users are visited in a random order. One who is still free transmits to the nearest
    user who is free too and stands within `d2d_distance_m`, until there are N pairs.
    The first M users left over, in the same order, are the cellular users. Nobody has
    two roles. The base station stands at (0, 0).

    Args:
        users_m: where the users stand [U, 2], relative to the base station.
        seed: decides the order; the same seed gives the same roles.
        num_channels: M, > 0.
        num_pairs: N, >= 0.
        d2d_distance_m: least and greatest distance within a pair.

    Raises:
        DomainError: there are fewer than M + 2 N users, or fewer than N pairs were
            found; says how many there are.
    """
    wanted = num_channels + 2 * num_pairs
    if len(users_m) < wanted:
        raise DomainError(
            "users",
            expected=f"at least {wanted} for {num_channels} cellular users and "
            f"{num_pairs} pairs",
            got=len(users_m),
        )
    order = stream(seed, Concern.MATCHING).permutation(len(users_m))
    pairs = _matched(users_m, order, num_pairs, d2d_distance_m)
    if len(pairs) < num_pairs:
        least, greatest = d2d_distance_m
        raise DomainError(
            "users",
            expected=f"{num_pairs} pairs {least:g} to {greatest:g} m apart",
            got=f"{len(pairs)} such pairs among {len(users_m)} users",
        )
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    cellular = order[~np.isin(order, ends)][:num_channels]
    return Positions(
        base_station=np.zeros(2),
        cellular=users_m[cellular],
        d2d_transmitter=users_m[ends[:, 0]],
        d2d_receiver=users_m[ends[:, 1]],
    )


def _matched(
    users_m: Floats,
    order: npt.NDArray[np.int64],
    num_pairs: int,
    d2d_distance_m: tuple[float, float],
) -> list[tuple[int, int]]:
    """Couples (transmitter, receiver), at most `num_pairs`."""
    apart = distances_m(users_m, users_m)
    least, greatest = d2d_distance_m
    near = np.where((apart >= least) & (apart <= greatest), apart, np.inf)
    pairs: list[tuple[int, int]] = []
    for user in order:
        if len(pairs) == num_pairs:
            break
        partner = int(np.argmin(near[user]))
        if np.isfinite(near[user, partner]):
            pairs.append((int(user), partner))
            taken = [int(user), partner]
            near[taken, :] = np.inf
            near[:, taken] = np.inf
    return pairs
