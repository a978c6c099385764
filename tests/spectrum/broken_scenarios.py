"""Every field of a scenario, wrong in every way, as JSON has it.

One case: what to change in the members of a good scenario (M = 2 channels, N = 3
pairs), the class of the error, the argument that it names, and what it expects.
"""

from copy import deepcopy
from typing import Any

from stackelberg.errors import ConfigError, DomainError, ShapeError

INF = float("inf")
NAN = float("nan")

GOOD: dict[str, Any] = {
    "format": "stackelberg.spectrum.scenario/1",
    "bandwidth_hz": 180e3,
    "noise_power_w": 1e-15,
    "follower_price_weight": 1.0,
    "leader_revenue_weight": 1.0,
    "min_power_w": 0.001,
    "max_power_w": 0.2,
    "channel": [0, 1, 1],
    "cellular_power_w": [0.2, 0.2],
    "gain_cellular_to_bs": [1e-11, 2e-11],
    "gain_d2d": [1e-7, 2e-7, 3e-7],
    "gain_d2d_to_bs": [[1e-12, 2e-12, 3e-12], [4e-12, 5e-12, 6e-12]],
    "gain_cellular_to_d2d": [[1e-13, 2e-13, 3e-13], [4e-13, 5e-13, 6e-13]],
    "gain_d2d_to_d2d": [[0.0, 1e-12, 2e-12], [3e-12, 0.0, 4e-12], [5e-12, 6e-12, 0.0]],
    "price_bounds": {"kind": "interference"},
    "positions_m": {
        "base_station": [0.0, 0.0],
        "cellular": [[100.0, 0.0], [0.0, 100.0]],
        "d2d_transmitter": [[10.0, 10.0], [20.0, 20.0], [30.0, 30.0]],
        "d2d_receiver": [[11.0, 10.0], [21.0, 20.0], [31.0, 30.0]],
    },
}

# Price that silences each pair on its channel: B g / (gbar (N0 + p^c gc)).
SILENCING_0 = 180e3 / 0.6931471805599453 * 1e-7 / (1e-12 * (1e-15 + 0.2 * 1e-13))

DELETE = object()

Case = tuple[str, str, Any, type[Exception], str, str]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good members with one of them (``a.b`` goes deeper) changed or deleted."""
    members = deepcopy(GOOD)
    *parents, last = path.split(".")
    inner = members
    for key in parents:
        inner = inner[key]
    if value is DELETE:
        del inner[last]
    else:
        inner[last] = value
    return members


def _scalars() -> list[Case]:
    cases: list[Case] = []
    for key in (
        "bandwidth_hz",
        "noise_power_w",
        "follower_price_weight",
        "leader_revenue_weight",
        "min_power_w",
        "max_power_w",
    ):
        sign = ">=" if key == "min_power_w" else ">"
        finite = f"expected a finite number {sign} 0, got"
        kind = "expected a number, got"
        cases += [
            (f"{key} null", key, None, ConfigError, key, f"{kind} null"),
            (f"{key} text", key, "1.0", ConfigError, key, f"{kind} '1.0'"),
            (f"{key} true", key, True, ConfigError, key, f"{kind} True"),
            (f"{key} list", key, [1.0], ConfigError, key, f"{kind} [1.0]"),
            (f"{key} object", key, {}, ConfigError, key, f"{kind} {{}}"),
            (f"{key} NaN", key, NAN, DomainError, key, f"{finite} nan"),
            (f"{key} infinite", key, INF, DomainError, key, f"{finite} inf"),
            (f"{key} negative", key, -1.0, DomainError, key, f"{finite} -1.0"),
            (
                f"{key} huge",
                key,
                10**400,
                DomainError,
                key,
                "expected a finite number, got 1000",
            ),
        ]
        if key != "min_power_w":
            cases.append(
                (f"{key} zero", key, 0.0, DomainError, key, f"{finite} 0.0"),
            )
    return cases


def _arrays() -> list[Case]:
    cases: list[Case] = []
    layouts = {
        "cellular_power_w": "[M]",
        "gain_cellular_to_bs": "[M]",
        "gain_d2d": "[N] or [M][N]",
        "gain_d2d_to_bs": "[N] or [M][N]",
        "gain_cellular_to_d2d": "[M][N]",
        "gain_d2d_to_d2d": "[N][N] or [M][N][N]",
    }
    for key, layout in layouts.items():
        good: Any = GOOD[key]
        nested = isinstance(good[0], list)
        first = f"{key}[0][1]" if nested else f"{key}[1]"
        sign = ">" if key in ("gain_d2d", "gain_d2d_to_bs") else ">="
        finite = f"expected a finite number {sign} 0, got"

        def with_entry(value: Any, good: Any = good, nested: bool = nested) -> Any:
            array = deepcopy(good)
            (array[0] if nested else array)[1] = value
            return array

        cases += [
            (f"{key} null", key, None, ConfigError, key, "expected a number, got null"),
            (f"{key} object", key, {}, ConfigError, key, "expected a number, got {}"),
            (
                f"{key} one number",
                key,
                1.0,
                ShapeError,
                key,
                f"expected numbers as {layout}, M channels and N pairs, got one number",
            ),
            (
                f"{key} too deep",
                key,
                [[[[1.0]]]],
                ShapeError,
                key,
                f"expected numbers as {layout}, M channels and N pairs, "
                "got shape [1, 1, 1, 1]",
            ),
            (
                f"{key} too long",
                key,
                [*good, good[0]],
                ShapeError,
                key,
                "expected shape [",
            ),
            (
                f"{key} too short",
                key,
                good[:-1],
                ShapeError,
                key,
                "expected shape [",
            ),
            (
                f"{key} ragged",
                key,
                [[1.0, 2.0], [3.0]],
                ShapeError,
                key,
                "expected rows of equal length, got rows of different lengths",
            ),
            (
                f"{key} entry text",
                key,
                with_entry("x"),
                ConfigError,
                first,
                "expected a number, got 'x'",
            ),
            (
                f"{key} entry null",
                key,
                with_entry(None),
                ConfigError,
                first,
                "expected a number, got null",
            ),
            (
                f"{key} entry true",
                key,
                with_entry(True),
                ConfigError,
                first,
                "expected a number, got True",
            ),
            (
                f"{key} entry NaN",
                key,
                with_entry(NAN),
                DomainError,
                first,
                f"{finite} nan",
            ),
            (
                f"{key} entry infinite",
                key,
                with_entry(INF),
                DomainError,
                first,
                f"{finite} inf",
            ),
            (
                f"{key} entry negative",
                key,
                with_entry(-1.0),
                DomainError,
                first,
                f"{finite} -1.0",
            ),
            (
                f"{key} entry huge",
                key,
                with_entry(10**400),
                DomainError,
                key,
                "expected numbers of ordinary size",
            ),
        ]
        if sign == ">":
            cases.append(
                (
                    f"{key} entry zero",
                    key,
                    with_entry(0.0),
                    DomainError,
                    first,
                    f"{finite} 0.0",
                )
            )
    return cases


def _channel() -> list[Case]:
    length = "expected 3 channel numbers, one per pair (or null), got shape"
    whole = "expected a whole number, got"
    known = "expected a channel number from 0 to 1, got"
    return [
        ("channel text", "channel", "random", ConfigError, "channel", whole),
        ("channel number", "channel", 0, ShapeError, "channel", f"{length} []"),
        ("channel short", "channel", [0, 1], ShapeError, "channel", f"{length} [2]"),
        ("channel empty", "channel", [], ShapeError, "channel", f"{length} [0]"),
        (
            "channel nested",
            "channel",
            [[0], [1], [1]],
            ShapeError,
            "channel",
            f"{length} [3, 1]",
        ),
        (
            "channel ragged",
            "channel",
            [[0, 1], [1]],
            ShapeError,
            "channel",
            "expected rows of equal length",
        ),
        (
            "channel fraction",
            "channel",
            [0, 1, 0.5],
            ConfigError,
            "channel[2]",
            f"{whole} 0.5",
        ),
        (
            "channel NaN",
            "channel",
            [0, NAN, 1],
            ConfigError,
            "channel[1]",
            f"{whole} nan",
        ),
        (
            "channel true",
            "channel",
            [0, True, 1],
            ConfigError,
            "channel[1]",
            f"{whole} True",
        ),
        (
            "channel entry null",
            "channel",
            [0, 1, None],
            ConfigError,
            "channel[2]",
            f"{whole} null",
        ),
        (
            "channel entry text",
            "channel",
            ["0", 1, 1],
            ConfigError,
            "channel[0]",
            f"{whole} '0'",
        ),
        ("channel high", "channel", [0, 1, 2], DomainError, "channel[2]", f"{known} 2"),
        (
            "channel negative",
            "channel",
            [0, -1, 1],
            DomainError,
            "channel[1]",
            f"{known} -1",
        ),
        (
            "channel past 64 bits",
            "channel",
            [0, 1, 2**63],
            DomainError,
            "channel[2]",
            f"{known} 9.2",
        ),
    ]


def _bounds() -> list[Case]:
    def fixed(low: Any, high: Any) -> dict[str, Any]:
        return {"kind": "fixed", "min": low, "max": high}

    key = "price_bounds"
    positive = "expected a finite number > 0, got"
    return [
        (
            "bounds min zero",
            key,
            fixed(0.0, 1.0),
            DomainError,
            "price_bounds.min",
            f"{positive} 0.0",
        ),
        (
            "bounds min negative",
            key,
            fixed([1.0, -1.0, 1.0], 2.0),
            DomainError,
            "price_bounds.min[1]",
            f"{positive} -1.0",
        ),
        (
            "bounds max infinite",
            key,
            fixed(1.0, INF),
            DomainError,
            "price_bounds.max",
            f"{positive} inf",
        ),
        (
            "bounds max NaN",
            key,
            fixed(1.0, [2.0, 2.0, NAN]),
            DomainError,
            "price_bounds.max[2]",
            f"{positive} nan",
        ),
        (
            "bounds max below min",
            key,
            fixed(3.0, [4.0, 2.0, 4.0]),
            DomainError,
            "price_bounds.max[1]",
            "expected at least price_bounds.min[1] = 3, got 2.0",
        ),
        (
            "bounds min short",
            key,
            fixed([1.0, 1.0], 2.0),
            ShapeError,
            "price_bounds.min",
            "expected a number or 3 numbers, one per pair, got shape [2]",
        ),
        (
            "bounds max nested",
            key,
            fixed(1.0, [[2.0, 2.0, 2.0]]),
            ShapeError,
            "price_bounds.max",
            "expected a number or 3 numbers, one per pair, got shape [1, 3]",
        ),
        (
            "bounds min ragged",
            key,
            fixed([[1.0], [1.0, 2.0]], 2.0),
            ShapeError,
            "price_bounds.min",
            "expected rows of equal length",
        ),
        (
            "bounds min text",
            key,
            fixed("1", 2.0),
            ConfigError,
            "price_bounds.min",
            "expected a number, got '1'",
        ),
        (
            "bounds max null",
            key,
            fixed(1.0, None),
            ConfigError,
            "price_bounds.max",
            "expected a number, got null",
        ),
        (
            "bounds max true",
            key,
            fixed(1.0, [2.0, True, 2.0]),
            ConfigError,
            "price_bounds.max[1]",
            "expected a number, got True",
        ),
        (
            "bounds min at -B/C",
            key,
            fixed([SILENCING_0 * (1 + 1e-12), 1.0, 1.0], 2 * SILENCING_0),
            DomainError,
            "price_bounds.min[0]",
            f"expected less than {SILENCING_0:.6g} (= -B/C",
        ),
    ]


def _positions() -> list[Case]:
    key = "positions_m"
    metres = "expected a finite number of metres, got"
    return [
        (
            "base station short",
            f"{key}.base_station",
            [0.0],
            ShapeError,
            f"{key}.base_station",
            "expected shape [2], got [1]",
        ),
        (
            "base station nested",
            f"{key}.base_station",
            [[0.0, 0.0]],
            ShapeError,
            f"{key}.base_station",
            "expected numbers as [2]",
        ),
        (
            "base station null",
            f"{key}.base_station",
            None,
            ConfigError,
            f"{key}.base_station",
            "expected a number, got null",
        ),
        (
            "cellular three axes",
            f"{key}.cellular",
            [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]],
            ShapeError,
            f"{key}.cellular",
            "expected shape [2, 2], got [2, 3]",
        ),
        (
            "cellular NaN",
            f"{key}.cellular",
            [[0.0, 0.0], [NAN, 1.0]],
            DomainError,
            f"{key}.cellular[1][0]",
            f"{metres} nan",
        ),
        (
            "transmitter short",
            f"{key}.d2d_transmitter",
            [[0.0, 0.0]],
            ShapeError,
            f"{key}.d2d_transmitter",
            "expected shape [3, 2], got [1, 2]",
        ),
        (
            "receiver infinite",
            f"{key}.d2d_receiver",
            [[0.0, 0.0], [0.0, -INF], [0.0, 0.0]],
            DomainError,
            f"{key}.d2d_receiver[1][1]",
            f"{metres} -inf",
        ),
        (
            "receiver text",
            f"{key}.d2d_receiver",
            [[0.0, 0.0], [0.0, "x"], [0.0, 0.0]],
            ConfigError,
            f"{key}.d2d_receiver[1][1]",
            "expected a number, got 'x'",
        ),
    ]


def _together() -> list[Case]:
    return [
        (
            "power limits crossed",
            "min_power_w",
            0.3,
            DomainError,
            "max_power_w",
            "expected more than min_power_w = 0.3, got 0.2",
        ),
        (
            "power limits equal",
            "max_power_w",
            0.001,
            DomainError,
            "max_power_w",
            "expected more than min_power_w = 0.001, got 0.001",
        ),
    ]


FIELD_CASES: list[Case] = [
    *_scalars(),
    *_arrays(),
    *_channel(),
    *_bounds(),
    *_positions(),
    *_together(),
]
"""Cases that both the constructor and the file reader refuse with the same words."""


def _file_only() -> list[Case]:
    cases: list[Case] = [
        (f"{key} missing", key, DELETE, ConfigError, key, "expected a value, got no")
        for key in GOOD
        if key not in ("format", "positions_m")
    ]
    nothing = "got nothing"
    cases += [
        ("format missing", "format", DELETE, ConfigError, "format", nothing),
        (
            "format of a solution",
            "format",
            "stackelberg.spectrum.solution/1",
            ConfigError,
            "format",
            "expected 'stackelberg.spectrum.scenario/1'",
        ),
        (
            "format of the future",
            "format",
            "stackelberg.spectrum.scenario/2",
            ConfigError,
            "format",
            'got "stackelberg.spectrum.scenario/2"',
        ),
        ("format number", "format", 1, ConfigError, "format", "got 1"),
        ("format null", "format", None, ConfigError, "format", "got null"),
        (
            "unknown key",
            "gain_d2d_to_bss",
            [],
            ConfigError,
            "gain_d2d_to_bss",
            "expected one of the known keys",
        ),
        (
            "unknown key far from all",
            "zzz",
            1,
            ConfigError,
            "zzz",
            "expected one of the known keys, got an unknown key",
        ),
        (
            "unknown key with a line break",
            "a\nb",
            1,
            ConfigError,
            '"a\\nb"',
            "expected one of the known keys",
        ),
        (
            "bounds null",
            "price_bounds",
            None,
            ConfigError,
            "price_bounds",
            "expected an object {...}, got null",
        ),
        (
            "bounds text",
            "price_bounds",
            "fixed",
            ConfigError,
            "price_bounds",
            'expected an object {...}, got "fixed"',
        ),
        (
            "bounds list",
            "price_bounds",
            [1.0, 2.0],
            ConfigError,
            "price_bounds",
            "expected an object {...}, got [1.0, 2.0]",
        ),
        (
            "bounds kind missing",
            "price_bounds",
            {},
            ConfigError,
            "price_bounds.kind",
            'expected "interference" or "fixed", got nothing',
        ),
        (
            "bounds kind null",
            "price_bounds",
            {"kind": None},
            ConfigError,
            "price_bounds.kind",
            'expected "interference" or "fixed", got null',
        ),
        (
            "bounds kind misspelt",
            "price_bounds",
            {"kind": "interferense"},
            ConfigError,
            "price_bounds.kind",
            "(did you mean 'interference'?), got \"interferense\"",
        ),
        (
            "bounds without min",
            "price_bounds",
            {"kind": "fixed", "max": 1.0},
            ConfigError,
            "price_bounds.min",
            "expected a value, got nothing",
        ),
        (
            "bounds without max",
            "price_bounds",
            {"kind": "fixed", "min": 1.0},
            ConfigError,
            "price_bounds.max",
            "expected a value, got nothing",
        ),
        (
            "bounds unknown key",
            "price_bounds",
            {"kind": "fixed", "mim": 1.0, "max": 2.0},
            ConfigError,
            "price_bounds.mim",
            "(did you mean 'min'?)",
        ),
        (
            "interference bounds with numbers",
            "price_bounds",
            {"kind": "interference", "min": 1.0},
            ConfigError,
            "price_bounds.min",
            "expected one of the known keys",
        ),
        (
            "positions list",
            "positions_m",
            [],
            ConfigError,
            "positions_m",
            "expected an object {...}, got []",
        ),
        (
            "positions without receivers",
            "positions_m.d2d_receiver",
            DELETE,
            ConfigError,
            "positions_m.d2d_receiver",
            "expected a value, got nothing",
        ),
        (
            "positions unknown key",
            "positions_m.celular",
            [],
            ConfigError,
            "positions_m.celular",
            "expected one of the known keys",
        ),
    ]
    return cases


FILE_CASES: list[Case] = _file_only()
"""Cases that only a file can have."""

CONTENT_CASES: list[tuple[str, bytes, type[Exception], str]] = [
    ("empty", b"", ConfigError, "content: expected a scenario, got an empty file"),
    ("blank", b" \n\t", ConfigError, "content: expected a scenario, got an empty file"),
    ("not JSON", b"hello", ConfigError, "line 1, column 1: expected JSON, got exp"),
    (
        "cut off",
        b'{\n  "format": "stack',
        ConfigError,
        "line 2, column 13: expected JSON, got unterminated string starting at",
    ),
    ("trailing comma", b'{"a": 1,}', ConfigError, "line 1, column"),
    ("two values", b"{} {}", ConfigError, "line 1, column 4: expected JSON, got extra"),
    (
        "a list",
        b"[]",
        ConfigError,
        "content: expected a scenario (one JSON object), got a list",
    ),
    (
        "null",
        b"null",
        ConfigError,
        "content: expected a scenario (one JSON object), got null",
    ),
    (
        "a number",
        b"3",
        ConfigError,
        "content: expected a scenario (one JSON object), got a number",
    ),
    ("not UTF-8", b'{"a": "\xff"}', ConfigError, "byte 7: expected UTF-8 text, got 0x"),
    (
        "nested too deep",
        b"[" * 200_000,
        ConfigError,
        "content: expected a scenario, got JSON nested too deep",
    ),
    (
        "a number of 5000 digits",
        b'{"a": ' + b"9" * 5000 + b"}",
        ConfigError,
        "content: expected a scenario, got Exceeds the limit",
    ),
    (
        "a key twice",
        b'{"channel": null, "channel": [0]}',
        ConfigError,
        "channel: expected each key once, got the key twice",
    ),
    (
        "an inner key twice",
        b'{"price_bounds": {"kind": "fixed", "min": 1, "min": 2}}',
        ConfigError,
        "price_bounds.min: expected each key once, got the key twice",
    ),
    (
        "NaN",
        b'{"bandwidth_hz": NaN}',
        DomainError,
        "bandwidth_hz: expected a finite number, got NaN",
    ),
    (
        "Infinity",
        b'{"gain_d2d": [1.0, [2.0, Infinity]]}',
        DomainError,
        "gain_d2d[1][1]: expected a finite number, got Infinity",
    ),
    (
        "-Infinity",
        b'{"price_bounds": {"min": -Infinity}}',
        DomainError,
        "price_bounds.min: expected a finite number, got -Infinity",
    ),
    ("NaN alone", b"NaN", DomainError, "content: expected a finite number, got NaN"),
]
"""Files that are not even a JSON object, or say what JSON cannot."""
