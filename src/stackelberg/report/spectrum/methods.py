"""One method's outcome as the numbers that methods are compared by."""

from __future__ import annotations

import numpy as np

from stackelberg.report.spectrum.cellular import USABLE_DB
from stackelberg.report.spectrum.data import MethodRecord
from stackelberg.spectrum import Outcome, Scenario, links
from stackelberg.spectrum.certify import SpectrumCertificate
from stackelberg.spectrum.rates import rate_bps
from stackelberg.units import from_db, to_db


def method_record(
    scenario: Scenario,
    method: str,
    answer: Outcome,
    certificate: SpectrumCertificate | None,
    seconds: float | None,
) -> MethodRecord:
    """Compare `answer` with the cell without reuse.

    Args:
        scenario: the cell; its own `channel` is not used.
        method: name, a key of `theme.METHODS`.
        answer: what the method reached.
        certificate: of that answer; None where the method plays no game.
        seconds: of the method.
    """
    heard = links(scenario, answer.channel, answer.transmit_power_w)
    active = answer.transmit_power_w > 0.0
    alone = rate_bps(
        scenario.bandwidth_hz,
        heard.cellular_signal_w / heard.noise_power_w,
    ).sum()
    kept = float(answer.cellular_rate_bps.sum())
    return MethodRecord(
        method=method,
        leader_utility_bps=float(answer.leader_utility),
        sum_rate_bps=kept + float(answer.d2d_rate_bps.sum()),
        cellular_rate_lost=float(1.0 - kept / alone) if alone > 0.0 else 0.0,
        users_below_5_db=int((heard.cellular_sinr < from_db(USABLE_DB)).sum()),
        follower_regret=_known(certificate, "follower_regret_relative"),
        price_regret=_known(certificate, "price_regret_relative"),
        bilevel_gap=_known(certificate, "bilevel_gap"),
        seconds=seconds,
        cellular_sinr_db=_finite_db(heard.cellular_sinr),
        d2d_sinr_db=_finite_db(heard.d2d_sinr[active]),
    )


def _known(certificate: SpectrumCertificate | None, name: str) -> float | None:
    value = float("nan") if certificate is None else float(getattr(certificate, name))
    return value if np.isfinite(value) else None


def _finite_db(sinr: np.ndarray) -> tuple[float, ...]:
    """In dB, without links that carry nothing."""
    return tuple(float(x) for x in to_db(sinr[sinr > 0.0]))
