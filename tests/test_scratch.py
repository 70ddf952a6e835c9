from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mien.scratch import ScratchFolder

PROGRAM = """
import os, signal
from mien.scratch import ScratchFolder
folder = ScratchFolder()
(folder.path / "pictures").write_text("many")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_folder_is_gone_at_the_end(tmp_path: Path) -> None:
    with ScratchFolder() as folder:
        (folder.path / "file").write_text("x")
        assert folder.path.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    folder.remove()


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | {"TMPDIR": str(tmp_path)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*/pictures"))) == 1
    with ScratchFolder() as folder:
        assert list(tmp_path.iterdir()) == [folder.path]


def test_a_folder_in_use_and_other_folders_stay(tmp_path: Path) -> None:
    (tmp_path / "mien-cnn-other").mkdir()
    with ScratchFolder() as first, ScratchFolder() as second:
        assert first.path.is_dir()
        assert first.path != second.path
    assert [path.name for path in tmp_path.iterdir()] == ["mien-cnn-other"]
