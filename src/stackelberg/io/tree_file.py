"""Trees of arrays in one file: a header, the arrays as they lie in memory, a checksum.

No pickle: a file can hold numbers and words, nothing that runs. Every array keeps its
bits, whatever its kind, random keys included. A reader says what structure it expects,
and gets exactly that or one line that names the first array that differs. The layout is
in ``docs/formats.md``.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from stackelberg.errors import ConfigError, InputError, ShapeError
from stackelberg.io.files import read_bytes, write_bytes_atomically
from stackelberg.io.json_text import (
    JsonObject,
    check_format,
    member_object,
    parse_object,
)
from stackelberg.io.solution_file import plain

MAGIC = b"stackelberg.tree/1\n"
_LENGTH_BYTES = 8
_CHECKSUM_BYTES = hashlib.sha256().digest_size
_KINDS = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
_KEY_KINDS = ("threefry2x32", "rbg", "unsafe_rbg")
"""Kinds of random keys; what is stored of one is its data, uint32."""


class _Leaf(NamedTuple):
    """One array: where it hangs in the tree, what it is, and its bytes."""

    path: str
    kind: str
    shape: tuple[int, ...]
    key: str | None
    data: npt.NDArray[Any]


class TreeFile(NamedTuple):
    """A file that was read and whose checksum held.

    Attributes:
        path: of the file, for errors.
        metadata: the JSON object that was written beside the arrays.
    """

    path: str
    metadata: JsonObject
    leaves: tuple[_Leaf, ...]

    def tree(self, like: Any) -> Any:
        """The arrays, in the structure of `like`.

        Args:
            like: a tree of arrays or of what `jax.eval_shape` gives; functions in it
                are taken over as they are. NumPy arrays stay NumPy arrays.

        Raises:
            InputError: the first array that is missing, unknown, or of another shape
                or kind, in one line that begins with the file's path.
        """
        try:
            return _filled(self.leaves, like)
        except InputError as error:
            raise error.located(self.path) from None


def write_tree(
    path: str | os.PathLike[str], tree: Any, metadata: JsonObject, *, file_format: str
) -> None:
    """Write a tree of arrays and what is to be known of it.

    The file appears whole or not at all, and is on the disk when this returns.

    Args:
        path: the file.
        tree: of JAX or NumPy arrays; functions in it are left out.
        metadata: for a JSON object; NaN and infinity become null.
        file_format: what the file is, such as ``stackelberg.learning.policy/1``.

    Raises:
        ConfigError: a leaf is no array, or the file cannot be written.
    """
    leaves = [_stored(place, leaf) for place, leaf in _arrays(tree)]
    header = {
        "format": file_format,
        "metadata": plain(metadata),
        "arrays": [
            {"path": one.path, "kind": one.kind, "shape": list(one.shape)}
            | ({} if one.key is None else {"key": one.key})
            for one in leaves
        ],
    }
    told = json.dumps(header, allow_nan=False).encode()
    parts = [MAGIC, len(told).to_bytes(_LENGTH_BYTES, "little"), told]
    parts += [one.data.tobytes() for one in leaves]
    checksum = hashlib.sha256()
    for part in parts:
        checksum.update(part)
    write_bytes_atomically(path, b"".join([*parts, checksum.digest()]))


def read_tree_file(
    path: str | os.PathLike[str], *, file_format: str, wanted: str, limit: int
) -> TreeFile:
    """Read a file of `write_tree` once its checksum is known to hold.

    Args:
        path: the file.
        file_format: as it was written.
        wanted: what it should be, for errors.
        limit: bytes of the largest file that is read.

    Raises:
        ConfigError: it is missing, too large, torn, altered, or something else; one
            line that begins with `path`.
    """
    content = memoryview(read_bytes(path, wanted=wanted, limit=limit))
    try:
        header, payload = _verified(content, wanted)
        check_format(header, file_format)
        metadata = member_object(header, "metadata")
        return TreeFile(os.fspath(path), metadata, tuple(_leaves(header, payload)))
    except InputError as error:
        raise error.located(os.fspath(path)) from None
    except (KeyError, TypeError, ValueError):  # sealed, but not by `write_tree`
        raise ConfigError(
            os.fspath(path), expected=wanted, got="arrays that do not fit its header"
        ) from None


def _arrays(tree: Any) -> list[tuple[str, Any]]:
    """The leaves that are stored, by place."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [
        (jax.tree_util.keystr(place), leaf)
        for place, leaf in leaves
        if not callable(leaf)
    ]


def _stored(place: str, leaf: Any) -> _Leaf:
    if not isinstance(leaf, (jax.Array, np.ndarray, np.generic)):
        raise ConfigError(place or "tree", expected="an array", got=type(leaf).__name__)
    key = None
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        key = str(jax.random.key_impl(cast("jax.Array", leaf)))
        leaf = jax.random.key_data(cast("jax.Array", leaf))
    data = np.ascontiguousarray(np.asarray(leaf))
    kind = data.dtype.name
    if kind not in _KINDS or (key is not None and key not in _KEY_KINDS):
        raise ConfigError(place or "tree", expected="an array of numbers", got=kind)
    if data.dtype.byteorder == ">":
        data = data.astype(data.dtype.newbyteorder("<"))
    return _Leaf(place, kind, np.shape(leaf), key, data)


def _verified(content: memoryview, wanted: str) -> tuple[JsonObject, memoryview]:
    """The header and the bytes of the arrays."""
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise ConfigError("content", expected=wanted, got="something else")
    body, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
    found = hashlib.sha256(body)
    if found.digest() != bytes(checksum):
        raise ConfigError(
            "checksum",
            expected=f"{bytes(checksum).hex()[:12]}...",
            got=f"{found.hexdigest()[:12]}...: the file is torn or was altered",
        )
    start = len(MAGIC) + _LENGTH_BYTES
    length = int.from_bytes(body[len(MAGIC) : start], "little")
    header = parse_object(bytes(body[start : start + length]), wanted=wanted)
    return header, body[start + length :]


def _leaves(header: JsonObject, payload: memoryview) -> list[_Leaf]:
    """The arrays that the header announces; views of the file's bytes."""
    leaves: list[_Leaf] = []
    at = 0
    for told in cast("list[dict[str, Any]]", header["arrays"]):
        kind, key, shape = str(told["kind"]), told.get("key"), tuple(told["shape"])
        if kind not in _KINDS or not (
            key is None or (key in _KEY_KINDS and kind == "uint32")
        ):
            raise ConfigError(
                str(told["path"]), expected="an array of numbers", got=key or kind
            )
        dtype = np.dtype(jnp.dtype(kind))
        count = math.prod(shape)
        data = np.frombuffer(payload[at : at + count * dtype.itemsize], dtype)
        leaves.append(_Leaf(str(told["path"]), kind, shape, key, data.reshape(shape)))
        at += data.nbytes
    if at != len(payload):
        raise ValueError("bytes of no array")
    return leaves


def _filled(leaves: tuple[_Leaf, ...], like: Any) -> Any:
    expected = jax.tree_util.tree_leaves_with_path(like)
    stored = {one.path: one for one in leaves}
    filled: list[Any] = []
    for place, leaf in expected:
        if callable(leaf):
            filled.append(leaf)
            continue
        name = jax.tree_util.keystr(place)
        if name not in stored:
            raise ConfigError(name, expected=_shown(leaf), got="no such array")
        filled.append(_restored(stored.pop(name), leaf))
    if stored:
        first = next(iter(stored))
        raise ConfigError(first, expected="no such array", got=_told(stored[first]))
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(like), filled)


def _restored(stored: _Leaf, like: Any) -> Any:
    """One array, once it is known to be of the kind and shape of `like`."""
    value: Any = stored.data
    if stored.key is not None:
        value = jax.random.wrap_key_data(jnp.asarray(stored.data), impl=stored.key)
    if value.dtype != like.dtype or value.shape != like.shape:
        raise ShapeError(stored.path, expected=_shown(like), got=_shown(value))
    if isinstance(like, (np.ndarray, np.generic)):
        return value.copy()
    if stored.key is None and jax.dtypes.canonicalize_dtype(value.dtype) != value.dtype:
        raise ConfigError(
            stored.path, expected=f"JAX to hold {value.dtype}", got="no jax_enable_x64"
        )
    # A copy: arrays that share the file's bytes must not be donated.
    return value if stored.key is not None else jnp.array(value, copy=True)


def _shown(array: Any) -> str:
    return f"{array.dtype} {list(array.shape)}"


def _told(stored: _Leaf) -> str:
    return f"{stored.key or stored.kind} {list(stored.shape)}"
