"""Spaces of actions and observations."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from stackelberg.envs.environment import (
    observe_followers,
    observe_leader,
    reset,
)
from stackelberg.envs.faces.numbers import (
    Scale,
    bounds_of,
    follower_parts,
    leader_parts,
    names_of,
    shapes,
)
from stackelberg.envs.params import EnvParams
from stackelberg.errors import ConfigError, DomainError, ShapeError, suggestion
from stackelberg.game.numbers import real_numbers

Floats = npt.NDArray[np.float32]
Actions = Literal["tuple", "box"]

PADDING = "padding"


class ChannelAndPower(spaces.Box):
    """A pair's action as one vector: a whole channel number, then a power in dBm.

    A `Box` for libraries that know only boxes, whose samples and members are hybrid all
    the same. The environment rounds what it is given to the nearest channel.
    """

    def __init__(self, num_channels: int, power_dbm: tuple[float, float]) -> None:
        self.num_channels = num_channels
        low = np.array([0.0, power_dbm[0]], np.float32)
        # With a single channel the bounds would coincide, which checkers refuse.
        high = np.array([max(num_channels - 1, 1), power_dbm[1]], np.float32)
        super().__init__(low, high, dtype=np.float32)

    def sample(self, mask: None = None, probability: None = None) -> Floats:
        """A channel and a power, both uniform."""
        drawn = super().sample(mask, probability).astype(np.float32)
        drawn[0] = self.np_random.integers(self.num_channels)
        return drawn

    def contains(self, x: Any) -> bool:
        """Whether `x` is within the bounds and its channel a whole number."""
        if not super().contains(x):
            return False
        return bool(x[0] == np.round(x[0]) and x[0] < self.num_channels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChannelAndPower) and super().__eq__(other)

    def __repr__(self) -> str:
        low, high = float(self.low[1]), float(self.high[1])
        return f"ChannelAndPower({self.num_channels}, ({low:g}, {high:g}))"


def leader_action_space(params: EnvParams, scale: Scale) -> spaces.Box:
    """Natural logarithms of prices [1, N], or [M, N] with prices per channel."""
    rows = params.num_channels if params.price_per_channel else 1
    low, high = scale.acted_log_price
    shape = (rows, params.num_pairs)
    return spaces.Box(np.float32(low), np.float32(high), shape, np.float32)


def follower_action_space(
    params: EnvParams, scale: Scale, actions: Actions
) -> spaces.Tuple[Any] | ChannelAndPower:
    """A pair's channel and power in dBm."""
    if actions == "box":
        return ChannelAndPower(params.num_channels, scale.power_dbm)
    low, high = scale.power_dbm
    power = spaces.Box(np.float32(low), np.float32(high), (), np.float32)
    return spaces.Tuple((spaces.Discrete(params.num_channels), power))


def numbers_of(action: object, shape: tuple[int, ...], name: str = "action") -> Floats:
    """An action as an array; what exceeds the space's bounds is cut later.

    Raises:
        ConfigError: if it holds something else than real numbers.
        ShapeError: if it is of another size.
        DomainError: if one is NaN, which no bound can cut.
    """
    wanted = f"numbers of shape {list(shape)}"
    given = real_numbers(name, action, wanted)
    if given.size != math.prod(shape):
        raise ShapeError(name, expected=wanted, got=f"shape {list(given.shape)}")
    if np.isnan(given).any():
        raise DomainError(name, expected=wanted, got="NaN")
    with np.errstate(over="ignore"):  # infinite is cut too
        return given.astype(np.float32).reshape(shape)


def channel_and_power(action: Any) -> Floats:
    """A pair's action of either kind as a vector of two.

    Raises:
        ConfigError, ShapeError, DomainError: as `numbers_of`.
    """
    return numbers_of(action, (2,))


class Layout:
    """What an agent's flat observation holds.

    Attributes:
        names: of every entry.
        space: with the bounds of every entry.
    """

    def __init__(
        self, parts: dict[str, Any], first: int, params: EnvParams, scale: Scale
    ):
        self.names = names_of(parts, first)
        sizes = [int(np.prod(part.shape[first:])) for part in parts.values()]
        each = [bounds_of(name, params, scale) for name in parts]
        low, high = np.repeat(np.array(each, np.float32), sizes, axis=0).T
        self.space = spaces.Box(low, high, dtype=np.float32)


def leader_layout(params: EnvParams, scale: Scale) -> Layout:
    """The layout of the leader's observation."""

    def parts(key: Any, params: EnvParams) -> dict[str, Any]:
        seen = observe_leader(reset(key, params), params)
        return leader_parts(seen, params, scale)

    return Layout(_shapes_of(parts, params), 0, params, scale)


def follower_layout(params: EnvParams, scale: Scale) -> Layout:
    """The layout of every pair's observation."""

    def parts(key: Any, params: EnvParams) -> dict[str, Any]:
        state = reset(key, params)
        seen = observe_followers(state, state.memory.reuse_price, params)
        return follower_parts(seen, params, scale)

    return Layout(_shapes_of(parts, params), 1, params, scale)


def common_space(layouts: list[Layout]) -> spaces.Box:
    """One box that holds every layout, the shorter ones filled up with zeros."""
    low = min(float(layout.space.low.min()) for layout in layouts)
    high = max(float(layout.space.high.max()) for layout in layouts)
    length = max(len(layout.names) for layout in layouts)
    return spaces.Box(
        np.float32(min(low, 0.0)), np.float32(high), (length,), np.float32
    )


def padded_names(names: list[str], length: int) -> list[str]:
    """Names of a vector that is filled up to `length`."""
    return names + [f"{PADDING}[{k}]" for k in range(length - len(names))]


def check_word(name: str, value: object, known: tuple[str, ...]) -> None:
    """Refuse a setting that is none of the `known` words."""
    if value not in known:
        near = suggestion(str(value), known)
        words = " or ".join(map(repr, known))
        raise ConfigError(name, expected=words + near, got=repr(value)[:40])


def check_pair(pair: object, params: EnvParams) -> int:
    """Refuse a pair that is not there."""
    last = params.num_pairs - 1
    if not isinstance(pair, (int, np.integer)) or not 0 <= pair <= last:
        raise DomainError("pair", expected=f"a number from 0 to {last}", got=pair)
    return int(pair)


def check_params(params: object) -> EnvParams:
    """Refuse anything but one environment's settings."""
    if not isinstance(params, EnvParams):
        raise ConfigError(
            "params", expected="EnvParams of make_params", got=repr(params)[:40]
        )
    if params.slot_s.ndim:
        raise ConfigError(
            "params", expected="settings of one environment", got="a batch of them"
        )
    return params


def _shapes_of(parts: Any, params: EnvParams) -> dict[str, Any]:
    import jax

    found: dict[str, Any] = shapes(parts, jax.random.key(0), params)
    # `eval_shape` sorts a dictionary; the vector keeps the order of its parts.
    return {name: found[name] for name in _order(parts, params)}


def _order(parts: Any, params: EnvParams) -> list[str]:
    import jax

    order: list[str] = []

    def note(key: Any, params: EnvParams) -> None:
        order.extend(parts(key, params))

    shapes(note, jax.random.key(0), params)
    return order
