"""Tables that are too large, packed or damaged are refused before memory is spent."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackelberg.errors import ConfigError, InputError
from stackelberg.io import read_market, tables
from stackelberg.io.csv_text import csv_cells
from stackelberg.io.parquet_size import (
    check_unfolded_size,
    unfolded_bytes,
)

NODES = "node,capacity,price\nn1,4,1.5\n"

READ = """
import resource, sys
from stackelberg.io import read_market
from stackelberg.errors import InputError
import polars, scipy.sparse
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_market(sys.argv[1])
except InputError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def market_folder(path: Path, **tables: bytes | str) -> Path:
    texts: dict[str, bytes | str] = {
        "nodes": NODES,
        "users": "user,budget\nu,1\n",
        "reach": "user,node,weight\nu,n1,1\n",
        **tables,
    }
    for name, content in texts.items():
        data = content.encode() if isinstance(content, str) else content
        (path / f"{name}.csv").write_bytes(data)
    return path


def read_apart(folder: Path) -> tuple[str, int]:
    """The one line that reading says in a process of its own, and the MiB it took."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)],
        capture_output=True, text=True, check=True, env=dict(os.environ),
    )  # fmt: skip
    *lines, grown = done.stdout.splitlines()
    assert len(lines) == 1
    return lines[0], int(grown)


def test_a_megabyte_that_unfolds_to_gigabytes_costs_no_memory(tmp_path: Path) -> None:
    folder = market_folder(tmp_path)
    (folder / "reach.csv").unlink()
    part = pl.DataFrame({"weight": np.full(10_000_000, 1.5)})
    pl.concat([part] * 20, rechunk=False).write_parquet(folder / "reach.parquet")
    size = (folder / "reach.parquet").stat().st_size
    assert size < 1_000_000
    line, grown = read_apart(folder)
    assert line == (
        f"{folder}/reach.parquet: content: expected a table of reach that unfolds to "
        f"at most 128 MiB, got {size} bytes that unfold to 1526 MiB"
    )
    assert grown < 40


def test_one_long_value_packed_small_costs_no_memory(tmp_path: Path) -> None:
    folder = market_folder(tmp_path)
    (folder / "nodes.csv").unlink()
    names = pl.DataFrame({"node": ["n" * 4_000_000], "capacity": 1.0, "price": 1.0})
    names = pl.concat([names] * 100, rechunk=False)
    names.write_parquet(folder / "nodes.parquet", row_group_size=1)
    assert (folder / "nodes.parquet").stat().st_size < 1_000_000
    line, grown = read_apart(folder)
    assert "nodes.parquet: content: expected a table of nodes that unfolds to" in line
    assert grown < 40


def test_a_footer_that_lies_is_not_believed() -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"node": ["n" * 4_000_000]}).write_parquet(buffer, statistics=False)
    content = buffer.getvalue()
    size = unfolded_bytes(content, wanted="a table")
    stated = _signed(size)
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    assert stated in content[footer:]
    little = bytes([0x80] * (len(stated) - 1) + [0])  # zero, as long as the truth
    lying = content[:footer] + content[footer:].replace(stated, little)
    assert unfolded_bytes(lying, wanted="a table") >= 4_000_000


def _signed(value: int) -> bytes:
    """A number >= 0 as Thrift's compact protocol writes it."""
    digits, value = [], 2 * value
    while value:
        digits.append(value & 127 | 128)
        value >>= 7
    digits[-1] &= 127
    return bytes(digits)


def test_many_rows_are_welcome_where_they_take_space(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({"weight": draw.random(3_000_000)})
    frame.write_parquet(tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    assert 24e6 <= unfolded_bytes(content, wanted="a table") <= 25e6
    check_unfolded_size(content, wanted="a table")


@pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip", "lz4", "uncompressed"])
def test_the_size_is_read_from_every_codec(tmp_path: Path, codec: str) -> None:
    frame = pl.DataFrame({"a": np.arange(10_000), "b": [str(k) for k in range(10_000)]})
    path = tmp_path / "x.parquet"
    frame.write_parquet(path, compression=codec, row_group_size=3_000)  # pyright: ignore[reportArgumentType]
    size = unfolded_bytes(path.read_bytes(), wanted="a table")
    assert 16 * 10_000 <= size <= 24 * 10_000


@given(st.data())
def test_damaged_parquet_ends_in_one_line(data: st.DataObject) -> None:
    frame = pl.DataFrame({"node": [1, 2], "capacity": [1.0, 2.0], "price": [1.0, 1.0]})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    content = bytearray(buffer.getvalue())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(footer, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        size = unfolded_bytes(bytes(content), wanted="a table")
    except ConfigError as error:
        assert str(error) == "content: expected a table in Parquet, got a damaged file"
    else:
        assert size >= 0


PACKED = {
    "gzip": gzip.compress(NODES.encode()),
    "bzip2": bz2.compress(NODES.encode()),
    "xz": lzma.compress(NODES.encode()),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(20),
}


@pytest.mark.parametrize("packer", PACKED)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_packed_tables_are_refused_unread(
    tmp_path: Path, packer: str, ending: str
) -> None:
    folder = market_folder(tmp_path)
    (folder / "nodes.csv").unlink()
    (folder / f"nodes.{ending}").write_bytes(PACKED[packer])
    with pytest.raises(ConfigError) as caught:
        read_market(folder)
    assert str(caught.value) == (
        f"{folder}/nodes.{ending}: content: expected a table of nodes that is not "
        "packed, got a packed file"
    )


def test_a_zip_archive_is_refused(tmp_path: Path) -> None:
    folder = market_folder(tmp_path)
    with zipfile.ZipFile(folder / "nodes.csv", "w") as archive:
        archive.writestr("nodes.csv", NODES)
    with pytest.raises(ConfigError, match=r"nodes\.csv: content: .* got a packed file"):
        read_market(folder)


def test_a_gigantic_file_is_refused_unread(tmp_path: Path) -> None:
    folder = market_folder(tmp_path)
    with open(folder / "users.csv", "ab") as file:
        file.truncate(3 * 2**30)  # sparse: takes no room
    with pytest.raises(
        ConfigError,
        match=r"users\.csv: expected a table of users of at most 2147483648 bytes, "
        "got 3221225472 bytes",
    ):
        read_market(folder)


def test_one_long_name_among_many_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_NAMES_BYTES", 400)
    rows = "".join(f"u{k},1\n" for k in range(9))
    folder = market_folder(
        tmp_path,
        users="user,budget\nlong-long-name,1\n" + rows,
        reach="user,node,weight\nu1,n1,1\n",
    )
    with pytest.raises(
        ConfigError,
        match=r"users\.csv: user, row 1: expected a name of at most 10 characters, in "
        "10 rows, got 'long-long-name'",
    ):
        read_market(folder)


TEXTS: list[tuple[str, bytes, str]] = [
    ("empty", b"", "content: expected a table, got nothing"),
    ("blank", b" \n\r\n\n", "content: expected a table, got nothing"),
    ("only a mark", b"\xef\xbb\xbf", "content: expected a table, got nothing"),
    ("NUL", b"a,b\n1,2\n3,\x004\n", "line 3: expected UTF-8 text, got a NUL byte"),
    ("NUL in the header", b"a,\0b\n1,2\n", "line 1: expected UTF-8 text, got a NUL"),
    ("UTF-16", "a,b\n1,2\n".encode("utf-16"),
     "line 1: expected UTF-8 text, got byte 0xff"),
    ("UTF-16 without a mark", "a,b\n1,2\n".encode("utf-16-le"),
     "line 1: expected UTF-8 text, got a NUL byte"),
    ("Latin-1", b"a,b\n1,2\n3,\xe9\n", "line 3: expected UTF-8 text, got byte 0xe"),
    ("Latin-1 header", b"a,\xe9\n1,2\n", "line 1: expected UTF-8 text, got byte 0xe"),
    ("cut letter", b"a,b\n1,\xc3", "line 2: expected UTF-8 text, got byte 0xc3"),
    ("Parquet", b"PAR1" + bytes(20), "content: expected a table in CSV, got a Parquet"),
    ("column twice", b"a,b,a\n1,2,3\n", "column 'a': expected each column once"),
    ("column unnamed", b"a,,c\n1,2,3\n", "column 2: expected a name, got nothing"),
    ("blank column", b"a, \n1,2\n", "column 2: expected a name, got nothing"),
    ("semicolons", b"a;b\n1;2\n", "line 1: expected cells divided by commas"),
    ("tabs", b"a\tb\n1\t2\n", "line 1: expected cells divided by commas, got 'a"),
    ("empty first line", b"\na,b\n1,2\n", "line 1: expected a header, got an empty"),
    ("too few cells", b"a,b\n1,2\n3\n4,5\n",
     "row 2: expected 2 cells, as in the header, got 1"),
    ("too many cells", b"a,b\n1,2\n3,4,5\n",
     "row 2: expected 2 cells, as in the header, got 3"),
    ("comma at the end", b"a,b\n1,2,\n",
     "row 1: expected 2 cells, as in the header, got 3"),
    ("empty line between", b"a,b\n1,2\n\n3,4\n",
     "row 2: expected 2 cells, as in the header, got an empty line"),
    ("open quote", b'a,b\n1,2\n"3,4\n5,6\n',
     "row 2, line 3: expected a quote that closes, around a whole cell, got one that"),
    ("quote within", b'a,b\n"x"y,2\n',
     "row 1, line 2: expected a quote that closes, around a whole cell"),
    ("open quote in the header", b'"a,b\n1,2\n', "line 1: expected quotes around"),
    ("long header", b"a," + b"b" * 70_000 + b"\n1,2\n",
     "line 1: expected a header of at most 65536 bytes, got a longer line"),
    ("long cell", b"a,b\n1,2\n3," + b"4" * 1_001 + b"\n",
     "b, row 2: expected at most 1000 bytes, got 1001 bytes"),
    ("absurdly long cell", b"a,b\n1," + b"4" * 5_000_000 + b"\n",
     "b, row 1: expected at most 1000 bytes, got 5000000 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "text"), TEXTS, ids=[t[0] for t in TEXTS])
def test_bad_csv_is_told_by_row(name: str, content: bytes, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        csv_cells(content, wanted="a table", source="file.csv")
    message = str(caught.value)
    assert message.startswith("file.csv: " + text), message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n",
        b"\xef\xbb\xbfa,b\n1,2",
        b"a,b\r\n1,2\r\n",
        b"a,b\n1,2\n\n\n",
        b'"a","b"\n"1","2"\n',
    ],
)
def test_the_same_table_in_other_dress(content: bytes) -> None:
    cells = csv_cells(content, wanted="a table", source="file.csv")
    assert cells.to_dict(as_series=False) == {"a": ["1"], "b": ["2"]}


@given(st.binary(max_size=60))
def test_any_bytes_are_a_table_or_one_line(content: bytes) -> None:
    try:
        cells = csv_cells(b"a,b\n1,2\n" + content, wanted="a table", source="file")
    except InputError as error:
        assert str(error).startswith("file: ")
        assert len(str(error).splitlines()) == 1
    else:
        assert cells.columns == ["a", "b"]
        assert cells.row(0) == ("1", "2")


def test_damaged_parquet_prints_no_trace(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "nodes.parquet"
    columns = {"node": [1, 2, 3], "capacity": [1.0, 2.0, 3.0], "price": [1.0] * 3}
    pl.DataFrame(columns).write_parquet(table)
    whole = table.read_bytes()
    for i in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[i] ^= 0x40
        table.write_bytes(damaged)
        with suppress(InputError):
            tables.Table(tmp_path, "nodes", ["node", "capacity", "price"])
    assert capfd.readouterr().err == ""
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"
