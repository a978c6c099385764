"""Cells from the EUA data sets: real base-station sites and users of Australian cities.

Published by Lai et al. ("Optimal Edge User Allocation in Edge Computing with Variable
Sized Vector Bin Packing", ICSOC 2018) as the repository PhuLai/eua-dataset: files
``site-*.csv`` with the columns SITE_ID, LATITUDE, LONGITUDE (and others, not used but
for NAME), and ``users-*.csv`` with the columns Latitude, Longitude; degrees.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from stackelberg.errors import ConfigError, DomainError, InputError, suggestion
from stackelberg.io.published import published_table
from stackelberg.spectrum.generate import STANDARD_RADIO, Allocation, from_positions
from stackelberg.spectrum.geography import assign_roles, local_metres
from stackelberg.spectrum.radio import RadioModel, distance_range, number, whole_number
from stackelberg.spectrum.scenario import Floats, Scenario
from stackelberg.spectrum.streams import named_seed

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Site:
    """A base-station site.

    Attributes:
        site: its SITE_ID.
        name: its NAME; empty where the file has none.
        latitude: degrees north.
        longitude: degrees east.
    """

    site: str
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class SiteScenarios:
    """One scenario per site, and the sites that cannot have one.

    Attributes:
        scenarios: by SITE_ID, in the file's order.
        refused: why a site has none (too few users or neighbours), by SITE_ID.
    """

    scenarios: Mapping[str, Scenario]
    refused: Mapping[str, InputError]


def list_sites(sites_csv: Path) -> tuple[Site, ...]:
    """The sites of a file, in its order.

    Raises:
        ConfigError: if the file is unreadable, a column is missing, or a SITE_ID is
            empty or given twice. Every message begins with the file's name.
        DomainError: if a coordinate is not a number in its range; names the row
            (the first row after the header is row 1).
    """
    table = published_table(
        sites_csv, ("SITE_ID", "LATITUDE", "LONGITUDE"), "sites"
    ).frame
    latitude = _degrees(sites_csv, table, "LATITUDE", 90.0)
    longitude = _degrees(sites_csv, table, "LONGITUDE", 180.0)
    names = _texts(table, "NAME") if "NAME" in table.columns else [""] * len(table)
    sites: dict[str, Site] = {}
    for row, site in enumerate(_texts(table, "SITE_ID")):
        if not site or site in sites:
            raise ConfigError(
                f"SITE_ID, row {row + 1}",
                expected="each site once, by its identifier",
                got=f"{site!r} again" if site else "nothing",
                source=os.fspath(sites_csv),
            )
        sites[site] = Site(
            site, names[row], float(latitude[row]), float(longitude[row])
        )
    return tuple(sites.values())


def import_eua(
    sites_csv: Path,
    users_csv: Path,
    *,
    site: str,
    radius_m: float = 500.0,
    num_channels: int = 25,
    num_pairs: int = 50,
    seed: int = 0,
    d2d_distance_m: tuple[float, float] = (10.0, 50.0),
    radio: RadioModel = STANDARD_RADIO,
    channel: Allocation = None,
) -> Scenario:
    """The cell around one site: real places, drawn shadowing and fading.

    Users within `radius_m` of the site take roles as `geography.assign_roles` says: D2D
    pairs of near neighbours, cellular users from the rest. Positions are in m east and
    north of the site. Users nearer to the site than 35 m have the path loss of 35 m.

    Args:
        sites_csv: file with the columns SITE_ID, LATITUDE, LONGITUDE.
        users_csv: file with the columns Latitude, Longitude.
        site: a SITE_ID of the first file.
        radius_m: users farther from the site are left out.
        num_channels: M, one cellular user each.
        num_pairs: N.
        seed: decides roles, shadowing and fading, together with the SITE_ID.
        d2d_distance_m: least and greatest distance within a pair.
        radio: powers, noise, weights and propagation.
        channel: as for `spectrum.generate`.

    Raises:
        ConfigError: a file, column or site is missing, or an argument is of the wrong
            kind.
        DomainError: a number is outside its domain, or the users do not suffice: says
            how many there are.
    """
    sites = {known.site: known for known in list_sites(sites_csv)}
    if site not in sites:
        raise ConfigError(
            "site",
            expected=f"a SITE_ID of {os.fspath(sites_csv)}"
            + suggestion(str(site), sites),
            got=repr(site),
        )
    plan = _checked_plan(radius_m, num_channels, num_pairs, seed, d2d_distance_m)
    users = user_degrees(users_csv)
    return _scenario(sites[site], users, plan, radio, channel)


def import_all_eua(
    sites_csv: Path,
    users_csv: Path,
    *,
    radius_m: float = 500.0,
    num_channels: int = 25,
    num_pairs: int = 50,
    seed: int = 0,
    d2d_distance_m: tuple[float, float] = (10.0, 50.0),
    radio: RadioModel = STANDARD_RADIO,
    channel: Allocation = None,
) -> SiteScenarios:
    """One scenario per site, each as `import_eua` makes it; arguments as there.

    A site with too few users or neighbours gives no scenario but its reason.

    Raises:
        ConfigError, DomainError: as `import_eua`, but for too few users.
    """
    sites = list_sites(sites_csv)
    plan = _checked_plan(radius_m, num_channels, num_pairs, seed, d2d_distance_m)
    users = user_degrees(users_csv)
    scenarios: dict[str, Scenario] = {}
    refused: dict[str, InputError] = {}
    for site in sites:
        try:
            scenarios[site.site] = _scenario(site, users, plan, radio, channel)
        except _TooFewUsers as error:
            refused[site.site] = error
    return SiteScenarios(scenarios, refused)


class _TooFewUsers(DomainError):
    """A site has too few users or neighbours; the only reason to pass it over."""


@dataclass(frozen=True)
class _Plan:
    radius_m: float
    num_channels: int
    num_pairs: int
    seed: int
    d2d_distance_m: tuple[float, float]


def _checked_plan(
    radius_m: object,
    num_channels: object,
    num_pairs: object,
    seed: object,
    d2d_distance_m: object,
) -> _Plan:
    return _Plan(
        radius_m=number("radius_m", radius_m, above=0.0, most=20e3),
        num_channels=whole_number("num_channels", num_channels, least=1),
        num_pairs=whole_number("num_pairs", num_pairs, least=0),
        seed=whole_number("seed", seed, least=0),
        d2d_distance_m=distance_range("d2d_distance_m", d2d_distance_m),
    )


def _scenario(
    site: Site, users: Floats, plan: _Plan, radio: RadioModel, channel: Allocation
) -> Scenario:
    origin = (site.latitude, site.longitude)
    places = local_metres(users[:, 0], users[:, 1], origin=origin)
    inside = places[np.hypot(places[:, 0], places[:, 1]) <= plan.radius_m]
    seed = named_seed(plan.seed, site.site)
    try:
        positions = assign_roles(
            inside,
            seed=seed,
            num_channels=plan.num_channels,
            num_pairs=plan.num_pairs,
            d2d_distance_m=plan.d2d_distance_m,
        )
    except DomainError as error:
        raise _TooFewUsers(
            f"users within {plan.radius_m:g} m of site {site.site}",
            expected=error.expected,
            got=error.got,
        ) from None
    return from_positions(positions, seed=seed, radio=radio, channel=channel)


def user_degrees(users_csv: Path) -> Floats:
    """Latitude and longitude of each user of a file [U, 2].

    Raises:
        ConfigError, DomainError: as `list_sites`.
    """
    table = published_table(users_csv, ("Latitude", "Longitude"), "users").frame
    latitude = _degrees(users_csv, table, "Latitude", 90.0)
    longitude = _degrees(users_csv, table, "Longitude", 180.0)
    return np.stack([latitude, longitude], axis=1)


def _texts(table: pl.DataFrame, column: str) -> list[str]:
    return [(text or "").strip() for text in table[column].to_list()]


def _degrees(path: Path, table: pl.DataFrame, column: str, limit: float) -> Floats:
    """The column as degrees from -limit to limit, or the first row that is not."""
    degrees = np.empty(len(table))
    for row, text in enumerate(_texts(table, column)):
        try:
            degrees[row] = float(text)
        except ValueError:
            degrees[row] = math.nan
        if not abs(degrees[row]) <= limit:
            raise DomainError(
                f"{column}, row {row + 1}",
                expected=f"degrees from {-limit:g} to {limit:g}",
                got=repr(text) if text else "nothing",
                source=os.fspath(path),
            )
    return degrees
