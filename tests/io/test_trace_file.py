"""Recorded worlds in files: the same bits, the same world, exact complaints."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stackelberg import envs
from stackelberg.envs import Gains, Places, Trace
from stackelberg.errors import ConfigError, InputError, ShapeError
from stackelberg.io import read_trace, write_trace


def small() -> Trace:
    draw = np.random.default_rng(0)
    shapes = ((2,), (3,), (3,), (2, 3), (3, 3))
    gains: list[Any] = [draw.uniform(1e-12, 1e-9, (2, 4, *shape)) for shape in shapes]
    places: list[Any] = [draw.uniform(40, 400, (2, 4, count, 2)) for count in (5, 3)]
    return Trace(
        np.asarray([[1, 2], [3, 4]], np.uint32), Places(*places), Gains(*gains), 5
    )


def test_a_trace_comes_back_bit_by_bit(tmp_path: Path) -> None:
    trace = small()
    write_trace(trace, tmp_path / "worlds.npz")
    back = read_trace(tmp_path / "worlds.npz")
    assert back.slots_per_frame == 5
    np.testing.assert_array_equal(back.seed, trace.seed)
    for one, other in zip(
        jax.tree.leaves((trace.places, trace.gains)),
        jax.tree.leaves((back.places, back.gains)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_a_recorded_world_is_met_again(tmp_path: Path) -> None:
    params = envs.make_params(
        num_channels=2,
        num_pairs=3,
        mobility=envs.GaussMarkov(20.0),
        slots_per_frame=2,
    )
    keys = jax.random.split(jax.random.key(3), 2)
    write_trace(envs.record(keys, params, 5), tmp_path / "worlds.npz")
    trace = read_trace(tmp_path / "worlds.npz")
    again = envs.replay(params, trace, episode=1)
    action = envs.Action(
        jnp.full(3, 1e15), jnp.asarray([0, 1, 0], jnp.int32), jnp.full(3, 0.1)
    )

    @jax.jit
    def rewards(params: envs.EnvParams) -> Any:
        def one(state: envs.State, _: None) -> Any:
            result = envs.step(keys[0], state, action, params)
            return result.state, (result.follower_reward, result.state.world.places)

        return jax.lax.scan(one, envs.reset(keys[1], params), None, length=5)[1]

    (reward, places), (replayed, followed) = rewards(params), rewards(again)
    np.testing.assert_allclose(replayed, reward, rtol=1e-4)
    np.testing.assert_array_equal(followed.walker, places.walker)
    assert np.any(places.walker[-1] != places.walker[0])


def _archive(**changes: Any) -> bytes:
    trace = small()
    arrays: dict[str, Any] = {
        "format": np.asarray("stackelberg.envs.trace/1"),
        "seed": trace.seed,
        "slots_per_frame": np.asarray(5),
    }
    for name, record in (("places", trace.places), ("gains", trace.gains)):
        assert record is not None
        arrays |= {f"{name}.{part}": a for part, a in record._asdict().items()}
    arrays |= changes
    kept = {name: array for name, array in arrays.items() if array is not None}
    content = io.BytesIO()
    np.savez(content, **kept)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "kind", "names"),
    [
        (b"no archive", ConfigError, "file"),
        (b"", ConfigError, "file"),
        (_archive()[:-200], ConfigError, "file"),
        (_archive(seed=None), ConfigError, "seed"),
        (_archive(seed=np.zeros((2, 2))), ConfigError, "seed"),
        (_archive(seed=np.zeros((2, 3), np.uint32)), ShapeError, "seed"),
        (_archive(format=np.asarray("other/1")), ConfigError, "format"),
        (_archive(slots_per_frame=np.asarray(0.5)), ConfigError, "slots_per_frame"),
        (_archive(slots_per_frame=np.asarray(0)), InputError, "slots_per_frame"),
        (_archive(**{"gains.d2d": None}), ConfigError, "gains.d2d"),
        (_archive(**{"gains.d2d": np.zeros((2, 3, 3))}), ShapeError, "gains.d2d"),
        (_archive(**{"places.walker": np.zeros(4, int)}), ConfigError, "places.walker"),
        (_archive(extra=np.zeros(3)), ConfigError, "extra"),
        (_archive(extra=np.asarray([{}], object)), ConfigError, "file"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, content: bytes, kind: type[InputError], names: str
) -> None:
    path = tmp_path / "worlds.npz"
    path.write_bytes(content)
    with pytest.raises(kind) as caught:
        read_trace(path)
    assert str(caught.value).startswith(f"{path}: {names}: expected")
    assert "\n" not in str(caught.value)


def test_an_archive_that_unfolds_too_far_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("seed.npy", bytes(300 * 2**20))
    path = tmp_path / "bomb.npz"
    path.write_bytes(content.getvalue())
    assert path.stat().st_size < 2**20
    with pytest.raises(ConfigError, match="arrays of at most"):
        read_trace(path)
