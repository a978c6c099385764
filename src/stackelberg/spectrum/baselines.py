"""Simple ways to price, to compare the game's solutions with.

Every method takes a scenario with channels assigned and gives an `Outcome`. Each says
what the followers do: not all of these are equilibria.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast, get_args

import numpy as np
from scipy.optimize import minimize_scalar

from stackelberg.errors import ConfigError, suggestion
from stackelberg.game import Status
from stackelberg.spectrum.assignment import assign_channels
from stackelberg.spectrum.certify import (
    Concept,
    LeaderBound,
    SpectrumCertificate,
    certify,
)
from stackelberg.spectrum.follower import assigned, follower_equilibrium
from stackelberg.spectrum.price_box import implied_price, price_box
from stackelberg.spectrum.radio import whole_number
from stackelberg.spectrum.rates import Outcome, outcome
from stackelberg.spectrum.scenario import FixedPriceBounds, Floats, Scenario
from stackelberg.spectrum.solve import SpectrumSolution, solve
from stackelberg.units import from_db

GRID_PRICES = 49
"""Prices `uniform_price` tries before it refines between the neighbours of the best."""

RANDOM_RANGE_DB = 30.0
"""`random` draws powers over so much below the greatest where the least power is 0."""


class Method(Protocol):
    """A way to price: a scenario with channels assigned to an outcome."""

    def __call__(self, scenario: Scenario, *, seed: int = 0) -> Outcome:
        """Price the scenario; `seed` matters to methods that draw."""
        ...


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What one method reached.

    Attributes:
        name: the method, a key of `METHODS`.
        outcome: its channels, prices, powers, rates and utilities.
        certificate: what is proved about it; None where the method plays no game
            (`no_reuse`).
        status: how the solve ended; `CONVERGED` for methods that do not iterate.
    """

    name: str
    outcome: Outcome
    certificate: SpectrumCertificate | None
    status: Status


def no_reuse(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """No pair transmits; each channel belongs to its cellular user.

    Powers are 0 even where `min_power_w` > 0, and prices are at their upper bounds with
    everybody silent. The followers do not play: with `min_power_w` > 0 no price keeps
    them silent, and without it some would often rather transmit at these prices. It is
    the reference for what reuse costs the cellular users.

    Args:
        scenario: with channels assigned.
        seed: not used.

    Raises:
        ConfigError: if the scenario has no channel allocation.
    """
    channel = assigned(scenario)
    silent = np.zeros(scenario.num_pairs)
    _, most = price_box(scenario, channel, silent)
    return outcome(scenario, channel, most, silent)


def uniform_price(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """One price for all pairs, the best one for the leader.

    The followers answer every price tried with their Nash equilibrium. Fixed bounds:
    the common price is clipped to each pair's bounds. Interference bounds: where it
    drives a pair to a power limit, that pair's price is the end of its price box there,
    which leaves the equilibrium as it is. The search takes the best of `GRID_PRICES`
    prices, evenly spaced in ln price from where all pairs transmit at full power to
    where all are at their least, then refines between that price's neighbours: the best
    price up to maxima narrower than the grid.

    Args:
        scenario: with channels assigned.
        seed: not used.

    Raises:
        ConfigError: if the scenario has no channel allocation.
    """
    channel = assigned(scenario)
    if scenario.num_pairs == 0:
        return outcome(scenario, channel, [], [])
    low, high = _common_price_range(scenario)
    tried = np.linspace(np.log(low), np.log(high), GRID_PRICES)
    reached = [_at_common_price(scenario, x).leader_utility for x in tried]
    best = int(np.argmax(reached))
    found = minimize_scalar(
        lambda x: -_at_common_price(scenario, x).leader_utility,
        bounds=(tried[max(best - 1, 0)], tried[min(best + 1, GRID_PRICES - 1)]),
        method="bounded",
        options={"xatol": 1e-6},
    )
    refined = _at_common_price(scenario, float(found.x))
    if refined.leader_utility > reached[best]:
        return refined
    return _at_common_price(scenario, float(tried[best]))


def random(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """Feasible prices drawn at random.

    Fixed bounds: each price is log-uniform between its bounds, and the followers answer
    with their Nash equilibrium (the best for the leader where there are several).
    Interference bounds depend on the powers, so powers are drawn instead, log-uniform
    between their limits (over `RANDOM_RANGE_DB` below the greatest where the least is
    0), with the prices that make them best responses: a Nash equilibrium as well.

    Args:
        scenario: with channels assigned.
        seed: a whole number >= 0; the same seed gives the same bits.

    Raises:
        ConfigError: if the scenario has no channel allocation.
        DomainError: if `seed` is negative.
    """
    channel = assigned(scenario)
    drawn = np.random.default_rng(whole_number("seed", seed, least=0)).random(
        scenario.num_pairs
    )
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        price = np.clip(
            bounds.min * (bounds.max / bounds.min) ** drawn, bounds.min, bounds.max
        )
        return _answered(scenario, price)
    least = scenario.min_power_w or scenario.max_power_w / from_db(RANDOM_RANGE_DB)
    power = np.clip(
        least * (scenario.max_power_w / least) ** drawn, least, scenario.max_power_w
    )
    return outcome(scenario, channel, implied_price(scenario, channel, power), power)


def full_power(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """Every pair transmits at `max_power_w`, at the largest price that allows it.

    That price is B / (gbar (p_max + s)), at which full power is just a best response.
    Fixed bounds: it is clipped to them. Where that raises it, the pair would rather
    transmit less and the outcome is no equilibrium; its follower regret says by how
    much. Everywhere else the followers are at a Nash equilibrium.

    Args:
        scenario: with channels assigned.
        seed: not used.

    Raises:
        ConfigError: if the scenario has no channel allocation.
    """
    channel = assigned(scenario)
    power = np.full(scenario.num_pairs, scenario.max_power_w)
    price = implied_price(scenario, channel, power)
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        price = np.clip(price, bounds.min, bounds.max)
    return outcome(scenario, channel, price, power)


def published(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """The printed rule, iterated: `solve(scenario, "published")`."""
    return solve(scenario.with_channel(assigned(scenario)), "published").value


def iterated(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """One price at a time, the others' powers held: `solve(scenario, "iterated")`."""
    return solve(scenario.with_channel(assigned(scenario)), "iterated").value


def bilevel(scenario: Scenario, *, seed: int = 0) -> Outcome:
    """The Stackelberg equilibrium proper: `solve(scenario, "bilevel")`."""
    return solve(scenario.with_channel(assigned(scenario)), "bilevel").value


METHODS: dict[str, Method] = {
    "no_reuse": no_reuse,
    "uniform_price": uniform_price,
    "random": random,
    "full_power": full_power,
    "published": published,
    "iterated": iterated,
    "bilevel": bilevel,
}
"""Every method by name, in the order of tables: the more it knows the later."""


def run_method(
    scenario: Scenario,
    name: str,
    *,
    seed: int = 0,
    tolerance: float = 1e-4,
    max_boxes: int = 200_000,
    bound: LeaderBound | None = None,
) -> MethodResult:
    """Run one method and certify what it reaches.

    Args:
        scenario: with channels assigned.
        name: a key of `METHODS`.
        seed: for methods that draw.
        tolerance: relative gap to prove per channel.
        max_boxes: boxes of branch and bound allowed per channel.
        bound: an upper bound on the leader's utility already proved at these channels;
            by default each certificate computes its own.

    Raises:
        ConfigError: an unknown name, or no channel allocation.
    """
    if name not in METHODS:
        raise ConfigError(
            "name",
            expected=f"one of {', '.join(METHODS)}{suggestion(name, METHODS)}",
            got=repr(name),
        )
    assigned(scenario)
    if name in get_args(Concept):
        solution = solve(
            scenario, cast("Concept", name), tolerance=tolerance, max_boxes=max_boxes
        )
        return MethodResult(name, solution.value, solution.certificate, solution.status)
    reached = METHODS[name](scenario, seed=seed)
    if name == "no_reuse":
        return MethodResult(name, reached, None, Status.CONVERGED)
    certificate = certify(
        scenario, reached, tolerance=tolerance, max_boxes=max_boxes, bound=bound
    )
    return MethodResult(name, reached, certificate, Status.CONVERGED)


def compare(
    scenario: Scenario,
    *,
    seed: int = 0,
    tolerance: float = 1e-4,
    max_boxes: int = 200_000,
) -> tuple[MethodResult, ...]:
    """Run every method on the same channels, in the order of `METHODS`.

    Where the scenario leaves channels open they are assigned once, for all methods.
    The bound proved for `bilevel` certifies the others' gaps too: it holds for any
    prices at these channels.

    Args:
        scenario: the cell.
        seed: for methods that draw and for the assignment.
        tolerance: relative gap to prove per channel.
        max_boxes: boxes of branch and bound allowed per channel.
    """
    if scenario.channel is None:
        scenario = scenario.with_channel(assign_channels(scenario, seed=seed).channel)
    best = solve(scenario, "bilevel", tolerance=tolerance, max_boxes=max_boxes)
    bound = proved_bound(best)
    results: list[MethodResult] = []
    for name in METHODS:
        if name == "bilevel":
            results.append(
                MethodResult(name, best.value, best.certificate, best.status)
            )
        else:
            results.append(
                run_method(
                    scenario,
                    name,
                    seed=seed,
                    tolerance=tolerance,
                    max_boxes=max_boxes,
                    bound=bound,
                )
            )
    return tuple(results)


def proved_bound(solution: SpectrumSolution) -> LeaderBound:
    """The upper bound that a `bilevel` solution proved at its channels."""
    certificate = solution.certificate
    return LeaderBound(
        value=certificate.bilevel_bound,
        origin=certificate.bound_origin,
        boxes=int(cast("int", solution.stats["boxes"])),
    )


def _answered(scenario: Scenario, price: Floats) -> Outcome:
    game = follower_equilibrium(scenario, price)
    return outcome(scenario, assigned(scenario), price, game.transmit_power_w)


def _at_common_price(scenario: Scenario, log_price: float) -> Outcome:
    price = np.full(scenario.num_pairs, np.exp(log_price))
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        return _answered(scenario, np.clip(price, bounds.min, bounds.max))
    channel = assigned(scenario)
    power = follower_equilibrium(scenario, price).transmit_power_w
    # Inside the power limits this is the common price itself, up to rounding.
    return outcome(scenario, channel, implied_price(scenario, channel, power), power)


def _common_price_range(scenario: Scenario) -> tuple[float, float]:
    """Common prices beyond which no follower changes its power."""
    bounds = scenario.price_bounds
    if isinstance(bounds, FixedPriceBounds):
        return float(bounds.min.min()), float(bounds.max.max())
    channel = assigned(scenario)
    loud = np.full(scenario.num_pairs, scenario.max_power_w)
    quiet = np.full(scenario.num_pairs, scenario.min_power_w)
    least, _ = price_box(scenario, channel, loud)
    _, most = price_box(scenario, channel, quiet)
    return float(least.min()), float(most.max())
