import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.models.cnn.isolated import IsolatedError, fit_predict_isolated

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


def test_a_killed_parent_ends_the_child_and_leaves_no_files(fakes, tmp_path):
    code = f"""
import sys
import numpy as np
sys.path.insert(0, {str(Path(fakes.__file__).parent)!r})
from cnn_fakes import FakeClassifier
from mien.models.cnn.isolated import fit_predict_isolated
pictures = np.zeros((2, 48, 48), dtype=np.uint8)
say = lambda process, logs: print(process, flush=True)
sleeper = FakeClassifier("asleep")
fit_predict_isolated(sleeper, pictures, ["a", "b"], [], groups=[1], on_progress=say)
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
