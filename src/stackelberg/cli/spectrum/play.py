"""`stackelberg spectrum play`: an episode of the environment, slot by slot."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import file_in_existing_folder, options_named
from stackelberg.cli.options import AsJson, Seed
from stackelberg.errors import ConfigError, DomainError

if TYPE_CHECKING:
    from stackelberg import envs

Policy = Literal["equilibrium", "full_power", "random"]

_OPTIONS = {"num_channels": "--channels", "num_pairs": "--pairs"}
_MOST_SLOTS = 10_000


def play(
    channels: Annotated[int, typer.Option(help="One cellular user each.")] = 4,
    pairs: Annotated[int, typer.Option(help="D2D pairs.")] = 8,
    slots: Annotated[int, typer.Option(help="Slots to play.")] = 50,
    seed: Seed = 0,
    policy: Annotated[
        Policy,
        typer.Option(
            help="equilibrium: each pair's best price were it alone, then the pairs' "
            "equilibrium. full_power: the strongest channel at full power. random: "
            "channels and powers at random."
        ),
    ] = "equilibrium",
    speed: Annotated[
        float, typer.Option(help="Greatest speed of the users, m/s; 0: they stand.")
    ] = 15.0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.gif", help="Write an animation."),
    ] = None,
    pause: Annotated[
        float, typer.Option(help="Seconds per slot on a terminal and in the animation.")
    ] = 0.1,
    as_json: AsJson = False,
) -> None:
    """Play an episode in the terminal, and write it as an animation."""
    if not 1 <= slots <= _MOST_SLOTS:
        raise DomainError("--slots", expected=f"1 to {_MOST_SLOTS}", got=slots)
    if not 0.0 <= pause <= 10.0:
        raise DomainError("--pause", expected="0 to 10 seconds", got=pause)
    if output is not None:
        file_in_existing_folder("-o", output)
        if output.suffix != ".gif":
            raise ConfigError("-o", expected="a file named *.gif", got=str(output))
    params = _params(channels, pairs, slots, speed)
    from stackelberg.envs.picture import frame
    from stackelberg.envs.words import told

    frames: list[Any] = []
    figures: list[dict[str, float]] = []
    with _shown(pause, silent=as_json) as show:
        for state, sums in _episode(params, slots, seed, policy):
            figures.append(sums)
            show(told(state, params))
            if output is not None:
                frames.append(frame(state, params))
    if output is not None:
        _write(output, frames, pause)
    if as_json:
        terminal.print_json(
            {"policy": policy, "seed": seed, "slots": figures, "animation": output}
        )
        return
    mean = sum(sums["leader_utility_bps"] for sums in figures) / slots
    terminal.console().print(
        f"{slots} slots, {policy}: leader's utility {mean / 1e6:.3f} Mbit/s a slot"
    )
    if output is not None:
        terminal.console().print(f"animation: {output}")


def _params(channels: int, pairs: int, slots: int, speed: float) -> envs.EnvParams:
    from stackelberg import envs

    if not 0.0 <= speed <= 1000.0:
        raise DomainError("--speed", expected="0 to 1000 m/s", got=speed)
    moving = None
    if speed > 0.0:
        moving = envs.RandomWaypoint(max(speed / 3.0, 1e-3), max(speed, 1e-3))
    with options_named(_OPTIONS):
        return envs.make_params(
            num_channels=channels,
            num_pairs=pairs,
            mobility=moving,
            fading=envs.Jakes(10.0),
            horizon_slots=slots,
        )


def _episode(
    params: envs.EnvParams, slots: int, seed: int, policy: Policy
) -> Generator[tuple[envs.State, dict[str, float]], None, None]:
    """The state after every slot, and what the slot gave."""
    import jax

    from stackelberg import envs
    from stackelberg.spectrum.radio import whole_number

    with options_named({"seed": "--seed"}):
        key = jax.random.key(whole_number("seed", seed, least=0) % 2**32)

    @jax.jit
    def one(state: envs.State, number: Any) -> envs.Step:
        drawn = jax.random.fold_in(key, number)
        action = _action(drawn, state, params, policy)
        return envs.step(drawn, state, action, params)

    with terminal.progress("compiling"):
        state = jax.jit(envs.reset)(key, params)
        result = one(state, 0)
    for slot in range(slots):
        if slot:
            result = one(result.state, slot)
        outcome = result.outcome
        yield (
            result.state,
            {
                "leader_utility_bps": float(result.leader_reward),
                "cellular_sum_rate_bps": float(outcome.cellular_rate_bps.sum()),
                "d2d_sum_rate_bps": float(outcome.d2d_rate_bps.sum()),
            },
        )


def _action(
    key: Any, state: envs.State, params: envs.EnvParams, policy: Policy
) -> envs.Action:
    import jax
    import jax.numpy as jnp

    from stackelberg import envs
    from stackelberg.envs.reply import equilibrium_reply, price_alone

    price = price_alone(state, params)
    radio = params.radio
    if policy == "equilibrium":
        return envs.Action(price, *equilibrium_reply(state, price, params))
    full = jnp.full(params.num_pairs, radio.max_power_w)
    if policy == "full_power":
        seen = envs.observe_followers(state, price, params)
        return envs.Action(price, seen.own.argmax(axis=1), full)
    channel, share = jax.random.split(key)
    spread = radio.max_power_w - radio.min_power_w
    drawn = jax.random.uniform(share, (params.num_pairs,))
    return envs.Action(
        price,
        jax.random.randint(channel, (params.num_pairs,), 0, params.num_channels),
        radio.min_power_w + spread * drawn,
    )


@contextmanager
def _shown(pause: float, *, silent: bool) -> Generator[Callable[[str], None]]:
    """Shows one text after the other: in place on a terminal, else below each other."""
    console = terminal.console()
    if silent:
        yield lambda _text: None
    elif not console.is_terminal:
        yield lambda text: console.print(text, soft_wrap=True)
    else:
        from rich.live import Live
        from rich.text import Text

        with Live(console=console, auto_refresh=False) as live:

            def show(text: str) -> None:
                live.update(Text(text), refresh=True)
                time.sleep(pause)

            yield show


def _write(output: Path, frames: list[Any], pause: float) -> None:
    from stackelberg.io.files import write_bytes_atomically
    from stackelberg.report.gif import gif

    with terminal.progress("writing the animation"):
        write_bytes_atomically(output, gif(frames, max(pause, 0.02)))
