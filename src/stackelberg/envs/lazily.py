"""Compute only for those members of a batch that need it.

Under `vmap` a `lax.cond` computes both branches for everybody. A new episode or a new
frame is needed rarely and by few, and costs as much as many slots. `where_needed`
gathers those few, computes a handful at a time, and puts them back in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import custom_batching
from jaxtyping import Array, Bool

_A = TypeVar("_A")
_R = TypeVar("_R")

_HANDFULS = 80
"""Computing everybody takes about so many rounds. With the default horizon a hundredth
of a batch begins anew in a slot, so one round mostly does."""

_LEAST_HANDFUL = 8


def where_needed(
    needed: Bool[Array, ""], compute: Callable[[_A], _R], argument: _A, otherwise: _R
) -> _R:
    """`compute(argument)` where `needed`, else `otherwise`.

    Args:
        needed: whether.
        compute: a function of its argument alone; nothing else may be traced.
        argument: any tree of arrays.
        otherwise: a tree with the structure, shapes and types of the result.

    Returns:
        The same numbers as `jnp.where`, at the cost of the members in need. Not
        differentiable in reverse where `needed` is batched.
    """
    select = custom_batching.custom_vmap(_one(compute))
    select.def_vmap(_many(compute))
    return select(needed, argument, otherwise)


def _one(compute: Callable[[Any], Any]) -> Callable[[Array, Any, Any], Any]:
    def select(needed: Array, argument: Any, otherwise: Any) -> Any:
        return jax.lax.cond(
            needed, lambda a, _: compute(a), lambda _, o: o, argument, otherwise
        )

    return select


def _many(compute: Callable[[Any], Any]) -> Callable[..., tuple[Any, Any]]:
    def rule(
        size: int, batched: list[Any], needed: Array, argument: Any, otherwise: Any
    ) -> tuple[Any, Any]:
        needed_batched, argument_batched, otherwise_batched = batched
        otherwise = jax.tree.map(
            lambda leaf, b: leaf if b else jnp.broadcast_to(leaf, (size, *leaf.shape)),
            otherwise,
            otherwise_batched,
        )
        if not needed_batched:
            everybody = _batched(compute, argument_batched, size)
            result = _one(everybody)(needed, argument, otherwise)
        else:
            result = _in_handfuls(
                compute, size, needed, argument, argument_batched, otherwise
            )
        return result, jax.tree.map(lambda _: True, result)

    return rule


def _batched(
    compute: Callable[[Any], Any], batched: Any, size: int
) -> Callable[[Any], Any]:
    axes = jax.tree.map(lambda b: 0 if b else None, batched)
    return jax.vmap(compute, in_axes=(axes,), axis_size=size)


def _in_handfuls(
    compute: Callable[[Any], Any],
    size: int,
    needed: Bool[Array, " batch"],
    argument: Any,
    argument_batched: Any,
    otherwise: Any,
) -> Any:
    handful = min(size, max(_LEAST_HANDFUL, size // _HANDFULS))
    compute_handful = _batched(compute, argument_batched, handful)

    def one_round(carry: tuple[Array, Any]) -> tuple[Array, Any]:
        left, result = carry
        (member,) = jnp.nonzero(left, size=handful, fill_value=size)
        at = jnp.minimum(member, size - 1)
        part = compute_handful(
            jax.tree.map(
                lambda leaf, b: leaf[at] if b else leaf, argument, argument_batched
            )
        )
        result = jax.tree.map(
            lambda whole, piece: whole.at[member].set(piece, mode="drop"), result, part
        )
        return left.at[member].set(False, mode="drop"), result

    return jax.lax.while_loop(
        lambda carry: carry[0].any(), one_round, (needed, otherwise)
    )[1]
