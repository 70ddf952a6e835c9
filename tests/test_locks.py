from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mien import locks
from mien.errors import MienError
from mien.locks import hold_folder

HOLD = """
import sys
from pathlib import Path
from mien.locks import hold_folder
with hold_folder(Path(sys.argv[1]), "mien compare"):
    print("held", flush=True)
    input()
"""


def test_a_folder_is_held_by_one_process_until_it_ends_however_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], **pipes) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(MienError, match=r"Another mien compare is at work in .*report\. Wait"),
            hold_folder(folder, "mien compare"),
        ):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with hold_folder(folder, "mien compare"):
        pass
    assert list(folder.iterdir()) == []


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("mine", "new", "full"):
        with pytest.raises(ValueError, match="no"), hold_folder(tmp_path / name, "mien compare"):
            fail_in(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "mine"]


def fail_in(folder: Path) -> None:
    if folder.name == "full":
        (folder / "file").touch()
    raise ValueError("no")


def test_a_file_system_without_locks_refuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> bool:
        raise OSError("no locks")

    monkeypatch.setattr(locks, "try_lock", refuse)
    with hold_folder(tmp_path, "mien extract"), hold_folder(tmp_path, "mien extract"):
        pass
