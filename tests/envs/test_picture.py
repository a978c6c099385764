"""What a frame shows and what the text says."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from envs.cells import reset, standard, step

from stackelberg import envs
from stackelberg.envs.picture import BARS, SIZE, channel_colour, frame
from stackelberg.envs.words import told

KEY = jax.random.key(2)


def played(
    power_w: list[float], channel: list[int]
) -> tuple[envs.State, envs.EnvParams]:
    params = standard(num_channels=3, num_pairs=2, max_pairs_per_channel=1)
    state = reset(KEY, params)
    action = envs.Action(
        jnp.full(2, 1e16), jnp.asarray(channel), jnp.asarray(power_w, jnp.float32)
    )
    return step(KEY, state, action, params).state, params


def pixels(image: np.ndarray, colour: tuple[float, float, float]) -> int:
    """How many pixels of the map have this very colour."""
    wanted = np.round(255.0 * np.asarray(colour))
    return int((image[:, :SIZE] == wanted).all(axis=-1).sum())


def test_a_frame_shows_channels_and_powers() -> None:
    state, params = played([1e-3, 0.2], [0, 1])
    image = frame(state, params)
    assert image.shape == (SIZE, SIZE + BARS, 3)
    assert image.dtype == np.uint8
    quiet = pixels(image, channel_colour(0))
    louder = pixels(frame(*played([0.2, 0.2], [0, 1])), channel_colour(0))
    assert louder > 1.5 * quiet > 0
    assert np.array_equal(image, frame(state, params))


def test_the_longest_bar_is_the_best_cellular_rate() -> None:
    state, params = played([1e-3, 0.2], [0, 1])
    bars = frame(state, params)[:, SIZE:]
    lengths = [
        int(
            (bars == np.round(255.0 * np.asarray(channel_colour(i))))
            .all(-1)
            .sum(1)
            .max()
        )
        for i in range(3)
    ]
    rate = np.asarray(state.memory.cellular_rate_bps)
    assert int(np.argmax(lengths)) == int(np.argmax(rate))
    assert np.argsort(lengths).tolist() == np.argsort(rate).tolist()


def test_silent_pairs_are_grey_and_said_to_be_silent() -> None:
    state, params = played([0.1, 0.1], [2, 2])  # one pair per channel is admitted
    assert pixels(frame(state, params), channel_colour(2)) > 0
    text = told(state, params)
    assert "1 of 2 pairs transmit" in text
    assert text.startswith("slot 0\nchannel   0")
    assert text.count("\n") == 5
    assert "\x1b" not in text


def test_before_the_first_slot_there_is_little_to_tell() -> None:
    params = standard(num_channels=3, num_pairs=2)
    assert told(reset(KEY, params), params) == "before the first slot\n"
    assert frame(reset(KEY, params), params).shape[2] == 3


def test_gains_without_places_are_drawn_schematically() -> None:
    params = standard(num_channels=3, num_pairs=2)
    trace = envs.record(KEY[None], params, 1)
    bare = envs.Trace(trace.seed, None, trace.gains, 10)
    replayed = envs.replay(params, bare)
    image = frame(reset(KEY, replayed), replayed)
    assert pixels(image, channel_colour(0)) > 0
