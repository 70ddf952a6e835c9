"""Extraction by two real Dask workers, one of them killed, and what is told when one fails."""

from __future__ import annotations

import builtins
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.features.registry import PLUGINS
from mien.pipeline import extract as job
from mien.pipeline import remote_call
from mien.pipeline.cluster import use_cluster
from mien.pipeline.faceset import FaceSet
from mien.pipeline.parts import PartDone, PartTask
from mien.pipeline.pictures import ArrayPictures, FilePictures, ZipPictures
from mien.pipeline.reasons import Reason
from mien.pipeline.remote_call import RemoteCall, list_places, run_in_backend
from mien.pipeline.store import FeatureStore

PART_ROWS = 4
EARLY = 6 * PART_ROWS  # rows that need not wait
CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=int(sys.argv[2]),
                      dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
EXTRACT = """
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mien.pipeline import extract as job
from mien.pipeline.cluster import use_cluster
from mien.pipeline.faceset import FaceSet
from mien.pipeline.pictures import ArrayPictures
from mien.errors import MienError

class LatePictures(ArrayPictures):
    "Some of them are there only when a file is, so that a test may act in the middle."

    def __init__(self, pixels, late, sign):
        super().__init__(pixels)
        self.late, self.sign = late, sign

    def subset(self, indices):
        return LatePictures(self.pixels[np.asarray(indices)], [self.late[i] for i in indices],
                            self.sign)

    def read(self, index):
        while self.late[index] and not self.sign.exists():
            time.sleep(0.01)
        return super().read(index)

job.PART_ROWS = {part_rows}
address, pixels, out, bundle = sys.argv[1:]
pixels = np.load(pixels)
rows = pd.DataFrame(
    dict(picture=[f"row_{{i}}" for i in range(len(pixels))], label="happy", subject="",
         sequence="", split="", reason=""), dtype="str")
late = [i >= {early} for i in range(len(pixels))]
pictures = LatePictures(pixels, late, Path(out).absolute().parent / "go")
dataset = FaceSet("Crops", "array", "pixels", rows, pictures)
try:
    with use_cluster(address, out=out, bundle=Path(bundle)) as workers:
        summary = job.extract(
            dataset, out, bundle=Path(bundle), families=("blendshapes", "patch_hog"),
            workers=workers, on_progress=lambda done, _: print(done, flush=True))
except MienError as error:
    sys.exit(f"{{error.message}} / {{error.hint}}")
print("computed", summary.rows_computed, "by", summary.workers)
"""

Start = Callable[..., subprocess.Popen[str]]
ListParts = Callable[[Path], dict[str, int]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a program as a process group of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(program: str, *words: object) -> subprocess.Popen[str]:
        file = tmp_path / f"program{len(started)}.py"
        file.write_text(program)
        process = subprocess.Popen(
            [sys.executable, file, *map(str, words)], text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def start_cluster(start: Start, workers: int, threads: int = 1) -> tuple[int, str]:
    """Return the cluster's process and its scheduler's address."""
    process = start(CLUSTER, workers, threads)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address.startswith("tcp://"), process.communicate()[1]
    return process.pid, address


def workers_of(process: int) -> list[int]:
    """Return the processes that a cluster's nannies have started."""
    threads = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(child) for file in threads for child in file.read_text().split()]
    words = {child: Path(f"/proc/{child}/cmdline").read_text() for child in children}
    return [child for child in children if "spawn_main" in words[child]]


@pytest.fixture
def pixels(crops: np.ndarray, tmp_path: Path) -> Path:
    """A hundred and sixty different faces."""
    rng = np.random.default_rng(0)
    many = np.concatenate([crops[:5]] * 32).astype(int)
    many += rng.integers(-6, 7, many.shape)
    file = tmp_path / "pixels.npy"
    np.save(file, np.clip(many, 0, 255).astype(np.uint8))
    return file


def test_a_killed_workers_part_is_done_again_and_no_other(
    start: Start,
    pixels: Path,
    landmarker: Path,
    make_dataset: Callable[..., FaceSet],
    tmp_path: Path,
    list_parts: ListParts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster, address = start_cluster(start, 2)
    out = tmp_path / "store"
    process = start(
        EXTRACT.format(part_rows=PART_ROWS, early=EARLY), address, pixels, out, landmarker
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 3 * PART_ROWS:
            break
    before = list_parts(out)
    assert 3 <= len(before) <= EARLY // PART_ROWS
    killed, *others = workers_of(cluster)
    assert len(others) == 1
    os.kill(killed, signal.SIGKILL)
    (tmp_path / "go").touch()
    seen: dict[str, set[int]] = {}
    while process.poll() is None:
        for name, written in list_parts(out).items():
            seen.setdefault(name, set()).add(written)
        time.sleep(0.005)
    told, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    *steps, last = told.splitlines()
    assert last == "computed 160 by 2"
    assert steps[-1] == "160"
    assert [int(step) for step in steps] == sorted({int(step) for step in steps})
    assert all(seen[name] == {written} for name, written in before.items())
    assert all(len(written) == 1 for written in seen.values())
    assert "Traceback" not in err

    monkeypatch.setattr(job, "PART_ROWS", PART_ROWS)
    alone = tmp_path / "alone"
    dataset = make_dataset(np.load(pixels), labels=["happy"])
    families = ("blendshapes", "patch_hog")
    job.extract(dataset, alone, bundle=landmarker, families=families, workers=1)
    one, other = FeatureStore.open(out), FeatureStore.open(alone)
    pd.testing.assert_frame_equal(one.rows, other.rows)
    assert one.has_face.all()
    for family in families:
        np.testing.assert_array_equal(one.features(family), other.features(family))


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_told_and_gone_on_after(
    start: Start, pixels: Path, landmarker: Path, tmp_path: Path, list_parts: ListParts
) -> None:
    cluster, address = start_cluster(start, 1)
    out = tmp_path / "store"
    process = start(
        EXTRACT.format(part_rows=PART_ROWS, early=EARLY), address, pixels, out, landmarker
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 2 * PART_ROWS:
            break
    os.killpg(cluster, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "The cluster failed" in err
    assert "it goes on where it was" in err
    assert len(list_parts(out)) >= 2


@pytest.mark.slow
def test_workers_of_several_threads_are_refused(start: Start) -> None:
    _, address = start_cluster(start, 1, 2)
    with (
        pytest.raises(MienError, match="has 2 threads") as caught,
        use_cluster(address, out="store"),
    ):
        pass
    assert caught.value.hint.endswith(f"dask worker {address} --nworkers 2 --nthreads 1")


@pytest.mark.slow
def test_what_a_worker_does_not_see_is_named(start: Start, tmp_path: Path) -> None:
    _, address = start_cluster(start, 1)
    pictures = FilePictures(tmp_path / "not" / "there", ["a.png"])
    with (
        pytest.raises(MienError, match=r"does not see .*not/there"),
        use_cluster(address, out=tmp_path / "store", bundle=tmp_path, pictures=pictures),
    ):
        pass
    assert list(tmp_path.glob(".mien-*")) == []


def test_no_address_changes_nothing() -> None:
    with use_cluster(None, out="store") as workers:
        assert workers is None


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *rest: object, **options: object) -> object:
        if name.partition(".")[0] == "distributed":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MienError, match="needs the package distributed") as caught:
        use_cluster("tcp://127.0.0.1:1", out="store").__enter__()
    assert "pip install distributed" in caught.value.hint


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nothing like an address"])
def test_no_scheduler_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.pipeline.cluster._PATIENCE", 1)
    with pytest.raises(MienError, match=f"No Dask scheduler answers at {address}") as caught:
        use_cluster(address, out="store").__enter__()
    assert "dask scheduler" in caught.value.hint


class TestRemoteCall:
    """What another machine does with a task."""

    def test_it_runs_in_the_first_machines_folder_with_its_families(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv(PLUGINS, "mine.py")
        call = RemoteCall.of(lambda name: (Path(name).absolute(), os.environ[PLUGINS]))
        monkeypatch.chdir("/")
        monkeypatch.setenv(PLUGINS, "other.py")
        assert call("store") == (tmp_path / "store", "mine.py")
        assert Path.cwd() == Path("/")

    def test_another_version_is_refused(self) -> None:
        call = replace(RemoteCall.of(abs), version="0.0.1")
        with pytest.raises(MienError, match=r"this one 0\.0\.1"):
            call(-1)

    def test_pictures_that_are_not_there_are_no_unreadable_rows(self, tmp_path: Path) -> None:
        class Task:
            pictures = FilePictures(tmp_path / "photos", ["a.png"])

        with pytest.raises(MienError, match=r"does not have .*photos"):
            RemoteCall.of(lambda _: Reason.UNREADABLE)(Task())

    def test_a_part_that_is_there_is_not_made_again(self, tmp_path: Path) -> None:
        def fail(_: PartTask) -> PartDone:
            raise AssertionError

        pictures = ArrayPictures(np.zeros((3, 48, 48), np.uint8))
        task = PartTask(tmp_path / "000000.npz", pictures, (False,) * 3, (), tmp_path, "litert")
        with pytest.raises(AssertionError):
            RemoteCall.of(fail)(task)
        task.target.touch()
        assert RemoteCall.of(fail)(task).rows == 3


def test_places_are_those_that_pictures_are_read_from(tmp_path: Path) -> None:
    assert list_places(ArrayPictures(np.zeros((1, 48, 48), np.uint8))) == []
    assert list_places(FilePictures(tmp_path, ["a.png"])) == [tmp_path]
    assert list_places(ZipPictures(tmp_path / "a.zip", ["a.png"])) == [tmp_path / "a.zip"]


def test_what_a_cluster_fails_with_is_told_and_a_fault_of_ours_is_not_hidden() -> None:
    def fail(error: Exception) -> None:
        raise error

    with joblib.parallel_config(backend="threading", n_jobs=1):
        with pytest.raises(MienError, match=r"The cluster failed \(ModuleNotFoundError: no mien"):
            list(run_in_backend(fail, [ModuleNotFoundError("no mien")]))
        with pytest.raises(MienError, match="The disk is full"):
            list(run_in_backend(fail, [MienError("The disk is full.")]))
        with pytest.raises(ZeroDivisionError):
            list(run_in_backend(fail, [ZeroDivisionError()]))


class TestALostScheduler:
    """With a stand-in for the client; a real scheduler is killed above."""

    @pytest.fixture
    def client(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        monkeypatch.setattr(remote_call, "_LOOK_EVERY", 0.01)
        return SimpleNamespace(status="running", scheduler_comm=object())

    def test_results_come_until_the_end(self, client: SimpleNamespace) -> None:
        assert list(remote_call._watch(lambda: iter([1, 2]), client)) == [1, 2]

    @pytest.mark.parametrize("lost", [{"status": "connecting"}, {"scheduler_comm": None}])
    def test_a_wait_that_would_not_end_is_ended(
        self, client: SimpleNamespace, lost: dict[str, object]
    ) -> None:
        def results() -> Iterator[int]:
            yield 1
            vars(client).update(lost)
            threading.Event().wait()

        found = remote_call._watch(results, client)
        assert next(found) == 1
        with pytest.raises(ConnectionError, match="the scheduler is gone"):
            next(found)

    def test_what_joblib_trips_over_afterwards_is_the_loss(self, client: SimpleNamespace) -> None:
        def results() -> Iterator[int]:
            client.status = "connecting"
            raise TypeError("'CancelledError' object is not iterable")
            yield 1

        with pytest.raises(ConnectionError, match="the scheduler is gone"):
            list(remote_call._watch(results, client))

    def test_a_fault_while_it_is_there_is_a_fault(self, client: SimpleNamespace) -> None:
        def results() -> Iterator[int]:
            raise TypeError("ours")
            yield 1

        with pytest.raises(TypeError, match="ours"):
            list(remote_call._watch(results, client))
