"""Radio propagation: path loss, spatially correlated shadowing, Rayleigh fading.

Path losses and shadowing are in dB, distances in m, fading is a linear power factor.
Everything is NumPy float64, except that the laws of distance also take the arrays of
another library (JAX) and answer in its own kind and precision, so that there is one
formula for scenarios and environments. Shape legend: D devices at positions [D, 2].

Shadowing is computed by sums in a fixed order rather than by BLAS, so that any number
of threads gives the same bits and the first devices keep theirs when more are added.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stackelberg.errors import DomainError

Floats = npt.NDArray[np.float64]

MIN_BASE_STATION_DISTANCE_M = 35.0
"""Least distance of a user to a macro base station (3GPP TR 36.814, A.2.1.1)."""

MIN_DEVICE_DISTANCE_M = 3.0
"""Least distance of two devices; WINNER+ B1 is not defined below (TR 36.843, A.2)."""

BASE_STATION_DECORRELATION_M = 50.0
"""Distance over which shadowing to a base station loses 1/e (TR 36.814, A.2.1.1)."""

DEVICE_DECORRELATION_M = 10.0
"""The same for links between devices at street level (TR 36.885, table A.1.4-1)."""

SPEED_OF_LIGHT_M_PER_S = 299_792_458.0

# Variance added to each position so that users on one spot leave a factorisable matrix.
_NUGGET = 1e-9

# Least fading power: an exponential draw may be 0 (about once in 1e16), a gain may not.
_LEAST_FADING = 1e-12


def distances_m(here: npt.ArrayLike, there: npt.ArrayLike) -> Floats:
    """Distance between each point of `here` [A, 2] and of `there` [B, 2], as [A, B].

    The same bits whichever end is named first.
    """
    delta = np.asarray(here, np.float64)[:, None] - np.asarray(there, np.float64)
    return np.hypot(delta[..., 0], delta[..., 1])


def base_station_path_loss_db(distance_m: npt.ArrayLike) -> Floats:
    """Path loss between a device and the base station, 128.1 + 37.6 log10 d[km].

    Source: 3GPP TR 36.942, section 4.5.2, urban macro cell at 2 GHz with the antenna
    15 m above the roofs; also TR 36.814, A.2.1.1. Includes no antenna gains.

    Args:
        distance_m: any shape, >= 0; `MIN_BASE_STATION_DISTANCE_M` counts for less.
    """
    xp, metres = _at_least(distance_m, MIN_BASE_STATION_DISTANCE_M)
    return 128.1 + 37.6 * xp.log10(metres / 1e3)


def device_path_loss_db(distance_m: npt.ArrayLike) -> Floats:
    """Path loss between two devices, 148 + 40 log10 d[km].

    Source: the usual setting of D2D papers at 2 GHz, a fourth-power law with 28 dB at
    1 m; no 3GPP table is known to us that states it so.

    Args:
        distance_m: any shape, >= 0; `MIN_DEVICE_DISTANCE_M` counts for less.
    """
    xp, metres = _at_least(distance_m, MIN_DEVICE_DISTANCE_M)
    return 148.0 + 40.0 * xp.log10(metres / 1e3)


def free_space_path_loss_db(
    distance_m: npt.ArrayLike, carrier_hz: float = 2e9
) -> Floats:
    """Path loss in free space, 46.4 + 20 log10 d[m] + 20 log10(f[GHz]/5).

    Source: WINNER II D1.1.2, equation (4.24).

    Args:
        distance_m: any shape, >= 0; `MIN_DEVICE_DISTANCE_M` counts for less.
        carrier_hz: carrier frequency in Hz, > 0.
    """
    xp, metres = _at_least(distance_m, MIN_DEVICE_DISTANCE_M)
    return 46.4 + 20.0 * xp.log10(metres) + 20.0 * _log10(carrier_hz / 5e9)


def line_of_sight_probability(distance_m: npt.ArrayLike) -> Floats:
    """Probability that two devices see each other, WINNER II/+ scenario B1.

    min(18/d, 1) (1 - exp(-d/36)) + exp(-d/36), d in m: certain up to 18 m. Source:
    WINNER II D1.1.2, table 4-7, which TR 36.843, A.2.1.2, refers to.
    """
    xp, metres = _at_least(distance_m, MIN_DEVICE_DISTANCE_M)
    near = xp.exp(-metres / 36.0)
    return xp.minimum(18.0 / metres, 1.0) * (1.0 - near) + near


def line_of_sight_path_loss_db(
    distance_m: npt.ArrayLike, carrier_hz: float = 2e9
) -> Floats:
    """Path loss between two devices that see each other, 3GPP TR 36.843, A.2.1.2.

    Outdoor to outdoor is WINNER+ B1 with both antennas 1.5 m high, effective height
    h = 0.8 m, offset 0 dB, and free space as the lower bound. With d in m, f in GHz:

        22.7 log10 d + 27.0 + 20 log10 f              up to 4 h h f / c (17 m at 2 GHz)
        40 log10 d + 7.56 - 34.6 log10 h + 2.7 log10 f            beyond

    The first line never exceeds free space before its end, so it is free space there.
    Source: WINNER+ D5.3, table 4-1. The report's text was not at hand: heights and
    offsets are reconstructed from published implementations of it, which differ in the
    effective heights (0.5 or 0.8 m).

    Args:
        distance_m: any shape, >= 0; `MIN_DEVICE_DISTANCE_M` counts for less.
        carrier_hz: carrier frequency in Hz, 0.45 to 6 GHz.

    Raises:
        DomainError: if `carrier_hz` is outside the range of the model.
    """
    carrier_ghz = _checked_carrier_ghz(carrier_hz)
    xp, metres = _at_least(distance_m, MIN_DEVICE_DISTANCE_M)
    breakpoint_m = 4.0 * 0.8 * 0.8 * carrier_hz / SPEED_OF_LIGHT_M_PER_S
    near = 22.7 * xp.log10(metres) + 27.0 + 20.0 * _log10(carrier_ghz)
    far = (
        40.0 * xp.log10(metres)
        + 7.56
        - 2.0 * 17.3 * _log10(0.8)
        + 2.7 * _log10(carrier_ghz)
    )
    street = xp.where(metres <= breakpoint_m, near, far)
    return xp.maximum(street, free_space_path_loss_db(distance_m, carrier_hz))


def obstructed_path_loss_db(
    distance_m: npt.ArrayLike, carrier_hz: float = 2e9
) -> Floats:
    """Path loss between two devices that do not see each other, TR 36.843, A.2.1.2.

    WINNER+ B1 NLOS with antennas h = 1.5 m high, offset -5 dB, and free space as the
    lower bound. With d in m, f in GHz:

        (44.9 - 6.55 log10 h) log10 d + 5.83 log10 h + k(f) - 5
        k = 16.33 + 26.16 log10 f   from 0.45 to 1.5 GHz
            14.78 + 34.97 log10 f   from 1.5 to 2 GHz
            18.38 + 23 log10 f      from 2 to 6 GHz

    Source: WINNER+ D5.3, table 4-1; reconstructed as `line_of_sight_path_loss_db`.

    Args:
        distance_m: any shape, >= 0; `MIN_DEVICE_DISTANCE_M` counts for less.
        carrier_hz: carrier frequency in Hz, 0.45 to 6 GHz.

    Raises:
        DomainError: if `carrier_hz` is outside the range of the model.
    """
    carrier_ghz = _checked_carrier_ghz(carrier_hz)
    xp, metres = _at_least(distance_m, MIN_DEVICE_DISTANCE_M)
    if carrier_ghz <= 1.5:
        frequency_term = 16.33 + 26.16 * _log10(carrier_ghz)
    elif carrier_ghz <= 2.0:
        frequency_term = 14.78 + 34.97 * _log10(carrier_ghz)
    else:
        frequency_term = 18.38 + 23.0 * _log10(carrier_ghz)
    slope = 44.9 - 6.55 * _log10(1.5)
    street = slope * xp.log10(metres) + 5.83 * _log10(1.5) + frequency_term - 5.0
    return xp.maximum(street, free_space_path_loss_db(distance_m, carrier_hz))


def position_correlation(positions_m: Floats, decorrelation_m: float) -> Floats:
    """Correlation exp(-d/d_corr) of shadowing at two places [D, D].

    Source: Gudmundson, Electronics Letters 27(23), 1991; TR 36.814, A.2.1.1.
    """
    return np.exp(-distances_m(positions_m, positions_m) / decorrelation_m)


def shadowing_to_base_station(
    random: np.random.Generator, positions_m: Floats, decorrelation_m: float
) -> Floats:
    """Standard normal shadowing of each device's link to the base station [D].

    Correlated as `position_correlation`. Multiply by the standard deviation in dB.
    The first devices' values do not depend on how many follow.
    """
    factor = _cholesky(position_correlation(positions_m, decorrelation_m))
    draws = random.standard_normal(len(positions_m))
    shadowing = np.zeros(len(positions_m))
    for k, draw in enumerate(draws):
        shadowing += factor[:, k] * draw
    return shadowing


def shadowing_between_devices(
    random: np.random.Generator, positions_m: Floats, decorrelation_m: float
) -> Floats:
    """Standard normal shadowing of the link between any two devices [D, D].

    Symmetric in every bit: a link is the same in both directions. Correlated over both
    ends: with R the `position_correlation`, links (a, b) and (c, d) correlate as

        (R_ac R_bd + R_ad R_bc) / sqrt((1 + R_ab^2)(1 + R_cd^2)),

    so with one end shared and both links long, as exp(-distance of the other ends /
    d_corr). It is the product model of Wang, Tameh and Nix (IEEE Trans. Veh. Technol.
    57(1), 2008) made reciprocal: L W L^T plus its transpose, W of independent standard
    normals, scaled to variance 1. The diagonal is 0: no device hears itself.
    The first devices' values do not depend on how many follow.
    """
    correlation = position_correlation(positions_m, decorrelation_m)
    factor = _cholesky(correlation)
    num_devices = len(positions_m)
    draws = random.standard_normal(num_devices**2)[_shell_order(num_devices)]
    half = np.zeros_like(draws)
    field = np.zeros_like(draws)
    for k in range(num_devices):
        half += draws[:, k, None] * factor[None, :, k]
    for k in range(num_devices):
        field += factor[:, k, None] * half[None, k, :]
    shadowing = (field + field.T) / np.sqrt(2.0 * (1.0 + correlation**2))
    np.fill_diagonal(shadowing, 0.0)
    return shadowing


def symmetric_uniform(random: np.random.Generator, num_devices: int) -> Floats:
    """One uniform number in [0, 1) per unordered couple of devices [D, D].

    Symmetric; the diagonal is 0. The first devices' values do not depend on how many
    follow.
    """
    drawn = np.zeros((num_devices, num_devices))
    low = np.tril_indices(num_devices, -1)
    drawn[low] = random.random(len(low[0]))
    return drawn + drawn.T


def rayleigh_power(random: np.random.Generator, num_links: int) -> Floats:
    """Power of Rayleigh fading: exponential with mean 1, one per link [num_links]."""
    return np.maximum(random.standard_exponential(num_links), _LEAST_FADING)


def rayleigh_power_matrix(random: np.random.Generator, num_pairs: int) -> Floats:
    """Fading power from each transmitter (row) to each receiver (column) [N, N].

    All entries are independent: the links k -> j and j -> k join different antennas.
    An entry belongs to two antennas, whichever of them transmits. The first pairs'
    values do not depend on how many follow.
    """
    return rayleigh_power(random, num_pairs**2)[_shell_order(num_pairs)]


def _at_least(distance_m: npt.ArrayLike, floor_m: float) -> tuple[Any, Any]:
    """The array library of `distance_m`, and what counts as the distance."""
    library: Any = getattr(distance_m, "__array_namespace__", lambda: np)()
    if library is np:
        return np, np.maximum(np.asarray(distance_m, np.float64), floor_m)
    return library, library.maximum(distance_m, floor_m)


def _log10(number: float) -> float:
    """A plain float, so that it takes the precision of the array it meets."""
    return float(np.log10(number))


def _checked_carrier_ghz(carrier_hz: float) -> float:
    if not 0.45e9 <= carrier_hz <= 6e9:
        raise DomainError(
            "carrier_hz", expected="0.45e9 to 6e9 (WINNER+ B1)", got=carrier_hz
        )
    return carrier_hz / 1e9


def _shell_order(size: int) -> npt.NDArray[np.int64]:
    """Where entry (a, b) of a square lies in a stream that grows shell by shell.

    Shell s holds row s and column s of the leading square of size s + 1, so a larger
    square begins with the same numbers.
    """
    row, column = np.indices((size, size))
    shell = np.maximum(row, column)
    return shell**2 + np.where(column == shell, row, shell + 1 + column)


def _cholesky(correlation: Floats) -> Floats:
    """Lower Cholesky factor by rank-one updates: the same bits on any thread count."""
    rest = correlation + _NUGGET * np.eye(len(correlation))
    factor = np.zeros_like(rest)
    for k in range(len(rest)):
        column = rest[k:, k] / np.sqrt(rest[k, k])
        factor[k:, k] = column
        rest[k:, k:] -= column[:, None] * column[None, :]
    return factor
