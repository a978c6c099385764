"""How a solve ended."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How a solve ended; an integer, so that arrays of statuses work under `vmap`.

    Larger is worse, so `max` combines the statuses of independent parts.
    """

    CONVERGED = 0
    ALMOST_CONVERGED = 1
    MAX_ITERATIONS = 2
    INFEASIBLE = 3
    UNBOUNDED = 4
    DIVERGED = 5
    NONFINITE = 6

    @property
    def label(self) -> str:
        """The name as written in files and tables, e.g. ``max_iterations``."""
        return self.name.lower()

    @property
    def advice(self) -> str:
        """One sentence: what this means and what to do about it."""
        return _ADVICE[self]


_ADVICE = {
    Status.CONVERGED: "The tolerance asked for is met; read the certificate for what "
    "is proved.",
    Status.ALMOST_CONVERGED: "The answer is usable, but its certificate misses the "
    "tolerance asked for; allow more work or accept the printed gap.",
    Status.MAX_ITERATIONS: "The iteration did not converge; the best iterate is "
    "returned with its honest certificate.",
    Status.INFEASIBLE: "No point satisfies the constraints; relax a bound.",
    Status.UNBOUNDED: "The objective has no finite optimum; bound a price or a "
    "quantity.",
    Status.DIVERGED: "The iterates grew without limit; rescale or bound the problem.",
    Status.NONFINITE: "A number became NaN or infinite; check the inputs' scale.",
}
