"""Solve spectrum scenarios under a named concept; many scenarios are one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args

import jax
import numpy as np

from stackelberg.errors import ConfigError, suggestion
from stackelberg.game import Solution, Status
from stackelberg.spectrum.assignment import Assignment, assign_channels
from stackelberg.spectrum.bilevel import solve_games
from stackelberg.spectrum.certify import (
    EXACT,
    Concept,
    LeaderBound,
    SpectrumCertificate,
    certify,
    check_effort,
)
from stackelberg.spectrum.channel_game import ChannelGames, channel_games
from stackelberg.spectrum.channel_kernels import best_of_starts
from stackelberg.spectrum.fixed_bounds import best_prices
from stackelberg.spectrum.follower import follower_equilibrium
from stackelberg.spectrum.leader_bound import prove_games
from stackelberg.spectrum.price_iteration import MAX_SWEEPS, iterate_prices
from stackelberg.spectrum.rates import Outcome, outcome, rate_bps
from stackelberg.spectrum.scenario import FixedPriceBounds, Floats, Ints, Scenario
from stackelberg.spectrum.threads import in_blocks

SpectrumSolution = Solution[Outcome, SpectrumCertificate]

LOWEST_START = 1e-9
"""Where p_min = 0, ascents stop at this share of the greatest power; zero is tried."""


def solve(
    scenario: Scenario,
    concept: Concept = "bilevel",
    *,
    tolerance: float = 1e-4,
    max_boxes: int = 200_000,
    max_pairs_per_channel: int | None = None,
    seed: int = 0,
) -> SpectrumSolution:
    """Prices, powers and, where needed, channels of one scenario, with a certificate.

    Args:
        scenario: the cell. Where its `channel` is None, channels are assigned first.
        concept: which answer is wanted.
            `bilevel`: the Stackelberg equilibrium proper, max over prices of the
            leader's utility with the followers at equilibrium; local search, then
            branch and bound until the gap is proved or `max_boxes` is spent.
            `iterated`: Gauss-Seidel of prices and powers. Its fixed point is
            conjectural: each price is best if the others' powers stay put.
            `published`: the same iteration with the five printed cases of
            Proposition 2, for reproduction.
        tolerance: relative gap to prove per channel.
        max_boxes: boxes of branch and bound allowed per channel.
        max_pairs_per_channel: cap for the channel assignment; None takes its default.
        seed: of the assignment's random restarts.

    Returns:
        Solution (iterations: boxes of branch and bound, or the most sweeps on a
        channel) with status `CONVERGED` when the certificate holds what the concept
        promises; `ALMOST_CONVERGED` when only the proof is missing; `MAX_ITERATIONS`
        when the price iteration did not settle (its last prices are returned, with the
        followers at equilibrium there), or when no followers' equilibrium was found,
        which gains spread over ten and more decades can cause.

    Raises:
        ConfigError: if `concept` is unknown.
        DomainError: if an option is out of range.
    """
    return solve_batch(
        [scenario],
        concept,
        tolerance=tolerance,
        max_boxes=max_boxes,
        max_pairs_per_channel=max_pairs_per_channel,
        seed=seed,
    )[0]


def solve_batch(
    scenarios: Sequence[Scenario],
    concept: Concept = "bilevel",
    *,
    tolerance: float = 1e-4,
    max_boxes: int = 200_000,
    max_pairs_per_channel: int | None = None,
    seed: int = 0,
) -> list[SpectrumSolution]:
    """Solve scenarios of any sizes together; as `solve`, one solution each.

    Channels of equal size run as one batch. A scenario's answer does not depend on the
    company it is solved in.
    """
    _check_options(concept, tolerance, max_boxes)
    assignments: list[Assignment | None] = []
    channels: list[Ints] = []
    for scenario in scenarios:
        if scenario.channel is not None:
            assignments.append(None)
            channels.append(scenario.channel)
            continue
        assignment = assign_channels(
            scenario, max_pairs_per_channel=max_pairs_per_channel, seed=seed
        )
        assignments.append(assignment)
        channels.append(assignment.channel)
    drafts = [_Draft.empty(s, c) for s, c in zip(scenarios, channels, strict=True)]
    for games in channel_games(scenarios, channels).values():
        if concept == "bilevel":
            _solve_bilevel(games, drafts, tolerance, max_boxes)
        else:
            _iterate(games, drafts, published=concept == "published")
    return [
        draft.finish(scenario, concept, assignment, tolerance, max_boxes)
        for scenario, draft, assignment in zip(
            scenarios, drafts, assignments, strict=True
        )
    ]


def _check_options(concept: str, tolerance: float, max_boxes: int) -> None:
    concepts = get_args(Concept)
    given = cast("object", concept)
    if not isinstance(given, str) or given not in concepts:
        near = suggestion(str(given), concepts)
        raise ConfigError(
            "concept",
            expected=f"one of {', '.join(concepts)}{near}",
            got=repr(given)[:60],
        )
    check_effort(tolerance, max_boxes)


@dataclass
class _Draft:
    """What is known of one scenario while its channels are being solved."""

    channel: Ints
    price: Floats
    power: Floats
    upper_bound: float
    boxes: int = 0
    sweeps: int = 0
    unsettled: int = 0

    @staticmethod
    def empty(scenario: Scenario, channel: Ints) -> _Draft:
        silent = np.setdiff1d(np.arange(scenario.num_channels), channel)
        snr = scenario.received_cellular_power_w[silent] / scenario.noise_power_w
        return _Draft(
            channel=channel,
            price=np.empty(scenario.num_pairs),
            power=np.empty(scenario.num_pairs),
            upper_bound=float(rate_bps(scenario.bandwidth_hz, snr).sum()),
        )

    def finish(
        self,
        scenario: Scenario,
        concept: Concept,
        assignment: Assignment | None,
        tolerance: float,
        max_boxes: int,
    ) -> SpectrumSolution:
        scenario = scenario.with_channel(self.channel)
        if self.unsettled or (
            concept == "bilevel" and isinstance(scenario.price_bounds, FixedPriceBounds)
        ):
            # Not a fixed point, or several equilibria: let the followers answer.
            game = follower_equilibrium(scenario, self.price)
            self.power = game.transmit_power_w
        value = outcome(scenario, self.channel, self.price, self.power)
        bound = None
        if concept == "bilevel":
            origin = f"branch and bound, {self.boxes} boxes"
            bound = LeaderBound(self.upper_bound, origin, self.boxes)
        certificate = certify(
            scenario, value, tolerance=tolerance, max_boxes=max_boxes, bound=bound
        )
        stats: dict[str, object] = {
            "concept": concept,
            "boxes": self.boxes,
            "unsettled_channels": self.unsettled,
        }
        if assignment is not None:
            stats["allocation"] = assignment
        return Solution(
            value=value,
            certificate=certificate,
            status=_status(concept, certificate, self.unsettled, tolerance),
            iterations=self.boxes if concept == "bilevel" else self.sweeps,
            stats=stats,
        )


def _status(
    concept: Concept,
    certificate: SpectrumCertificate,
    unsettled: int,
    tolerance: float,
) -> Status:
    if not np.isfinite(certificate.follower_regret):
        return Status.NONFINITE
    if unsettled or certificate.follower_regret_relative > EXACT:
        return Status.MAX_ITERATIONS
    if certificate.holds(tolerance, concept):
        return Status.CONVERGED
    return Status.ALMOST_CONVERGED


def _store(
    games: ChannelGames, drafts: list[_Draft], price: Floats, power: Floats
) -> None:
    for row in range(len(games)):
        draft = drafts[games.scenario_index[row]]
        draft.price[games.pairs[row]] = price[row]
        draft.power[games.pairs[row]] = power[row]


def _solve_bilevel(
    games: ChannelGames, drafts: list[_Draft], tolerance: float, max_boxes: int
) -> None:
    for fixed in (False, True):
        part = games.take(np.flatnonzero(games.fixed_bounds == fixed))
        if not len(part):
            continue
        if fixed:
            price, power = _best_fixed_prices(part)
        else:
            low = np.where(
                part.min_power_w > 0.0,
                part.min_power_w,
                LOWEST_START * part.max_power_w,
            )
            price, power = part.price_scale, local_optima(part, low, part.max_power_w)
        proof = prove_games(part, price, power, tolerance, max_boxes)
        _store(part, drafts, proof.price, proof.power_w)
        for row in range(len(part)):
            draft = drafts[part.scenario_index[row]]
            draft.upper_bound += float(proof.upper_bound[row])
            draft.boxes += int(proof.boxes[row])


def local_optima(games: ChannelGames, low_w: Floats, high_w: Floats) -> Floats:
    """Powers of the best of K + 3 ascents on each channel, W [n, K].

    On a CPU by the compiled kernel, which beats the JAX batch there and compiles once
    for all K; by the JAX batch where JAX runs on an accelerator. Both climb the same
    objective from the same starts.

    Args:
        games: n channels with K pairs each, interference price bounds.
        low_w: least power, > 0 [n].
        high_w: greatest power [n].
    """
    if jax.default_backend() != "cpu":
        return solve_games(games, low_w, high_w).power_w
    log_power = np.empty(games.pairs.shape)

    def run(rows: slice) -> None:
        part = games.take(rows)
        log_power[rows], _ = best_of_starts(
            part.columns(),
            np.log(low_w[rows]),
            np.log(high_w[rows]),
        )

    in_blocks(run, len(games), least_block=256)
    return np.clip(np.exp(log_power), low_w[:, None], high_w[:, None])


def _best_fixed_prices(games: ChannelGames) -> tuple[Floats, Floats]:
    price = np.empty(games.pairs.shape)
    for row in range(len(games)):
        best = np.empty(games.num_pairs)
        best_prices(
            games.min_price[row] / games.price_scale[row],
            games.max_price[row] / games.price_scale[row],
            games.game(row),
            best,
        )
        price[row] = best * games.price_scale[row]
    return price, np.tile(games.max_power_w[:, None], games.num_pairs)


def _iterate(games: ChannelGames, drafts: list[_Draft], *, published: bool) -> None:
    price, power = np.empty(games.pairs.shape), np.empty(games.pairs.shape)
    sweeps = np.empty(len(games), dtype=np.int64)
    iterate_prices(
        games.cellular_snr,
        games.bs_gain,
        games.noise,
        games.coupling,
        games.price_scale,
        games.follower_price_weight,
        games.leader_revenue_weight,
        games.spend_scale,
        games.min_power_w,
        games.max_power_w,
        games.min_price,
        games.max_price,
        games.fixed_bounds,
        published,
        price,
        power,
        sweeps,
    )
    _store(games, drafts, price, power)
    for row in range(len(games)):
        draft = drafts[games.scenario_index[row]]
        settled = sweeps[row] > 0
        draft.sweeps = max(draft.sweeps, int(sweeps[row]) if settled else MAX_SWEEPS)
        draft.unsettled += not settled
