"""A certificate as the rows of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from stackelberg.game import Certificate


@dataclass(frozen=True)
class CertificateRecord:
    """One number of a certificate; `value` is None where it is not known."""

    name: str
    value: float | None
    unit: str
    meaning: str


def certificate_records(
    certificate: Certificate, share_of: Mapping[str, str] | None = None
) -> tuple[CertificateRecord, ...]:
    """The rows of a certificate, with None for what is not known.

    Args:
        certificate: any.
        share_of: name of a relative number -> what it is a share of, its unit.
    """
    shares = share_of or {}
    return tuple(
        CertificateRecord(
            row.name,
            float(row.value) if math.isfinite(row.value) else None,
            row.unit or shares.get(row.name, ""),
            row.meaning,
        )
        for row in certificate.rows()
    )
