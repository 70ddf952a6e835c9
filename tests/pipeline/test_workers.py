from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import joblib
import pytest
from joblib._parallel_backends import LokyBackend

from mien.errors import MienError
from mien.pipeline.workers import run_in_workers


def is_gone(process: int) -> bool:
    for _ in range(600):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_done_once_beside_this_process(workers: int) -> None:
    def work(task: int) -> tuple[int, int, str]:
        return task * task, os.getpid(), os.environ["OMP_NUM_THREADS"]

    results = list(run_in_workers(work, range(9), workers=workers))
    assert sorted(square for square, _, _ in results) == [i * i for i in range(9)]
    processes = {process for _, process, _ in results}
    assert os.getpid() not in processes
    assert len(processes) <= workers
    assert {threads for _, _, threads in results} == {"1"}
    assert all(is_gone(process) for process in processes)


def test_tasks_are_taken_when_they_are_needed() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for i in range(50):
            taken.append(i)
            yield i

    results = run_in_workers(lambda task: task, tasks(), workers=1)
    next(results)
    assert len(taken) <= 4
    results.close()
    assert len(taken) <= 4


def test_no_tasks() -> None:
    assert list(run_in_workers(str, [], workers=2)) == []


def test_a_tasks_exception_arrives() -> None:
    def work(task: int) -> int:
        if task == 1:
            raise MienError("The disk is full.", "Make room.")
        return task

    with pytest.raises(MienError, match=r"The disk is full\. Make room\."):
        list(run_in_workers(work, range(3), workers=1))


def test_a_killed_worker_is_an_error_that_says_what_to_do() -> None:
    def work(task: int) -> int:
        if task == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return task

    with pytest.raises(MienError, match="Run the same command again") as caught:
        list(run_in_workers(work, range(3), workers=1))
    assert "killed" in caught.value.message


def test_workers_leave_interrupts_to_the_parent() -> None:
    def work(_: int) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return True

    assert list(run_in_workers(work, [0], workers=1)) == [True]


def test_a_clusters_backend_gets_the_tasks() -> None:
    class Cluster(LokyBackend):
        """Stands for Dask or Ray."""

    joblib.register_parallel_backend("cluster", Cluster)
    with joblib.parallel_config(backend="cluster", n_jobs=2):
        assert sorted(run_in_workers(abs, [-1, -2, -3], workers=1)) == [1, 2, 3]
