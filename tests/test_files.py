from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mien import files
from mien.errors import MienError
from mien.files import atomic_path, write_json, writing


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_target_appears_whole_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder" / "file.txt"
    with atomic_path(target) as path:
        assert path.parent == target.parent
        path.write_text("half")
        assert not target.exists()
        path.write_text("whole")
    assert target.read_text() == "whole"
    assert names(target.parent) == ["file.txt"]


def test_target_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old and longer")
    with atomic_path(target) as path:
        path.write_text("new")
        assert target.read_text() == "old and longer"
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_exception_leaves_the_old_file_alone(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(error), atomic_path(target) as path:  # noqa: PT012
        path.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_a_block_may_leave_nothing_behind_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "file.txt") as path:
        path.unlink()
    assert names(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with atomic_path(tmp_path / "ours") as path:
            path.write_text("x")
        (tmp_path / "usual").write_text("x")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("ours", "usual")]
    assert modes[0] == modes[1] == 0o666 & ~mask


def test_a_kill_leaves_the_old_file_alone(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from mien.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as path:\n"
        "    path.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old"
    left = [name for name in names(tmp_path) if name != "file.txt"]
    assert all(name.startswith(".file.txt.") and name.endswith(".part") for name in left)


def test_json_is_written_whole_and_readable(tmp_path: Path) -> None:
    target = tmp_path / "value.json"
    value = {"name": "Grüße", "rows": [1, 2.5, None]}
    write_json(target, value)
    assert json.loads(target.read_text(encoding="utf-8")) == value
    assert "Grüße" in target.read_text(encoding="utf-8")
    with pytest.raises(TypeError):
        write_json(target, {"bad": object()})
    assert json.loads(target.read_text(encoding="utf-8")) == value


def test_what_a_killed_process_left_is_overwritten_and_gone(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    (tmp_path / ".file.txt.part").write_text("half, and longer than the whole")
    with atomic_path(target) as path:
        path.write_text("whole")
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["file.txt"]


def test_two_writers_of_one_file_do_not_share_a_temporary_name(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    with atomic_path(target) as first:
        with atomic_path(target) as second:
            first.write_text("first")
            second.write_text("second")
        assert target.read_text() == "second"
        assert first.read_text() == "first"
    assert target.read_text() == "first"
    assert names(tmp_path) == ["file.txt"]


def test_a_name_that_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    (tmp_path / ".file.txt.part").symlink_to(tmp_path / "mine")
    with atomic_path(tmp_path / "file.txt") as path:
        path.write_text("whole")
    assert (tmp_path / "mine").read_text() == "keep"
    assert (tmp_path / "file.txt").read_text() == "whole"


def test_without_locks_each_writer_has_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> bool:
        raise OSError("no locks")

    monkeypatch.setattr(files, "try_lock", refuse)
    target = tmp_path / "file.txt"
    with atomic_path(target) as first, atomic_path(target) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first"
    assert names(tmp_path) == ["file.txt"]


def test_a_durable_file_is_on_the_disk_before_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, flushed = tmp_path / "file.txt", []

    def flush(descriptor: int) -> None:
        flushed.append((os.fstat(descriptor).st_ino, target.exists()))

    monkeypatch.setattr(os, "fsync", flush)
    with atomic_path(target, durable=True) as path:
        path.write_text("whole")
    inodes = (target.stat().st_ino, tmp_path.stat().st_ino)
    assert flushed == [(inodes[0], False), (inodes[1], True)]


def test_what_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    target = tmp_path / "file" / "table.csv"
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(
            MienError, match=r"table\.csv cannot be written \((File exists|Not a directory)\)"
        ) as caught,
        writing(target, "Choose another."),
        atomic_path(target),
    ):
        pass
    assert caught.value.hint == "Choose another."
    with pytest.raises(ZeroDivisionError), writing(target, "Choose another."):
        raise ZeroDivisionError
