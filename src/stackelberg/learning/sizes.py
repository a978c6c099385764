"""How large the numbers of a method's settings may be.

Whatever is larger is a mistake: it would take a machine's memory, or days to compile.
"""

from __future__ import annotations

from stackelberg.envs import EnvParams
from stackelberg.errors import ConfigError, DomainError
from stackelberg.spectrum.radio import whole_number

GREATEST: dict[str, int] = {
    "environments": 1_000_000,
    "slots_per_chunk": 100_000,
    "updates_per_chunk": 1_000_000,
    "minibatch": 10_000_000,
    "capacity": 1_000_000_000,
    "actor_every": 1_000_000,
    "epochs": 1000,
    "width": 16_384,
    "rounds": 64,
}
"""By name."""

MOST_SLOTS = 10_000_000
"""Of a chunk, all environments together."""


def check_sizes(settings: object) -> None:
    """Refuse sizes out of range; all but `rounds` are at least 1.

    Args:
        settings: of a method; those of its fields that are named in `GREATEST`.

    Raises:
        InputError: naming the field.
    """
    for name, most in GREATEST.items():
        if hasattr(settings, name):
            least = 0 if name == "rounds" else 1
            whole_number(name, getattr(settings, name), least=least, most=most)
    slots: int = getattr(settings, "slots_per_chunk", 1)
    most = MOST_SLOTS // slots
    side_by_side: int = getattr(settings, "environments", 1)
    whole_number("environments", side_by_side, least=1, most=most)


def check_chunk(minibatch: int, slots: int, params: EnvParams) -> None:
    """What every method that learns from the chunk just played asks for.

    Args:
        minibatch: slots per step.
        slots: of a chunk, all environments together.
        params: the environment.

    Raises:
        DomainError: a minibatch is larger than a chunk.
        ConfigError: prices are per channel.
    """
    if minibatch > slots:
        raise DomainError(
            "minibatch",
            expected=f"at most environments * slots_per_chunk = {slots}",
            got=minibatch,
        )
    check_prices(params)


def check_replay(capacity: int, slots: int, params: EnvParams) -> None:
    """What every method that learns from a replay asks for.

    Args:
        capacity: transitions kept.
        slots: of a chunk, all environments together.
        params: the environment.

    Raises:
        DomainError: a chunk is larger than the replay.
        ConfigError: prices are per channel.
    """
    if capacity < slots:
        raise DomainError(
            "capacity",
            expected=f"at least environments * slots_per_chunk = {slots}",
            got=capacity,
        )
    check_prices(params)


def check_prices(params: EnvParams) -> None:
    """Refuse an environment with prices per channel: ConfigError."""
    if params.price_per_channel:
        raise ConfigError(
            "price_per_channel", expected="false: one price per pair", got="true"
        )
