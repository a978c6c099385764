"""How Problem 1 is solved: interior point and first order, kernels and factors."""

from stackelberg.edge.solvers.predicted_memory import predicted_bytes

__all__ = [
    "predicted_bytes",
]
