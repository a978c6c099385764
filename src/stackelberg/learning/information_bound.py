"""How much a leader can earn that knows the channel one or more slots late.

It knows more than any agent of the environment: all slow gains, and the fading of every
link as it was; only what fading did since is unknown. One that does not hear with the
pairs (`hears`) lacks the fading of what pairs hear from others. It knows about what a
``local`` leader could make of its bills, had it remembered them for ever: all slow
gains, and the last fading of what reaches the base station and of each own link.

Given the amplitude h seen, that of the slot is rho h + sqrt(1 - rho^2) z with z complex
normal, rho = J0(2 pi f_D t) for Jakes and 0 for independent fading. The prices climb
the mean of the leader's utility, followers at equilibrium, over draws of it: new ones
in every step, so that no finite sample is fitted, and the answer is the mean of the
last third of the climb.

It is no proof: fading of several slots would tell a little more than that of one, and
the climb is local. Shape legend: N pairs, S draws.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from stackelberg.envs import EnvParams, Gains, Jakes, Rayleigh, State
from stackelberg.envs.equilibrium import slot_equilibrium
from stackelberg.envs.links import (
    Fader,
    LinkGains,
    cellular_gains,
    gains_on,
    shared_channel_gains,
)
from stackelberg.envs.slot_game import SlotGame, game_of_gains, power_limits
from stackelberg.envs.world import fader, seen_gains
from stackelberg.learning.heads import price_of_answer, unit_price
from stackelberg.learning.objectives import in_price_units, leader_through_reaction

_RATE = 0.1
"""Step of the climb, nepers."""


def fading_correlation(params: EnvParams) -> Float[Array, ""]:
    """Correlation of the amplitude of a link over the delay of what agents see."""
    delay = params.information.delay_slots
    if delay == 0 or params.fading is None:
        return jnp.asarray(1.0, params.dtype)
    if isinstance(params.fading, Rayleigh):
        return jnp.asarray(0.0, params.dtype)
    assert isinstance(params.fading, Jakes)
    doppler = jnp.asarray(params.fading.doppler_hz, params.dtype)
    phase = 2.0 * jnp.pi * doppler * params.slot_s * delay
    angle = (jnp.arange(64, dtype=params.dtype) + 0.5) * (jnp.pi / 64)
    return jnp.cos(phase * jnp.sin(angle)).mean()


def drawn_fading(
    key: Array, seen: Float[Array, "*links"], correlation: Float[Array, ""]
) -> Float[Array, "*links"]:
    """Fading power of the slot, drawn given the power that was seen."""
    first, second = jax.random.split(key)
    spread = jnp.sqrt((1.0 - correlation**2) / 2.0)
    real = correlation * jnp.sqrt(seen)
    real += spread * jax.random.normal(first, seen.shape, seen.dtype)
    imaginary = spread * jax.random.normal(second, seen.shape, seen.dtype)
    return real**2 + imaginary**2


def informed_prices(
    key: Array,
    state: State,
    params: EnvParams,
    *,
    hears: bool | Bool[Array, ""] = True,
    draws: int = 8,
    steps: int = 300,
) -> Float[Array, " N"]:
    """The prices of that leader in the slot, pairs on the channels used last [N].

    Args:
        key: of the draws.
        state: before the slot.
        params: the environment's, with ``quoted`` billing: the leader must know what a
            price bills.
        hears: whether it knows how the links to pairs from others had faded.
        draws: of fading, in every step.
        steps: of the climb, from the equilibrium on what was seen.
    """
    channel = state.memory.channel
    seen_at = fader(state.world, state.slot - params.information.delay_slots, params)
    gains = seen_gains(state.world, state.slot, params)
    seen = _links(gains, seen_at, channel)
    slow = _links(gains, seen_at._replace(model=None), channel)
    quoted = seen[0].to_bs
    correlation = fading_correlation(params)
    low, high = power_limits(state, channel, params)
    radio = params.radio
    hearing = jnp.where(hears, correlation, 0.0)
    from_cellular = jnp.where(hears, seen[0].from_cellular, slow[0].from_cellular)
    from_pairs = jnp.where(hears, seen[2], slow[2])
    seen = (seen[0]._replace(from_cellular=from_cellular), seen[1], from_pairs)
    again = (LinkGains(correlation, correlation, hearing), correlation, hearing)

    def game(links: tuple[LinkGains, Array, Array]) -> SlotGame:
        return game_of_gains(*links, quoted, channel, low, high, params)

    def draw(key: Array) -> SlotGame:
        tree = jax.tree.structure(seen)
        keys = jax.tree.unflatten(tree, jax.random.split(key, tree.num_leaves))

        def now(key: Array, mean: Array, was: Array, rho: Array) -> Array:
            return mean * drawn_fading(key, _ratio(was, mean), rho)

        return in_price_units(game(jax.tree.map(now, keys, slow, seen, again)), radio)

    def mean_utility(key: Array, log_answer: Array) -> Array:
        """Over draws whose followers settle; the others tell nothing."""
        price = unit_price(jnp.exp(log_answer), quoted, radio)
        games = jax.vmap(draw)(jax.random.split(key, draws))
        one = partial(leader_through_reaction, price, thorough=False)
        value = jax.vmap(one)(games)
        return value.sum() / jnp.maximum((value != 0.0).sum(), 1)

    start = slot_equilibrium(game(seen))
    asked = radio.spend_scale / (quoted * start.reuse_price)
    best = _climbed(jax.random.split(key, steps), jnp.log(asked), mean_utility)
    return price_of_answer(jnp.exp(best), quoted, radio)


def _ratio(part: Array, whole: Array) -> Array:
    return jnp.where(whole > 0.0, part / jnp.where(whole > 0.0, whole, 1.0), 0.0)


def _links(gains: Gains, at: Fader, channel: Array) -> tuple[LinkGains, Array, Array]:
    return (
        gains_on(gains, at, channel),
        cellular_gains(gains, at),
        shared_channel_gains(gains, at, channel),
    )


def _climbed(
    keys: Array, start: Array, height: Callable[[Array, Array], Array]
) -> Float[Array, " N"]:
    """The mean of the last third of a climb with so many keys."""
    steps = len(keys)
    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, steps, 0.05))

    def step(carry: tuple[Array, optax.OptState], key: Array) -> tuple[Any, Array]:
        at, moments = carry
        slope = jax.grad(height, argnums=1)(key, at)
        change, moments = optimiser.update(-slope, moments)
        at = at + jnp.asarray(change)
        return (at, moments), at

    _, path = jax.lax.scan(step, (start, optimiser.init(start)), keys)
    return path[-(-2 * steps // 3) :].mean(axis=0)
