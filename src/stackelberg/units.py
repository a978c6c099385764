"""Conversions between units: the only place where such factors live.

Plain names elsewhere are linear SI (W, Hz, m, bit/s); names that end in ``_db`` or
``_dbm`` are logarithmic. dB is a ratio, dBm a power: they have separate functions so
that one is never compared with the other.
"""

from __future__ import annotations

from math import log
from typing import TypeVar

import numpy as np
import numpy.typing as npt

LN2 = log(2.0)
"""nat per bit."""

THERMAL_NOISE_DBM_PER_HZ = -174.0
"""Thermal noise density at 290 K, dBm/Hz (3GPP TR 36.942, section 5)."""

_T = TypeVar("_T", float, npt.NDArray[np.float64])


def from_db(ratio_db: _T) -> _T:
    """Linear ratio of a ratio in dB."""
    return 10.0 ** (ratio_db / 10.0)  # type: ignore[return-value]  # float ** gives Any


def to_db(ratio: _T) -> _T:
    """Ratio in dB of a linear ratio >= 0 (zero gives -inf)."""
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(ratio)  # type: ignore[return-value]


def from_dbm(power_dbm: _T) -> _T:
    """Power in W of a power in dBm."""
    return 1e-3 * from_db(power_dbm)


def to_dbm(power_w: _T) -> _T:
    """Power in dBm of a power in W (zero gives -inf)."""
    return to_db(power_w) + 30.0  # type: ignore[return-value]


def noise_power_w(bandwidth_hz: float, noise_figure_db: float = 5.0) -> float:
    """Receiver noise kTBF in W over `bandwidth_hz`."""
    density_w_per_hz = from_dbm(THERMAL_NOISE_DBM_PER_HZ + noise_figure_db)
    return density_w_per_hz * bandwidth_hz


def nats_to_bits(nats: _T) -> _T:
    """Information in bit of information in nat."""
    return nats / LN2  # type: ignore[return-value]
