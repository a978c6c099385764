"""Writing: the whole new file or the whole old one, and nothing left behind."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from stackelberg.errors import ConfigError
from stackelberg.io.files import files_together, read_bytes, write_text_atomically
from stackelberg.io.part_files import left_overs


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


def test_a_link_stays_one_and_what_it_points_to_is_written(tmp_path):
    (tmp_path / "kept").mkdir()
    for there in ("kept/a", "kept/new"):
        link = tmp_path / there.replace("/", "-")
        link.symlink_to(there)
        write_text_atomically(link, "text")
        assert link.is_symlink()
        assert (tmp_path / there).read_text() == "text"
    assert left_overs(tmp_path / "kept") == left_overs(tmp_path) == []


def test_a_link_to_itself_is_refused_by_name(tmp_path):
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(ConfigError, match=r"^\S+/a: .* got too many levels of"):
        write_text_atomically(tmp_path / "a", "text")


_KILLED = """
import os, signal, sys
from stackelberg.io.files import files_together
with files_together(sys.argv[1]) as staged:
    staged.write(sys.argv[1] + "/a", b"text")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(left_overs(tmp_path)) == 1
    write_text_atomically(tmp_path / "b", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_another_writer_is_writing_stays(tmp_path):
    with files_together(tmp_path) as staged:
        staged.write(tmp_path / "a", b"text")
        write_text_atomically(tmp_path / "b", "text")
        assert len(left_overs(tmp_path)) == 1
    assert (tmp_path / "a").read_bytes() == b"text"


def test_files_of_two_writers_never_mix(tmp_path, monkeypatch):
    def write(text: bytes) -> None:
        with files_together(tmp_path) as staged:
            for name in ("a", "b"):
                staged.write(tmp_path / name, text)

    second = threading.Thread(target=write, args=(b"second",))
    replace = os.replace

    def then_the_second(old: str, new: str) -> None:
        monkeypatch.setattr(os, "replace", replace)
        replace(old, new)
        second.start()
        second.join(timeout=0.2)

    monkeypatch.setattr(os, "replace", then_the_second)
    write(b"first")
    second.join()
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {"a": b"second", "b": b"second"}
