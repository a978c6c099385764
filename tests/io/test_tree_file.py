"""Trees of arrays in files: the same bits, or one line that says what is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackelberg.errors import ConfigError, InputError
from stackelberg.io import tree_file
from stackelberg.io.tree_file import TreeFile, read_tree_file, write_tree

FORMAT = "stackelberg.test/1"


class Net(NamedTuple):
    weight: Any
    bias: Any
    activation: Any = None


def tree() -> dict[str, Any]:
    return {
        "net": Net(jnp.arange(6.0).reshape(2, 3), jnp.ones(3, jnp.bfloat16)),
        "key": jax.random.key(7),
        "keys": jax.random.split(jax.random.key(8), 2),
        "raw": jax.random.PRNGKey(9),
        "count": jnp.int32(3),
        "flags": np.array([True, False]),
        "nothing": None,
        "empty": jnp.zeros((0, 4)),
        "odd": jnp.array([jnp.nan, -0.0, jnp.inf, 1e-45]),
        "exact": np.array([0.1, 1e300]),
    }


def read(path: Path) -> TreeFile:
    return read_tree_file(path, file_format=FORMAT, wanted="a test", limit=2**20)


def bits(leaf: Any) -> tuple[str, tuple[int, ...], bytes]:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return (
            str(leaf.dtype),
            leaf.shape,
            np.asarray(jax.random.key_data(leaf)).tobytes(),
        )
    return str(leaf.dtype), leaf.shape, np.asarray(leaf).tobytes()


def assert_same_bits(one: Any, other: Any) -> None:
    assert jax.tree.structure(one) == jax.tree.structure(other)
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    assert all(bits(a) == bits(b) for a, b in pairs)


def test_every_array_comes_back_with_its_bits_and_kind(tmp_path: Path) -> None:
    write_tree(tmp_path / "t", tree(), {"seed": 3}, file_format=FORMAT)
    found = read(tmp_path / "t")
    assert found.metadata == {"seed": 3}
    assert_same_bits(found.tree(tree()), tree())
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_the_structure_may_come_from_tracing_alone(tmp_path: Path) -> None:
    small = {name: leaf for name, leaf in tree().items() if name != "exact"}
    write_tree(tmp_path / "t", small, {}, file_format=FORMAT)
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), small)
    found = read(tmp_path / "t").tree(shapes)
    assert_same_bits(found, small)
    draw = jax.random.normal(found["key"])
    assert draw == jax.random.normal(jax.random.key(7))


def test_what_jax_cannot_hold_is_one_line(tmp_path: Path) -> None:
    write_tree(tmp_path / "t", {"a": np.array([1e300])}, {}, file_format=FORMAT)
    like = {"a": jax.ShapeDtypeStruct((1,), np.float64)}
    with pytest.raises(ConfigError, match="expected JAX to hold float64"):
        read(tmp_path / "t").tree(like)


def test_what_was_read_may_be_donated(tmp_path: Path) -> None:
    write_tree(tmp_path / "t", {"a": jnp.arange(3.0)}, {}, file_format=FORMAT)
    found = read(tmp_path / "t")
    taken = found.tree({"a": jnp.zeros(3)})
    add = jax.jit(lambda t: jax.tree.map(lambda a: a + 1.0, t), donate_argnums=0)
    assert add(taken)["a"].tolist() == [1.0, 2.0, 3.0]
    assert found.tree({"a": jnp.zeros(3)})["a"].tolist() == [0.0, 1.0, 2.0]


def test_functions_are_taken_from_what_is_expected(tmp_path: Path) -> None:
    net = Net(jnp.ones(2), jnp.zeros(2), jnp.tanh)
    write_tree(tmp_path / "t", net, {}, file_format=FORMAT)
    assert read(tmp_path / "t").tree(net._replace(bias=jnp.ones(2))).activation is (
        jnp.tanh
    )


def test_numbers_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\['a'\]: expected an array, got int"):
        write_tree(tmp_path / "t", {"a": 1}, {}, file_format=FORMAT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("like", "message"),
    [
        ({"a": jnp.zeros(4)}, r"['a']: expected float32 [4], got float32 [3]"),
        ({"a": jnp.zeros(3, jnp.int32)}, "expected int32 [3], got float32 [3]"),
        ({"a": jax.random.key(0)}, "expected key<fry> [], got float32 [3]"),
        ({"b": jnp.zeros(3)}, "['b']: expected float32 [3], got no such array"),
        ({}, "['a']: expected no such array, got float32 [3]"),
    ],
)
def test_another_structure_is_one_line(tmp_path: Path, like: Any, message: str) -> None:
    write_tree(tmp_path / "t", {"a": jnp.zeros(3)}, {}, file_format=FORMAT)
    with pytest.raises(InputError) as caught:
        read(tmp_path / "t").tree(like)
    assert str(caught.value).startswith(f"{tmp_path / 't'}: ")
    assert message in str(caught.value)


@given(st.data())
def test_a_torn_or_altered_file_is_always_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("torn") / "t"
    write_tree(path, {"a": jnp.arange(5.0)}, {"n": 1}, file_format=FORMAT)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(whole[:at])
    else:
        flipped = bytes([whole[at] ^ (1 << data.draw(st.integers(0, 7)))])
        path.write_bytes(whole[:at] + flipped + whole[at + 1 :])
    with pytest.raises(ConfigError, match="expected") as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_an_altered_file_is_told_from_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "t"
    write_tree(path, {"a": jnp.arange(5.0)}, {}, file_format=FORMAT)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    with pytest.raises(ConfigError, match="the file is torn or was altered"):
        read(path)
    path.write_bytes(b"{}")
    with pytest.raises(ConfigError, match="expected a test, got something else"):
        read(path)
    write_tree(path, {}, {}, file_format="stackelberg.other/1")
    with pytest.raises(ConfigError, match=r"stackelberg\.other/1"):
        read(path)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"metadata": {}},
        {"metadata": {}, "arrays": 3},
        {"metadata": [], "arrays": []},
        {"metadata": {}, "arrays": [{"path": "a"}]},
        {"metadata": {}, "arrays": [{"path": "a", "kind": "O", "shape": []}]},
        {"metadata": {}, "arrays": [{"path": "a", "kind": "int8", "shape": [9]}]},
        {"metadata": {}, "arrays": [{"path": "a", "kind": "int8", "shape": [-1]}]},
        {"metadata": {}, "arrays": [{"path": "a", "kind": "int8", "shape": ["x"]}]},
        {"metadata": {}, "arrays": []},
        {
            "metadata": {},
            "arrays": [{"path": "a", "kind": "int8", "shape": [2], "key": "rbg"}],
        },
    ],
)
def test_a_forged_header_is_refused(tmp_path: Path, header: dict[str, Any]) -> None:
    told = json.dumps({"format": FORMAT, **header}).encode()
    body = tree_file.MAGIC + len(told).to_bytes(8, "little") + told + b"\0\0"
    (tmp_path / "t").write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(InputError, match="expected") as caught:
        read(tmp_path / "t")
    assert str(caught.value).startswith(str(tmp_path / "t"))
