import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.models.cnn.isolated import IsolatedError, TrainingProcess, fit_predict_isolated

PICTURES = np.zeros((6, 48, 48), dtype=np.uint8)
LABELS = ["a", "b"] * 3


def run(fakes, ending="well", **options):
    return fit_predict_isolated(
        fakes.FakeClassifier(ending), PICTURES, LABELS, [PICTURES[:2]], groups=[1] * 6, **options
    )


def is_running(process):
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # it ended in between, or a system without /proc
        return not Path("/proc/self").exists()
    return state != "Z"


def test_it_gives_what_a_fit_in_this_process_gives(support):
    pictures, labels = support.make_pictures(60)
    progress = []
    classifier = support.TinyClassifier(epochs=2)

    result = fit_predict_isolated(
        classifier,
        pictures,
        labels,
        [pictures, pictures[:5]],
        threads=2,
        return_estimator=True,
        on_progress=lambda epoch, logs: progress.append((epoch, logs["val_loss"])),
    )
    here = support.TinyClassifier(epochs=2).fit(pictures, labels)

    assert not hasattr(classifier, "classes_")
    assert result.classes.tolist() == ["angry", "happy", "sad"]
    assert [len(array) for array in result.probabilities] == [60, 5]
    assert np.allclose(result.probabilities[0], here.predict_proba(pictures), atol=1e-4)
    assert progress == list(zip([1, 2], result.history["val_loss"], strict=True))
    assert np.array_equal(result.estimator.predict_proba(pictures), result.probabilities[0])
    assert result.validation_rows.tolist() == here.validation_rows_.tolist()
    held_back = result.probabilities[0][result.validation_rows]
    assert np.allclose(result.validation_probabilities, held_back, atol=1e-6)
    assert result.fit_seconds > 0
    assert result.predict_seconds > 0
    assert 100 < result.peak_rss_mb < 100_000


def test_the_child_maps_the_arrays_and_is_another_process(fakes):
    progress = []

    result = run(fakes, return_estimator=True, on_progress=lambda *news: progress.append(news))

    assert result.estimator.fitted_on == ("memmap", (6, 48, 48), LABELS, [1] * 6)
    ((process, logs),) = progress
    assert process != os.getpid()
    assert logs == {"loss": 0.5}
    assert result.history == {}
    assert result.probabilities[0].tolist() == [[0.25, 0.75]] * 2


def test_the_estimator_stays_there_unless_asked_for(fakes):
    assert run(fakes).estimator is None


def test_a_killed_child_is_an_error_that_says_so(fakes):
    with pytest.raises(RuntimeError, match=r"was killed by SIGKILL.*memory"):
        run(fakes, "killed")


def test_a_child_that_vanishes_leaves_its_last_words(fakes):
    with pytest.raises(IsolatedError, match=r"(?s)exit code 0 and without a result.*on fire"):
        run(fakes, "vanished")


def test_a_childs_exception_comes_back_with_its_message_and_place(fakes):
    with pytest.raises(IsolatedError, match=r"(?s)KeyError: 'no such layer'.*cnn_fakes\.py"):
        run(fakes, "key error")


def test_a_childs_user_error_stays_one(fakes):
    with pytest.raises(MienError) as caught:
        run(fakes, "user error")

    assert (caught.value.message, caught.value.hint) == ("Expected a checkpoint.", "Remove it.")


def test_wrong_pictures_are_a_value_error(support):
    with pytest.raises(ValueError, match="got an array of shape"):
        fit_predict_isolated(support.TinyClassifier(), PICTURES[:, :10], LABELS, [])


def test_an_interrupted_parent_ends_the_child(fakes):
    processes = []

    def interrupt(process, _logs):
        processes.append(process)
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(fakes, "asleep", on_progress=interrupt)

    assert not is_running(processes[0])
    assert time.monotonic() - started < 60  # it would sleep for 120


@pytest.mark.parametrize("killed", ["in a job", "between jobs"])
def test_a_killed_parent_ends_the_child_and_leaves_no_files(fakes, tmp_path, killed):
    code = f"""
import sys, time
import numpy as np
sys.path.insert(0, {str(Path(fakes.__file__).parent)!r})
from cnn_fakes import FakeClassifier
from mien.models.cnn.isolated import TrainingProcess, fit_predict_isolated
pictures = np.zeros((2, 48, 48), dtype=np.uint8)
say = lambda process, logs: print(process, flush=True)
with TrainingProcess() as process:
    def run(ending, on_progress):
        fit_predict_isolated(FakeClassifier(ending), pictures, ["a", "b"], [], groups=[1],
                             on_progress=on_progress, process=process)
    if {killed!r} == "in a job":
        run("asleep", say)
    else:
        run("well", None)
        say(process.process_id, None)
        time.sleep(120)
"""
    options = {"stdout": subprocess.PIPE, "env": os.environ | {"TMPDIR": str(tmp_path)}}
    with subprocess.Popen([sys.executable, "-c", code], **options) as parent:
        child = int(parent.stdout.readline())
        assert is_running(child)
        assert list(tmp_path.iterdir())
        parent.kill()

    limit = time.monotonic() + 60  # it would sleep for 120
    while is_running(child) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not is_running(child)
    assert not list(tmp_path.iterdir())


def test_the_checkpoint_is_passed_on_as_a_full_path(fakes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run(fakes, checkpoint="fold.npz", return_estimator=True)

    assert result.estimator.checkpoint == tmp_path / "fold.npz"


def test_no_pictures_to_predict_give_no_rows(fakes):
    result = fit_predict_isolated(
        fakes.FakeClassifier(), PICTURES, LABELS, [PICTURES[:0]], groups=[1] * 6
    )

    assert result.probabilities[0].shape == (0, 2)


@pytest.fixture
def process(tmp_path, monkeypatch):
    """A training process whose files lie in ``tmp_path``."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with TrainingProcess() as process:
        yield process


def find_files(tmp_path):
    """Names of what the process's folder holds."""
    return [path.name for path in tmp_path.glob("mien-scratch-*/*")]


def test_one_process_does_all_jobs_and_leaves_nothing(fakes, process, tmp_path):
    assert process.process_id is None
    told = []
    for _ in range(3):
        run(fakes, process=process, on_progress=lambda child, _: told.append(child))
    child = process.process_id
    assert told == [child] * 3
    assert find_files(tmp_path) == ["stderr.txt"]
    process.close()
    assert not is_running(child)
    assert process.process_id is None
    assert not list(tmp_path.iterdir())


def test_a_users_error_leaves_the_process_for_the_next_job(fakes, support, process, tmp_path):
    run(fakes, process=process)
    child = process.process_id
    with pytest.raises(MienError):
        run(fakes, "user error", process=process)
    wrong = support.TinyClassifier()
    with pytest.raises(ValueError, match="got an array of shape"):
        fit_predict_isolated(wrong, PICTURES[:, :10], LABELS, [], process=process)
    run(fakes, process=process)
    assert process.process_id == child
    assert find_files(tmp_path) == ["stderr.txt"]


@pytest.mark.parametrize("ending", ["killed", "vanished", "key error"])
def test_after_a_death_or_an_unknown_failure_the_next_job_has_another_process(
    fakes, process, tmp_path, ending
):
    run(fakes, process=process)
    child = process.process_id
    with pytest.raises(IsolatedError) as caught:
        run(fakes, ending, process=process)
    assert "a library prints this" not in str(caught.value).partition("to standard output")[2]
    assert not is_running(child)
    assert not list(tmp_path.iterdir())
    assert run(fakes, process=process).probabilities[0].tolist() == [[0.25, 0.75]] * 2
    assert process.process_id not in (None, child)


def test_a_process_killed_between_jobs_is_replaced(fakes, process, tmp_path):
    run(fakes, process=process)
    child = process.process_id
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert run(fakes, process=process).probabilities[0].tolist() == [[0.25, 0.75]] * 2
    assert process.process_id != child
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_job_ends_the_process_and_the_next_starts_another(
    fakes, process, tmp_path, error
):
    def interrupt(_process, _logs):
        raise error

    run(fakes, process=process)
    child = process.process_id
    with pytest.raises(error):
        run(fakes, "asleep", process=process, on_progress=interrupt)
    assert not is_running(child)
    assert not list(tmp_path.iterdir())
    run(fakes, process=process)
    assert process.process_id != child


def test_what_a_network_tells_of_its_training_comes_back(fakes):
    steps = []
    result = fit_predict_isolated(
        fakes.FakeNetwork(), PICTURES, LABELS, [], groups=[1] * 6,
        on_step=lambda share, logs: steps.append((share, logs)),
    )  # fmt: skip
    assert steps == [(0.125, {"loss": 0.75, "seconds_left": 700.0})]
    assert result.history == {"loss": [0.5]}
    assert result.training == {"epochs": 1, "stopped": "epochs"}
    assert result.validation_rows.tolist() == [4, 1]
    assert result.validation_probabilities.tolist() == [[0.5, 0.5], [0.25, 0.75]]


def test_a_classifier_that_tells_nothing_of_its_training(fakes):
    result = run(fakes, on_step=lambda *_: pytest.fail("its fit takes no on_step"))
    assert result.training == {}
    assert result.validation_rows.shape == (0,)
    assert result.validation_probabilities.shape == (0, 0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is not told here")
def test_memory_comes_back_after_each_job(fakes, process):
    def fit(name):
        glutton = getattr(fakes, name)()
        return fit_predict_isolated(glutton, PICTURES, LABELS, [], groups=[1] * 6, process=process)

    before = fit("FakeClassifier")
    first, *_, last = [fit("FakeGlutton") for _ in range(4)]
    assert first.peak_rss_mb - before.peak_rss_mb > 190
    assert first.rss_mb - before.rss_mb < 50
    assert abs(last.rss_mb - first.rss_mb) < 20


def test_a_given_process_keeps_its_threads(fakes):
    with TrainingProcess(threads=2) as process, pytest.raises(ValueError, match="threads=2, got"):
        run(fakes, process=process, threads=1)
