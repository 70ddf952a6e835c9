"""Extraction in worker processes: killed, interrupted, gone on with, and silent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.pipeline import extract as job
from mien.pipeline import parts
from mien.pipeline.faceset import FaceSet
from mien.pipeline.reasons import Reason
from mien.pipeline.store import FeatureStore

ROWS = 600
PART_ROWS = 12
PROGRAM = """
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from mien.pipeline import extract as job
from mien.pipeline.faceset import FaceSet
from mien.pipeline.pictures import ArrayPictures
from mien.errors import MienError

job.PART_ROWS = {part_rows}
pixels = np.load(sys.argv[1])
rows = pd.DataFrame(
    dict(picture=[f"row_{{i}}" for i in range(len(pixels))], label="happy", subject="",
         sequence="", split="", reason=["", *["unknown_label"] * 3] * {rows}),
    dtype="str")
try:
    summary = job.extract(
        FaceSet("Crops", "array", "pixels", rows, ArrayPictures(pixels)), sys.argv[2],
        bundle=Path(sys.argv[3]), families=("blendshapes",), workers=int(sys.argv[4]),
        on_progress=lambda done, _: print(done, flush=True))
except MienError as error:
    sys.exit(f"{{error.message}} / {{error.hint}}")
print("computed", summary.rows_computed)
"""

Start = Callable[..., subprocess.Popen[str]]
ListParts = Callable[[Path], dict[str, int]]


@pytest.fixture(scope="module")
def pixels(crops: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred different faces, of which the program leaves three in four out, for speed."""
    rng = np.random.default_rng(0)
    many = np.concatenate([crops[:5]] * (ROWS // 5)).astype(int)
    many += rng.integers(-6, 7, many.shape)
    file = tmp_path_factory.mktemp("pixels") / "pixels.npy"
    np.save(file, np.clip(many, 0, 255).astype(np.uint8))
    return file


@pytest.fixture
def start(pixels: Path, landmarker: Path, tmp_path: Path) -> Iterator[Start]:
    """A function that starts an extraction as a process group of its own."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(part_rows=PART_ROWS, rows=ROWS // 4))
    started: list[subprocess.Popen[str]] = []

    def begin(out: Path, workers: int = 1) -> subprocess.Popen[str]:
        words = [sys.executable, program, pixels, out, landmarker, str(workers)]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for_rows(process: subprocess.Popen[str], rows: int) -> None:
    """Read the progress until so many rows are done."""
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= rows:
            return
    pytest.fail(f"ended early: {process.stderr and process.stderr.read()}")


def finish(process: subprocess.Popen[str]) -> tuple[list[int], int, str]:
    """Return the steps of the progress, the rows computed, and standard error."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    *steps, last = out.splitlines()
    return [int(step) for step in steps], int(last.removeprefix("computed ")), err


def workers_of(process: int) -> list[int]:
    file = Path(f"/proc/{process}/task/{process}/children")
    children = [int(child) for child in file.read_text().split()]
    words = {child: Path(f"/proc/{child}/cmdline").read_text() for child in children}
    return [child for child in children if "resource_tracker" not in words[child]]


def are_gone(processes: list[int]) -> bool:
    """Wait up to a minute for processes to end (or to wait for a parent that is not ours)."""
    for _ in range(600):
        if not any(map(is_running, processes)):
            return True
        time.sleep(0.1)
    return False


def is_running(process: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_after_a_kill_of_everything_no_row_is_lost_or_doubled_or_repeated(
    start: Start,
    pixels: Path,
    landmarker: Path,
    make_dataset: Callable[..., FaceSet],
    tmp_path: Path,
    list_parts: ListParts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "killed"
    process = start(out)
    wait_for_rows(process, 10 * PART_ROWS)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = list_parts(out)
    assert 10 <= len(finished) < ROWS // PART_ROWS

    again = start(out, workers=2)
    wait_for_rows(again, PART_ROWS * (len(finished) + 1))
    assert {name: list_parts(out)[name] for name in finished} == finished
    steps, computed, err = finish(again)
    assert computed == ROWS - PART_ROWS * len(finished)
    assert steps[-1] == ROWS
    assert err == ""

    whole = tmp_path / "whole"
    monkeypatch.setattr(job, "PART_ROWS", PART_ROWS)
    monkeypatch.setattr(job, "run_in_workers", lambda function, tasks, **_: map(function, tasks))
    dataset = make_dataset(
        np.load(pixels),
        labels=("happy",),
        reasons={i: Reason.UNKNOWN_LABEL for i in range(ROWS) if i % 4},
    )
    job.extract(dataset, whole, bundle=landmarker, families=("blendshapes",))
    parts._detector(landmarker, "litert").close()
    parts._detector.cache_clear()
    one, two = FeatureStore.open(out), FeatureStore.open(whole)
    assert one.manifest["plan"] == two.manifest["plan"]
    pd.testing.assert_frame_equal(one.rows, two.rows)
    assert one.rows["picture"].tolist() == [f"row_{i}" for i in range(ROWS)]
    np.testing.assert_array_equal(one.pixels[::4], np.load(pixels)[::4])
    np.testing.assert_array_equal(one.mesh, two.mesh)
    np.testing.assert_array_equal(one.features("blendshapes"), two.features("blendshapes"))
    assert one.has_face[::4].mean() > 0.95
    assert one.has_face.sum() == one.has_face[::4].sum()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in /proc")
def test_a_killed_worker_is_told_and_gone_on_after(
    start: Start, tmp_path: Path, list_parts: ListParts
) -> None:
    out = tmp_path / "store"
    process = start(out)
    wait_for_rows(process, 2 * PART_ROWS)
    for worker in workers_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "A worker process was killed or crashed" in err
    assert "Run the same command again; it goes on where it was." in err
    assert "Traceback" not in err
    assert len(list_parts(out)) >= 2
    assert not (out / "manifest.json").exists()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in /proc")
@pytest.mark.parametrize("to_group", [True, False], ids=["ctrl-c", "signal"])
def test_an_interrupt_ends_everything_and_keeps_finished_parts(
    start: Start, tmp_path: Path, list_parts: ListParts, to_group: bool
) -> None:
    out = tmp_path / "store"
    process = start(out)
    wait_for_rows(process, 2 * PART_ROWS)
    workers = workers_of(process.pid)
    (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode in (1, 130, -signal.SIGINT)
    assert err.count("Traceback") == 1  # the program's own: it does not catch the interrupt
    assert len(list_parts(out)) >= 2
    assert are_gone(workers)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in /proc")
def test_workers_leave_after_their_parent_was_killed(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path / "store")
    wait_for_rows(process, PART_ROWS)
    workers = workers_of(process.pid)
    assert len(workers) == 1
    os.kill(process.pid, signal.SIGKILL)
    assert are_gone(workers)
