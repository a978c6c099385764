"""Sites and users from the published EUA files, and every way they can be wrong."""

from typing import Any

import numpy as np
import pytest

from stackelberg.errors import ConfigError, DomainError, InputError
from stackelberg.io import (
    import_all_eua,
    import_eua,
    list_sites,
    read_scenario,
    write_scenario,
)
from stackelberg.spectrum import RadioModel

HEADER = "SITE_ID,LATITUDE,LONGITUDE,NAME,STATE"
SITES = (
    f'{HEADER}\r\n101,-37.8136,144.9631,"Corner of A, B",VIC\r\n'
    "102,-37.8146,144.9641,,VIC\r\n103,-30.0,140.0,Desert,NSW\r\n"
)


def users_text(count: int = 200) -> str:
    random = np.random.default_rng(0)
    latitude = -37.8136 + random.uniform(-0.003, 0.003, count)
    longitude = 144.9631 + random.uniform(-0.003, 0.003, count)
    rows = [
        f"{a!r},{b!r}"
        for a, b in zip(latitude.tolist(), longitude.tolist(), strict=True)
    ]
    return "\r\n".join(["Latitude,Longitude", *rows, ""])


@pytest.fixture
def sites(tmp_path):
    (tmp_path / "sites.csv").write_bytes(SITES.encode())
    return tmp_path / "sites.csv"


@pytest.fixture
def users(tmp_path):
    (tmp_path / "users.csv").write_bytes(users_text().encode())
    return tmp_path / "users.csv"


def test_the_sites_are_listed_in_the_order_of_the_file(sites):
    found = list_sites(sites)
    assert [site.site for site in found] == ["101", "102", "103"]
    assert [site.name for site in found] == ["Corner of A, B", "", "Desert"]
    assert (found[0].latitude, found[0].longitude) == (-37.8136, 144.9631)


def test_a_site_becomes_a_scenario_with_its_users_in_metres(sites, users):
    scenario = import_eua(
        sites, users, site="101", radius_m=300.0, num_channels=8, num_pairs=20
    )
    assert (scenario.num_channels, scenario.num_pairs) == (8, 20)
    at = scenario.positions_m
    assert at is not None
    for places in (at.cellular, at.d2d_transmitter, at.d2d_receiver):
        assert np.hypot(*places.T).max() <= 300.0
    apart = np.hypot(*(at.d2d_transmitter - at.d2d_receiver).T)
    assert apart.min() >= 10.0
    assert apart.max() <= 50.0


def test_the_seed_the_radio_and_the_channels_are_used(sites, users):
    def imported(**changes):
        return import_eua(
            sites, users, site="101", num_channels=5, num_pairs=9, **changes
        )

    first, again, other = imported(seed=1), imported(seed=1), imported(seed=2)
    np.testing.assert_array_equal(first.gain_d2d_to_d2d, again.gain_d2d_to_d2d)
    assert not np.any(first.gain_d2d_to_d2d == other.gain_d2d_to_d2d)
    flat = imported(radio=RadioModel(bandwidth_hz=1e6, fading=False), channel=[0] * 9)
    assert flat.bandwidth_hz == 1e6
    assert flat.gain_d2d.shape == (9,)
    assert flat.channel is not None
    assert flat.channel.tolist() == [0] * 9


def test_all_sites_give_each_its_scenario_or_its_reason(sites, users, tmp_path):
    found = import_all_eua(sites, users, num_channels=5, num_pairs=9, seed=3)
    assert list(found.scenarios) == ["101", "102"]
    assert {site: str(reason) for site, reason in found.refused.items()} == {
        "103": "users within 500 m of site 103: expected at least 23 for 5 cellular "
        "users and 9 pairs, got 0"
    }
    alone = import_eua(sites, users, site="102", num_channels=5, num_pairs=9, seed=3)
    one = found.scenarios["102"]
    np.testing.assert_array_equal(one.gain_d2d_to_d2d, alone.gain_d2d_to_d2d)
    # Sites differ in their draws, not only in their users.
    assert not np.any(
        found.scenarios["101"].gain_cellular_to_bs == (one.gain_cellular_to_bs)
    )
    write_scenario(one, tmp_path / "cell.json")
    kept = read_scenario(tmp_path / "cell.json")
    np.testing.assert_array_equal(kept.gain_d2d_to_d2d, one.gain_d2d_to_d2d)


def test_too_few_neighbours_are_counted(sites, users):
    with pytest.raises(DomainError) as caught:
        import_eua(
            sites,
            users,
            site="101",
            num_channels=1,
            num_pairs=40,
            d2d_distance_m=(10.0, 10.5),
        )
    message = str(caught.value)
    assert message.startswith(
        "users within 500 m of site 101: expected 40 pairs 10 to 10.5 m apart, got "
    )
    assert message.endswith(" such pairs among 200 users")


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"site": "1011"}, ConfigError, "(did you mean '101'?), got '1011'"),
        ({"site": "x"}, ConfigError, "site: expected a SITE_ID of "),
        (
            {"radius_m": 0.0},
            DomainError,
            "radius_m: expected a finite number > 0 and <= 20000, got 0.0",
        ),
        (
            {"radius_m": "500"},
            ConfigError,
            "radius_m: expected a number, got '500'",
        ),
        (
            {"num_channels": 0},
            DomainError,
            "num_channels: expected a whole number >= 1, got 0",
        ),
        (
            {"num_pairs": 2.5},
            ConfigError,
            "num_pairs: expected a whole number, got 2.5",
        ),
        ({"seed": -1}, DomainError, "seed: expected a whole number >= 0, got -1"),
        (
            {"d2d_distance_m": (5.0,)},
            ConfigError,
            "d2d_distance_m: expected two distances in m, (least, greatest), "
            "got (5.0,)",
        ),
        (
            {"num_pairs": 90},
            DomainError,
            "users within 500 m of site 101: expected at least 205 for 25 cellular "
            "users and 90 pairs, got 200",
        ),
    ],
)
def test_each_wrong_argument_is_named(sites, users, change, kind, message):
    arguments: dict[str, Any] = {"site": "101", "num_pairs": 5, **change}
    with pytest.raises(InputError) as caught:
        import_eua(sites, users, **arguments)
    assert isinstance(caught.value, kind)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


ROW = "101,-37.8,144.9,Name,VIC"

BROKEN_SITES = [
    ("", ConfigError, "content: expected a CSV file of sites, got nothing"),
    (
        "SITE_ID,LATITUDE\n101,-37.8",
        ConfigError,
        "column LONGITUDE: expected in the header",
    ),
    (
        "SITE,LATITUDE,LONGITUDE\n101,-37.8,144.9",
        ConfigError,
        "column SITE_ID: expected in the header (did you mean 'SITE'?), got columns "
        "SITE, LATITUDE, LONGITUDE",
    ),
    (
        users_text(),
        ConfigError,
        "column SITE_ID: expected in the header, got columns Latitude, Longitude",
    ),
    (
        f"{HEADER}\n{ROW}\n102,north,144.9,Name,VIC",
        DomainError,
        "LATITUDE, row 2: expected degrees from -90 to 90, got 'north'",
    ),
    (
        f"{HEADER}\n101,-91,144.9,Name,VIC",
        DomainError,
        "LATITUDE, row 1: expected degrees from -90 to 90, got '-91'",
    ),
    (
        f"{HEADER}\n101,-37.8,,Name,VIC",
        DomainError,
        "LONGITUDE, row 1: expected degrees from -180 to 180, got nothing",
    ),
    (
        f"{HEADER}\n101,-37.8,nan,Name,VIC",
        DomainError,
        "LONGITUDE, row 1: expected degrees from -180 to 180, got 'nan'",
    ),
    (
        f"{HEADER}\n{ROW}\n{ROW}",
        ConfigError,
        "SITE_ID, row 2: expected each site once, by its identifier, got '101' again",
    ),
    (
        f"{HEADER}\n,-37.8,144.9,Name,VIC",
        ConfigError,
        "SITE_ID, row 1: expected each site once, by its identifier, got nothing",
    ),
    (
        f"{HEADER}\n{ROW},too,many",
        ConfigError,
        "row 1: expected 5 cells, as in the header, got 7",
    ),
]


@pytest.mark.parametrize(("text", "kind", "message"), BROKEN_SITES)
def test_each_wrong_site_file_is_named_with_its_row(tmp_path, text, kind, message):
    file = tmp_path / "sites.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        list_sites(file)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused_on_one_line(tmp_path):
    file = tmp_path / "sites.csv"
    file.write_bytes(b"SITE_ID,LATITUDE,LONGITUDE\n\xff\xfe,1,2\n")
    with pytest.raises(ConfigError) as caught:
        list_sites(file)
    assert str(caught.value) == (f"{file}: line 2: expected UTF-8 text, got byte 0xff")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "content: expected a CSV file of users, got nothing"),
        (SITES, "column Latitude: expected in the header"),
        (
            "Latitude,Longitude\n-37.8,144.9\n-37.8,214.9",
            "Longitude, row 2: expected degrees from -180 to 180, got '214.9'",
        ),
    ],
)
def test_each_wrong_user_file_is_named_with_its_row(sites, tmp_path, text, message):
    file = tmp_path / "users.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        import_eua(sites, file, site="101")
    assert str(caught.value).startswith(f"{file}: {message}")


def test_an_absent_file_is_named(sites, tmp_path):
    with pytest.raises(ConfigError) as caught:
        import_eua(sites, tmp_path / "none.csv", site="101")
    assert str(caught.value) == (
        f"{tmp_path / 'none.csv'}: expected a CSV file of users, "
        "got no such file or folder"
    )


@pytest.mark.realdata
def test_melbourne_gives_cells_of_25_channels_and_50_pairs(shared_data):
    """Site 301383, Bourke and Swanston Streets: the most users within 500 m."""
    folder = shared_data / "eua-melbourne"
    files = (folder / "site-optus-melbCBD.csv", folder / "users-melbcbd-generated.csv")
    assert len(list_sites(files[0])) == 125
    scenario = import_eua(*files, site="301383")
    assert (scenario.num_channels, scenario.num_pairs) == (25, 50)
    at = scenario.positions_m
    assert at is not None
    apart = np.hypot(*(at.d2d_transmitter - at.d2d_receiver).T)
    assert 15.0 < np.median(apart) < 35.0
    with pytest.raises(DomainError, match=r"site 134857: .* got 93$"):
        import_eua(*files, site="134857")


@pytest.mark.realdata
def test_melbourne_names_the_sites_with_too_few_users(shared_data):
    """Few pairs, so that 125 cells are drawn in a second."""
    folder = shared_data / "eua-melbourne"
    found = import_all_eua(
        folder / "site-optus-melbCBD.csv",
        folder / "users-melbcbd-generated.csv",
        num_channels=100,
        num_pairs=5,
        radio=RadioModel(fading=False, device_shadowing_std_db=0.0),
    )
    assert len(found.scenarios) + len(found.refused) == 125
    assert set(found.refused) == {"10003026", "134857", "304363", "304365"}
