"""A step of many environments at once, compiled, without needless copies.

A compiled function gives every array of its result memory of its own: what the state
remembers, agents observe and the outcome reports would be written three times over.
Here what is equal by construction is one array, and a new episode is written into the
memory of the old one.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float, Int

from stackelberg.envs.environment import Step, begun_anew, played_out
from stackelberg.envs.params import EnvParams
from stackelberg.envs.state import Action, Memory, State
from stackelberg.envs.world import World


def step_batch(key: Array, state: State, action: Action, params: EnvParams) -> Step:
    """`step` in many environments: ``jit(vmap(step, in_axes=(0, 0, 0, None)))``.

    Takes over the memory of ``state.world``: go on from the state that is returned, not
    from the one given. Arrays of the result that are equal by construction are the same
    array.

    Args:
        key: of the next episodes [batch].
        state: before the slot, with a leading axis over the batch.
        action: likewise.
        params: of all environments.
    """
    rest = _Rest(state.slot, state.backlog_bits, state.energy_j, state.memory)
    world, shared = _played(state.world, rest, action, params)
    result: Step = shared.whole()
    if params.auto_reset:
        world, shared = _begun(world, result, key, params)
        following, seen = shared.whole()
        result = result._replace(state=following, observation=seen)
    return result._replace(state=result.state._replace(world=world))


class _Rest(NamedTuple):
    """A state but for its world."""

    slot: Int[Array, " batch"]
    backlog_bits: Float[Array, "batch N A"] | None
    energy_j: Float[Array, "batch N"] | None
    memory: Memory


class _Shared:
    """A tree that holds each of its arrays once.

    Which leaf is which array is static, and so passes through `jit`.
    """

    def __init__(self, arrays: list[Any], places: tuple[int, ...], tree: Any) -> None:
        self.arrays, self.places, self.tree = arrays, places, tree

    def whole(self) -> Any:
        """The tree itself."""
        leaves = [self.arrays[place] for place in self.places]
        return jax.tree.unflatten(self.tree, leaves)


jax.tree_util.register_pytree_node(
    _Shared,
    lambda shared: (shared.arrays, (shared.places, shared.tree)),
    lambda static, arrays: _Shared(list(arrays), *static),
)


def _shared(whole: Any) -> _Shared:
    leaves, tree = jax.tree.flatten(whole)
    arrays = list({id(leaf): leaf for leaf in leaves}.values())
    order = {id(array): place for place, array in enumerate(arrays)}
    return _Shared(arrays, tuple(order[id(leaf)] for leaf in leaves), tree)


@partial(jax.jit, donate_argnums=0)
def _played(
    world: World, rest: _Rest, action: Action, params: EnvParams
) -> tuple[World, _Shared]:
    state = State(rest.slot, world, rest.backlog_bits, rest.energy_j, rest.memory)
    result = jax.vmap(played_out, in_axes=(0, 0, None))(state, action, params)
    return result.state.world, _shared(_without_world(result))


@partial(jax.jit, donate_argnums=0)
def _begun(
    world: World, result: Step, key: Array, params: EnvParams
) -> tuple[World, _Shared]:
    """A program of its own: nothing else reads the world that it writes into.

    In one program with the slot, the compiler copies every gain twice over.
    """
    result = result._replace(state=result.state._replace(world=world))
    begun = jax.vmap(begun_anew, in_axes=(0, 0, None))
    following, seen = begun(key, result, params)
    return following.world, _shared((following._replace(world=None), seen))


def _without_world(result: Step) -> Any:
    without: Any = result.state._replace(world=None)
    return result._replace(state=without)
