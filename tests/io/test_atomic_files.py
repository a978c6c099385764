"""Writing: the whole new file or the whole old one, and nothing left behind."""

import os

import pytest

from stackelberg.errors import ConfigError
from stackelberg.io.files import files_together, read_bytes, write_text_atomically


def test_what_is_written_is_read_back_and_alone(tmp_path):
    write_text_atomically(tmp_path / "a.txt", "first\n")
    write_text_atomically(tmp_path / "a.txt", "secönd\n")
    assert read_bytes(tmp_path / "a.txt") == "secönd\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    write_text_atomically(tmp_path / "a.txt", "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError) as caught:
        write_text_atomically(tmp_path / "a.txt", "new")
    assert str(caught.value) == (
        f"{tmp_path / 'a.txt'}: expected a file that can be written, "
        "got no space left on device"
    )
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_the_content_reaches_the_disk_before_the_name_changes(tmp_path, monkeypatch):
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(descriptor: int) -> None:
        done.append("fsync")
        fsync(descriptor)

    def noting_replace(old: str, new: str) -> None:
        assert os.path.dirname(old) == os.path.dirname(new)
        done.append("replace")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    write_text_atomically(tmp_path / "a.txt", "text")
    assert done == ["fsync", "replace", "fsync"]


def test_a_missing_folder_and_a_folder_as_target_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"got no such file or folder$"):
        write_text_atomically(tmp_path / "none" / "a.txt", "text")
    with pytest.raises(ConfigError, match=r"got a directory$"):
        write_text_atomically(tmp_path, "text")


def test_the_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "usual").write_text("text")
    write_text_atomically(tmp_path / "ours", "text")
    usual, ours = ((tmp_path / name).stat().st_mode for name in ("usual", "ours"))
    assert usual == ours


def test_files_written_together_appear_together(tmp_path):
    for name in ("a", "b", "old"):
        (tmp_path / name).write_bytes(b"before")
    with files_together(tmp_path) as staged:
        staged.write(tmp_path / "a", b"after")
        staged.remove(tmp_path / "old")
        staged.write(tmp_path / "b", b"after")
        assert (tmp_path / "a").read_bytes() == b"before"
        assert (tmp_path / "old").exists()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "a": b"after",
        "b": b"after",
    }


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_none_of_the_files_appears_where_one_cannot(tmp_path, error):
    (tmp_path / "a").write_bytes(b"before")

    def write() -> None:
        with files_together(tmp_path) as staged:
            staged.write(tmp_path / "a", b"after")
            staged.remove(tmp_path / "a")
            raise error("midway")

    with pytest.raises(error, match="midway"):
        write()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"before")]
