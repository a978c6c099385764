"""The followers: each pair's best response, and all pairs' Nash equilibrium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, DomainError
from stackelberg.spectrum.channel_game import ChannelGames, channel_games
from stackelberg.spectrum.power_game import (
    enumerate_equilibria,
    follow_path,
    least_principal_minor,
)
from stackelberg.spectrum.rates import links, per_pair
from stackelberg.spectrum.scenario import Floats, Ints, Scenario

Choice: TypeAlias = Literal["best", "worst", "first"]

ENUMERATION_LIMIT = 8
"""Up to so many pairs on a channel all 3^K candidate sets are tried."""

MINORS_LIMIT = 12
"""Up to so many pairs on a channel all 2^K principal minors are computed."""


@dataclass(frozen=True, eq=False)
class FollowerEquilibrium:
    """A Nash equilibrium of the pairs' power game at given prices.

    Attributes:
        transmit_power_w: powers of the chosen equilibrium [N].
        residual_w: largest distance of any power from its best response, W.
        choice: which equilibrium was taken where a channel has several: `best` or
            `worst` for the leader (channels with up to `ENUMERATION_LIMIT` pairs);
            `first` is the one the path leads to.
        equilibria: powers of every equilibrium per channel, for channels with up to
            `ENUMERATION_LIMIT` pairs: channel -> [count, K] in ascending order of pair.
        num_equilibria: how many each channel has [M]; 1 where uniqueness follows from
            the P-matrix property, -1 where neither was decided or a singular set of
            pairs may hide a continuum.
        spectral_radius: rho(F) per channel [M]; below 1, plain best response converges.
        p_matrix: whether I + F is a P-matrix [M]: 1 yes (unique at all prices), 0 no,
            -1 not decided.
    """

    transmit_power_w: Floats
    residual_w: float
    choice: Choice
    equilibria: dict[int, Floats]
    num_equilibria: Ints
    spectral_radius: Floats
    p_matrix: Ints


def follower_power(
    scenario: Scenario, reuse_price: npt.ArrayLike, transmit_power_w: npt.ArrayLike
) -> Floats:
    """Each pair's best response to the other pairs' powers: Proposition 1.

    The stationary point of (25), unique because (26) < 0, clipped to the power limits:
    p_j = clip(B / (alpha_j gbar_j) - (I_j + N0) / g_j, p_min, p_max).

    Args:
        scenario: with channels assigned.
        reuse_price: utility per W of interference at the base station, > 0 [N].
        transmit_power_w: everybody's current powers, >= 0 [N].

    Returns:
        Powers in W [N].

    Raises:
        ConfigError: if the scenario has no channel allocation.
        ShapeError: if an argument does not have N entries.
        DomainError: if a price is not positive and finite, or a power negative.

    Differs from print: none in (25); (26) prints "<= 0" where strict concavity needs
    "< 0" (erratum E13).
    """
    channel = assigned(scenario)
    price = positive_prices(scenario, reuse_price)
    heard = links(scenario, channel, transmit_power_w)
    at = np.arange(scenario.num_pairs)
    own = np.broadcast_to(
        scenario.gain_d2d, (scenario.num_channels, scenario.num_pairs)
    )[channel, at]
    to_bs = np.broadcast_to(
        scenario.gain_d2d_to_bs, (scenario.num_channels, scenario.num_pairs)
    )[channel, at]
    wish = (
        scenario.spend_scale / (price * to_bs)
        - (heard.d2d_interference_w + scenario.noise_power_w) / own
    )
    return np.clip(wish, scenario.min_power_w, scenario.max_power_w)


@np.errstate(over="ignore")  # nearly free reuse: everybody wants more than there is
def follower_equilibrium(
    scenario: Scenario, reuse_price: npt.ArrayLike, choice: Choice = "best"
) -> FollowerEquilibrium:
    """Nash equilibrium of the pairs at given prices, whatever the interference.

    A box linear complementarity problem per channel, solved by following a path of
    solutions (Lemke); best response, plain or damped, can cycle. Up to
    `ENUMERATION_LIMIT` pairs on a channel every equilibrium is listed and the choice
    is made among them; beyond, the path's equilibrium is taken.

    Args:
        scenario: with channels assigned.
        reuse_price: utility per W of interference at the base station, > 0 [N].
        choice: `best` or `worst` for the leader where there are several, or `first`.

    Raises:
        ConfigError: if the scenario has no channels or `choice` is unknown.
        ShapeError: if there is not one price per pair.
        DomainError: if a price is not positive and finite.
    """
    if choice not in ("best", "worst", "first"):
        raise ConfigError("choice", expected="best, worst or first", got=repr(choice))
    channel = assigned(scenario)
    price = positive_prices(scenario, reuse_price)
    power = np.empty(scenario.num_pairs)
    num_equilibria = np.ones(scenario.num_channels, dtype=np.int64)
    radius = np.zeros(scenario.num_channels)
    p_matrix = np.ones(scenario.num_channels, dtype=np.int64)
    listed: dict[int, Floats] = {}
    low, high = scenario.min_power_w, scenario.max_power_w
    for k, games in channel_games([scenario], [channel]).items():
        for row in range(len(games)):
            i, pairs = int(games.channel[row]), games.pairs[row]
            coupling = games.coupling[row]
            target = games.price_scale[row] / price[pairs] - games.noise[row]
            reached = np.empty(k)
            taken = follow_path(target, coupling, low, high, reached)
            radius[i] = spectral_radius(coupling)
            p_matrix[i] = p_matrix_status(coupling, radius[i])
            if k <= ENUMERATION_LIMIT:
                found, singular = enumerate_equilibria(target, coupling, low, high)
                if len(found) == 0:  # degenerate sets only: keep the path's answer
                    found = reached[None]
                listed[i] = found
                num_equilibria[i] = -1 if singular else len(found)
                if choice == "first":
                    reached = found[0] if taken < 0 else reached
                elif taken < 0 or len(found) > 1:
                    reached = _chosen(games, row, price[pairs], found, choice)
            elif p_matrix[i] != 1:
                num_equilibria[i] = -1
            power[pairs] = reached
    answer = follower_power(scenario, price, power)
    return FollowerEquilibrium(
        transmit_power_w=power,
        residual_w=float(np.abs(answer - power).max(initial=0.0)),
        choice=choice,
        equilibria=listed,
        num_equilibria=num_equilibria,
        spectral_radius=radius,
        p_matrix=p_matrix,
    )


def spectral_radius(coupling: Floats) -> float:
    """rho(F), the largest modulus of an eigenvalue of the coupling [K, K]."""
    return float(np.abs(np.linalg.eigvals(coupling)).max(initial=0.0))


def p_matrix_status(coupling: Floats, radius: float) -> int:
    """Whether I + F is a P-matrix: 1 yes, 0 no, -1 not decided.

    rho(F) < 1 suffices; F_jk F_kj >= 1 for some two pairs refutes; up to
    `MINORS_LIMIT` pairs all principal minors are computed.
    """
    if radius < 1.0:
        return 1
    if (coupling * coupling.T).max(initial=0.0) >= 1.0:
        return 0
    if len(coupling) > MINORS_LIMIT:
        return -1
    return int(least_principal_minor(coupling) > 0.0)


def leader_gradient(
    scenario: Scenario, reuse_price: npt.ArrayLike, transmit_power_w: npt.ArrayLike
) -> Floats:
    """dU^l / d alpha_j with the followers reacting, bit/s per unit of price [N].

    The exact derivative of theory section 4 at an equilibrium: with J = N0 + sum p
    gbar, w_k = gbar_k [beta^l alpha_k - (W / ln 2) A / (J (J + A))], S the pairs
    strictly between their power limits and (I + F_SS)^T lam = w_S,
    dU/d alpha_j = beta^l p_j gbar_j - 1[j in S] B lam_j / (alpha_j^2 gbar_j).
    At a power limit it is the derivative with that pair held there.

    Args:
        scenario: with channels assigned.
        reuse_price: > 0 [N].
        transmit_power_w: the followers' equilibrium at these prices [N].

    Differs from print: (28) freezes the other pairs' powers; this does not (E10).
    """
    channel = assigned(scenario)
    price = positive_prices(scenario, reuse_price)
    power = per_pair(scenario, "transmit_power_w", transmit_power_w)
    gradient = np.empty(scenario.num_pairs)
    low, high = scenario.min_power_w, scenario.max_power_w
    for games in channel_games([scenario], [channel]).values():
        for row in range(len(games)):
            pairs, p = games.pairs[row], power[games.pairs[row]]
            to_bs = games.bs_gain[row] * scenario.noise_power_w
            a = games.cellular_snr[row] * scenario.noise_power_w
            heard = scenario.noise_power_w + to_bs @ p
            nat_rate = scenario.follower_price_weight * scenario.spend_scale
            worth = to_bs * (
                scenario.leader_revenue_weight * price[pairs]
                - nat_rate * a / (heard * (heard + a))
            )
            free = np.flatnonzero((p > low) & (p < high))
            reaction = np.zeros(len(pairs))
            square = np.eye(len(free)) + games.coupling[row][np.ix_(free, free)]
            reaction[free] = np.linalg.solve(square.T, worth[free])
            gradient[pairs] = (
                scenario.leader_revenue_weight * p * to_bs
                - reaction * games.price_scale[row] / price[pairs] ** 2
            )
    return gradient


def assigned(scenario: Scenario) -> Ints:
    """The scenario's channel allocation.

    Raises:
        ConfigError: if there is none.
    """
    if scenario.channel is None:
        raise ConfigError(
            "channel",
            expected="a channel per pair (assign_channels finds one)",
            got="null",
        )
    return scenario.channel


def positive_prices(scenario: Scenario, reuse_price: npt.ArrayLike) -> Floats:
    """`reuse_price` as float64 [N].

    Raises:
        ShapeError: if there is not one price per pair.
        DomainError: if a price is not positive and finite.
    """
    price = per_pair(scenario, "reuse_price", reuse_price)
    bad = np.flatnonzero(~((price > 0.0) & np.isfinite(price)))
    if len(bad):
        raise DomainError(
            f"reuse_price[{bad[0]}]",
            expected="a finite price > 0",
            got=float(price[bad[0]]),
        )
    return price


def _chosen(
    games: ChannelGames, row: int, price: Floats, found: Floats, choice: Choice
) -> Floats:
    """The equilibrium of `found` [count, K] that is best or worst for the leader."""
    heard = 1.0 + found @ games.bs_gain[row]
    rate = np.log1p(games.cellular_snr[row] / heard) * games.follower_price_weight[row]
    revenue = (found / games.price_scale[row]) @ price
    utility = rate + games.leader_revenue_weight[row] * revenue
    return found[utility.argmax() if choice == "best" else utility.argmin()]
