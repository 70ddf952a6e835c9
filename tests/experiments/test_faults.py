"""The trial of faults: what it counts, and a few real kills."""

import pytest

from mien.experiments.benchmarks import fault_kills, faults
from mien.experiments.benchmarks.fault_disks import DiskTally
from mien.experiments.benchmarks.fault_jobs import Compare, Export, Extract, Job, Tune, strip
from mien.experiments.benchmarks.fault_kills import Tally, kill_at_random
from mien.experiments.benchmarks.fault_processes import Command, Ended


class Writer(Job):
    """A job that does not care for its own work, as fault may have it."""

    name = "writer"

    def words(self, place):
        return ["--version", str(place)]

    def read(self, place):
        return (place / "done").read_text()

    def list_done(self, place):
        return {path.name: path.read_text() for path in place.glob("piece*")}


@pytest.fixture
def commands(monkeypatch):
    """Commands that end at once or are killed, and do what a test gives."""
    deeds = []

    class Fake:
        pid = 1 << 30

        def __init__(self, words, place):
            assert words == ["--version", str(place)]
            place.mkdir(parents=True, exist_ok=True)
            self.deed = deeds.pop(0)
            self.place = place

        def kill_after(self, seconds):
            assert seconds >= 0
            return self.deed(self.place) == "killed"

        def finish(self):
            return self.deed(self.place) or Ended(0, "", "")

    monkeypatch.setattr(fault_kills, "Command", Fake)
    monkeypatch.setattr(fault_kills, "run_apart", lambda function, *given: function(*given))
    return deeds


def write(**files):
    def deed(place):
        for name, text in files.items():
            (place / name.replace("_", ".")).write_text(text)
        return

    return deed


def kill(**files):
    return lambda place: write(**files)(place) or "killed"


def test_a_job_that_goes_on_is_harmless(commands, tmp_path):
    commands += [write(done="1"), kill(piece1="a"), kill(piece2="b"), write(piece3="c", done="1")]
    told = []
    tally = kill_at_random(
        Writer(tmp_path), tmp_path / "x", moments=2, in_a_row=2, tell=told.append
    )
    assert tally == Tally("writer", killed=2, pieces=2)
    assert tally.harmless
    assert len(told) == 3


@pytest.mark.parametrize(
    ("second", "last", "counted"),
    [
        (kill(piece1="again"), write(done="1"), {"again": 1}),
        (kill(), write(piece1="again", done="1"), {"again": 1}),
        (lambda place: (place / "piece1").unlink() or "killed", write(done="1"), {"lost": 1}),
        (kill(), write(done="2"), {"differing": 1}),
        (kill(), write(done="1", half_part="h"), {"left": 1}),
        (kill(), lambda _: Ended(1, "", "Traceback"), {"failed": 1}),
        (write(), write(done="1"), {"ended": 1}),
    ],
)
def test_every_harm_is_counted(commands, tmp_path, second, last, counted):
    commands += [write(done="1"), kill(piece1="a"), second, last]
    tally = kill_at_random(Writer(tmp_path), tmp_path / "x", moments=2, in_a_row=2, tell=str)
    harms = ("again", "lost", "differing", "left", "failed", "ended")
    assert {name: getattr(tally, name) for name in harms if getattr(tally, name)} == counted
    assert tally.harmless == ("ended" in counted)


def test_a_command_that_fails_undisturbed_is_no_trial(commands, tmp_path):
    commands.append(lambda _: Ended(2, "", "Error: no"))
    with pytest.raises(RuntimeError, match="writer failed undisturbed"):
        kill_at_random(Writer(tmp_path), tmp_path / "x", moments=1)


def test_parts_of_a_finished_store_are_neither_lost_nor_done_again(tmp_path):
    job = Extract(tmp_path)
    assert job.count_again({"000000.npz": 1}, {"manifest.json": 0}) == (0, 0)
    assert job.count_again({"000000.npz": 1}, {"000001.npz": 1}) == (1, 0)
    assert job.count_again({"000000.npz": 1}, {"000000.npz": 2}) == (0, 1)


def test_results_are_compared_without_times():
    one = {"created": 1, "models": [{"fit_seconds": 2, "accuracy": 0.5, "timing": {}}]}
    assert strip(one) == {"models": [{"accuracy": 0.5}]}


def test_a_failure_that_is_said_is_told_from_others():
    assert Ended(2, "", "Error: no room").told
    assert not Ended(1, "", "Error: no room").told
    assert not Ended(2, "", "Error:\nTraceback (most recent call last)").told
    assert DiskTally("tune", tried=2, told=1, fitted=1).harmless
    assert not DiskTally("tune", tried=2, told=1).harmless


def test_tables_are_markdown():
    text = faults.make_table(("a", "b"), [(1, True), ("x", False)])
    assert text == "| a | b |\n|---|---|\n| 1 | yes |\n| x | NO |"
    row = faults.tabulate_kills([Tally("tune", killed=30, pieces=4)]).splitlines()[-1]
    assert row == "| `mien tune` | 30 | 4 | 0 | 0 | 0 | 0 | 0 | 0 |"


def test_a_command_runs_in_a_process_of_its_own(tmp_path):
    ended = Command(["info", str(tmp_path / "nothing")], tmp_path / "place").finish()
    assert (ended.code, ended.out, ended.told) == (2, "", True)
    assert ended.err.startswith("Error: There is no feature store at")


def test_a_study_outlives_kills(store, tmp_path):
    tally = kill_at_random(Tune(store.path), tmp_path / "kills", moments=2, in_a_row=2, tell=str)
    assert tally.harmless, tally


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Compare, Export])
def test_comparisons_and_exports_outlive_kills(store, tmp_path, kind):
    tally = kill_at_random(kind(store.path), tmp_path / "kills", moments=6, tell=str)
    assert tally.harmless, tally


@pytest.mark.slow
def test_an_extraction_outlives_all_faults(tmp_path):
    trial = faults.Faults(tmp_path, people=6, in_a_row=3, seed=1)
    tables, harmless = trial.run(["kills", "disks", "damage"], ["extract"], 6)
    assert harmless, tables


@pytest.mark.slow
def test_two_at_once_do_no_harm(tmp_path):
    tables, harmless = faults.Faults(tmp_path, people=6, in_a_row=3, seed=1).run(["pairs"], [], 0)
    assert harmless, tables
