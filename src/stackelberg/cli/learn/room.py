"""Whether a training run fits into the machine, before it takes memory."""

from __future__ import annotations

from math import prod
from typing import Any

from stackelberg.cli.machine import available_memory
from stackelberg.errors import DomainError

_KEYS = {"replay": "method.capacity", "worlds": "method.environments"}
"""Part of a learner's state -> the setting that decides its size; else the width."""


def refuse_without_room(structure: Any) -> None:
    """Refuse a learner whose state alone has no room.

    A run takes more: what a chunk meets, and what compiled code works with.

    Args:
        structure: of the state, as `learning.training.state_structure` gives it.

    Raises:
        DomainError: naming the setting that decides most of it.
    """
    free = available_memory()
    sizes = _sizes(structure)
    total = sum(sizes.values())
    if free is None or total <= free:
        return
    largest = max(sizes, key=lambda name: sizes[name])
    raise DomainError(
        _KEYS.get(largest, "method.width"),
        expected=f"a training state that fits into the {_told(free)} that are free",
        got=f"{_told(total)}, {_told(sizes[largest])} of it by this setting",
    )


def _sizes(structure: Any) -> dict[str, int]:
    """Bytes by part of the state."""
    import jax

    names = getattr(structure, "_fields", ("",))
    parts = structure if len(names) > 1 else (structure,)
    return {
        name: sum(
            prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(part)
        )
        for name, part in zip(names, parts, strict=True)
    }


def _told(size: float) -> str:
    """Bytes in a unit that suits them."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000.0:
            return f"{size:.3g} {unit}"
        size /= 1000.0
    return f"{size:.3g} PB"
