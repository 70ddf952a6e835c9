from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mien.pipeline.quiet import quiet_native_stderr


def native(text: str) -> None:
    os.write(2, text.encode())


def test_native_output_is_dropped_inside_only(capfd: pytest.CaptureFixture[str]) -> None:
    native("before ")
    with quiet_native_stderr():
        native("inside ")
    native("after")
    assert capfd.readouterr().err == "before after"


def test_exceptions_pass_and_restore(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), quiet_native_stderr():  # noqa: PT012
        native("inside ")
        _ = 1 / 0
    native("after")
    assert capfd.readouterr().err == "after"


def test_nested_blocks(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_native_stderr():
        with quiet_native_stderr():
            native("inner ")
        native("outer ")
    native("after")
    assert capfd.readouterr().err == "after"


def test_overlapping_threads(capfd: pytest.CaptureFixture[str]) -> None:
    """The first to enter leaves first; silence lasts until the second leaves."""
    entered, left = threading.Event(), threading.Event()

    def second() -> None:
        with quiet_native_stderr():
            entered.set()
            left.wait(10)
            native("second ")

    thread = threading.Thread(target=second)
    with quiet_native_stderr():
        thread.start()
        entered.wait(10)
    native("first has left ")
    left.set()
    thread.join()
    native("after")
    assert capfd.readouterr().err == "after"


def test_no_descriptor_is_lost(capfd: pytest.CaptureFixture[str]) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with quiet_native_stderr():
            native("inside")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert capfd.readouterr().err == ""


def run(code: str) -> subprocess.CompletedProcess[str]:
    code = f"import os, sys\nfrom mien.pipeline.quiet import quiet_native_stderr\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


def test_pythons_own_words_stay() -> None:
    done = run(
        "import warnings\n"
        "stream = sys.stderr\n"
        "with quiet_native_stderr():\n"
        "    os.write(2, b'native')\n"
        "    print('python é', file=sys.stderr)\n"
        "    warnings.warn('careful')\n"
        "assert sys.stderr is stream\n"
        "raise ValueError('seen')\n"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("python é\n")
    assert "UserWarning: careful" in done.stderr
    assert "ValueError: seen" in done.stderr
    assert "native" not in done.stderr


def test_a_closed_stderr_is_no_error() -> None:
    done = run("os.close(2)\nwith quiet_native_stderr():\n    print('fine')\n")
    assert done.stdout == "fine\n"
    assert done.returncode == 0
