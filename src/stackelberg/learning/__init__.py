"""Policies for the environment, trained beside and against the equilibrium."""

from stackelberg.learning.learner import Learner, Metrics, Policy
from stackelberg.learning.methods import METHODS, MethodSettings, make_learner

__all__ = [
    "METHODS",
    "Learner",
    "MethodSettings",
    "Metrics",
    "Policy",
    "make_learner",
]
