"""`stackelberg spectrum play`: an episode of the environment, slot by slot."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackelberg.cli import output as terminal
from stackelberg.cli.arguments import (
    file_in_existing_folder,
    options_named,
    refuse_overwriting,
)
from stackelberg.cli.learn.demo_policy import SHIPPED
from stackelberg.cli.learn.evaluate import files_of
from stackelberg.cli.options import AsJson, Seed
from stackelberg.errors import ConfigError, DomainError

if TYPE_CHECKING:
    from stackelberg import envs
    from stackelberg.io import TrainedPolicy

Player = Callable[[Any, "envs.State", "envs.EnvParams"], "envs.Action"]
"""A key, the state before the slot and the environment, to everybody's action."""

_LONE = "lone_prices"
_CHANNELS, _PAIRS = 4, 8
_OPTIONS = {
    "num_channels": "--channels",
    "num_pairs": "--pairs",
    "environment.num_channels": "--channels",
    "environment.num_pairs": "--pairs",
    "name": "--policy",
}
_MOST_SLOTS = 10_000


def play(
    channels: Annotated[
        int | None, typer.Option(help="One cellular user each; 4 or as trained.")
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(help="D2D pairs; 8 or as trained.")
    ] = None,
    slots: Annotated[int, typer.Option(help="Slots to play.")] = 50,
    seed: Seed = 0,
    policy: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE|shipped",
            help="lone_prices: each pair's best price were it alone, then the pairs' "
            "equilibrium. Or a baseline: equilibrium, wmmse, random, ... Or the file "
            "of a trained policy (or shipped), in the environment it was trained for.",
        ),
    ] = _LONE,
    speed: Annotated[
        float, typer.Option(help="Greatest speed of the users, m/s; 0: they stand.")
    ] = 15.0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write an animation, *.gif or *.html.",
        ),
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
        refuse_overwriting(files_of(Path(policy)), {"-o": [output]})
        if output.suffix not in (".gif", ".html"):
            raise ConfigError(
                "-o", expected="a file named *.gif or *.html", got=str(output)
            )
    with options_named(_OPTIONS):
        params, player = _stage(channels, pairs, slots, speed, policy)
    from stackelberg.envs.picture import frame
    from stackelberg.envs.words import told

    frames: list[Any] = []
    figures: list[dict[str, float]] = []
    with _shown(pause, silent=as_json) as show:
        for state, sums in _episode(params, slots, seed, player):
            figures.append(sums)
            show(told(state, params))
            if output is not None:
                frames.append(frame(state, params))
    if output is not None:
        _write(output, frames, figures, f"{policy}, seed {seed}", pause)
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


def _stage(
    channels: int | None, pairs: int | None, slots: int, speed: float, policy: str
) -> tuple[envs.EnvParams, Player]:
    """The environment and who plays in it."""
    if not 0.0 <= speed <= 1000.0:
        raise DomainError("--speed", expected="0 to 1000 m/s", got=speed)
    if policy == SHIPPED or Path(policy).suffix or Path(policy).exists():
        from stackelberg.cli.learn.evaluate import read_trained

        trained = read_trained(Path(policy))
        return _as_trained(trained, channels, pairs, slots), _trained(trained)
    channels = _CHANNELS if channels is None else channels
    pairs = _PAIRS if pairs is None else pairs
    params = _params(channels, pairs, slots, speed)
    if policy == _LONE:
        return params, _lone_prices
    return params, _baseline(policy, params)


def _params(channels: int, pairs: int, slots: int, speed: float) -> envs.EnvParams:
    from stackelberg import envs

    moving = None
    if speed > 0.0:
        moving = envs.RandomWaypoint(max(speed / 3.0, 1e-3), max(speed, 1e-3))
    return envs.make_params(
        num_channels=channels,
        num_pairs=pairs,
        mobility=moving,
        fading=envs.Jakes(10.0),
        horizon_slots=slots,
    )


def _as_trained(
    trained: TrainedPolicy, channels: int | None, pairs: int | None, slots: int
) -> envs.EnvParams:
    """The environment of the training, of other sizes where these are asked for."""
    from dataclasses import replace

    sizes = {"num_channels": channels, "num_pairs": pairs}
    given = {name: size for name, size in sizes.items() if size is not None}
    settings = replace(
        trained.settings,
        environment=trained.settings.environment.model_copy(
            update={**given, "horizon_slots": slots}
        ),
    )
    return replace(settings.params(), auto_reset=False)


def _episode(
    params: envs.EnvParams, slots: int, seed: int, player: Player
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
        action = player(drawn, state, params)
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


def _lone_prices(key: Any, state: envs.State, params: envs.EnvParams) -> envs.Action:
    """Each pair's best price were it alone; the pairs at equilibrium."""
    from stackelberg import envs
    from stackelberg.envs.reply import equilibrium_reply, price_alone

    price = price_alone(state, params)
    return envs.Action(price, *equilibrium_reply(state, price, params))


def _baseline(name: str, params: envs.EnvParams) -> Player:
    """A baseline of the environment, by name."""
    from stackelberg import envs
    from stackelberg.envs.baselines import make_baseline

    policy = make_baseline(name, params)

    def act(key: Any, state: envs.State, params: envs.EnvParams) -> envs.Action:
        last = state.memory.reuse_price
        seen = envs.Observation(
            envs.observe_leader(state, params),
            envs.observe_followers(state, last, params),
        )
        return policy(key, seen, state)

    return act


def _trained(trained: TrainedPolicy) -> Player:
    """Leader and followers as they were trained, each on what it observes."""
    from stackelberg import envs

    def act(key: Any, state: envs.State, params: envs.EnvParams) -> envs.Action:
        seen = envs.observe_leader(state, params)
        price = trained.policy.act_leader(seen, params)
        told = envs.observe_followers(state, price, params)
        return envs.Action(price, *trained.policy.act_followers(told, params))

    return act


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


def _write(
    output: Path,
    frames: list[Any],
    figures: list[dict[str, float]],
    title: str,
    pause: float,
) -> None:
    from stackelberg.io.files import write_bytes_atomically
    from stackelberg.report.film import film_page
    from stackelberg.report.gif import gif

    with terminal.progress("writing the animation"):
        if output.suffix == ".gif":
            content = gif(frames, max(pause, 0.02))
        else:
            captions = [_caption(slot, sums) for slot, sums in enumerate(figures)]
            content = film_page(
                frames,
                captions,
                title=f"An episode: {title}",
                seconds_per_frame=pause,
            ).encode()
        write_bytes_atomically(output, content)


def _caption(slot: int, sums: dict[str, float]) -> str:
    leader, cellular, pairs = (value / 1e6 for value in sums.values())
    return (
        f"Slot {slot}: leader's utility {leader:.2f} Mbit/s; cellular users "
        f"{cellular:.2f} Mbit/s, pairs {pairs:.2f} Mbit/s together"
    )
