"""A folder of checkpoints: the newest few, each whole."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import pytest

from stackelberg.errors import ConfigError
from stackelberg.io.checkpoint import CheckpointFolder, read_checkpoint


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_last_ones_stay(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=2)
    for steps in (100, 9, 1000, 20):
        folder.write(steps, {"a": jnp.full(2, steps)}, {"env_steps": steps})
    assert names(tmp_path) == ["000000000100.checkpoint", "000000001000.checkpoint"]
    found = read_checkpoint(folder.latest())
    assert found.metadata == {"env_steps": 1000}
    assert found.tree({"a": jnp.zeros(2, jnp.int32)})["a"].tolist() == [1000, 1000]


def test_a_folder_without_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a checkpoint, got none yet"):
        CheckpointFolder(tmp_path).latest()


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".0123456789abcdef.part").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    folder = CheckpointFolder(tmp_path)
    folder.write(1, {"a": jnp.ones(1)}, {})
    folder.tidy()
    assert names(tmp_path) == ["000000000001.checkpoint", "notes.txt"]
