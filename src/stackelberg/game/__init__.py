"""What both games share: how a solve ended, what it found, what is proved about it."""

from stackelberg.game.certificate import Certificate, CertificateRow
from stackelberg.game.solution import Solution
from stackelberg.game.status import Status

__all__ = ["Certificate", "CertificateRow", "Solution", "Status"]
