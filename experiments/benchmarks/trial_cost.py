"""What a trial costs beyond scoring, on each storage named, at a study's start and later."""

from __future__ import annotations

import sys
import uuid
from time import perf_counter

import optuna

from mien.experiments.candidates import get_candidate
from mien.experiments.search_space import suggest_svm
from mien.experiments.storages import mask_url, open_storage
from mien.experiments.studies import SAMPLERS, make_sampler

FOLDS = 5
PARTS = ((0, 100), (400, 500))
_CHOICES = ["geometry", "blendshapes", "geometry+blendshapes"]


def main() -> None:
    """Time trials that score nothing on each URL of the command line; ``memory`` is none."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for url in sys.argv[1:]:
        for sampler in SAMPLERS[:2]:
            costs = measure_cost(None if url == "memory" else url, sampler)
            told = ", ".join(
                f"trials {first + 1} to {last}: {cost:.1f} ms"
                for (first, last), cost in zip(PARTS, costs, strict=True)
            )
            print(f"{mask_url(url)}, {sampler}: {told}", flush=True)


def measure_cost(url: str | None, sampler: str) -> list[float]:
    """Return milliseconds a trial in each of :data:`PARTS`, in a study that is deleted then."""
    name, ends = f"cost-{uuid.uuid4().hex}", [perf_counter()]
    with open_storage(url) as storage:
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            sampler=make_sampler(sampler, seed=0, grid={}),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_min_trials=5),
            direction="maximize",
        )
        study.optimize(
            _report_only, n_trials=PARTS[-1][1], callbacks=[lambda *_: ends.append(perf_counter())]
        )
        if storage:
            optuna.delete_study(study_name=name, storage=storage)
    return [1000 * (ends[last] - ends[first]) / (last - first) for first, last in PARTS]


def _report_only(trial: optuna.Trial) -> float:
    """Draw, store and report what a trial of ``mien tune`` does, without a score to compute."""
    parameters = suggest_svm(trial, get_candidate("svm-rbf"), _CHOICES, [0, 32])
    trial.set_user_attr("parameters", parameters)
    value = parameters["C"] / 1e3
    for step in range(FOLDS):
        trial.report(value, step)
        if step + 1 < FOLDS and trial.should_prune():
            raise optuna.TrialPruned
    return value


if __name__ == "__main__":
    main()
