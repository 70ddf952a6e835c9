"""Tuning against what one would write: scikit-learn's GridSearchCV over a scaler and an SVC.

The same rows, folds and trials in one run: every pair of C and gamma, five stratified folds,
z-scored features. Each is timed from reading the store to the best trial. Both fit libsvm's SVC
of the same kernel: gamma is in Mien's unit, one over the mean squared distance between rows, and
translated for scikit-learn. Mien adds up bounded pairwise values where scikit-learn counts votes,
so accuracies differ a little.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from time import perf_counter
from typing import Any

import numpy as np

from mien.experiments.candidates import get_candidate
from mien.experiments.folds import Folds
from mien.experiments.row_data import RowData
from mien.experiments.svm_scorer import SvmScorer
from mien.experiments.tune import choose_rows, make_tuning_folds
from mien.pipeline.store import FeatureStore

FAMILY = "patch_hog"
PENALTIES = (1.0, 10.0)
GAMMAS = (0.5, 1.0, 2.0)


def main() -> None:
    """Print seconds and best accuracy of each, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", help="a store with patch_hog")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3, help="of ours; the median counts")
    parser.add_argument(
        "--baselines", default="scikit-learn", help="scikit-learn, intelex (if it is installed)"
    )
    parser.add_argument("--jobs", type=int, default=None, help="GridSearchCV's n_jobs")
    arguments = parser.parse_args()
    data = RowData(FeatureStore.open(arguments.store))
    rows = choose_rows(data, arguments.rows, 0)
    folds = make_tuning_folds(data, scheme="stratified:5", rows=rows)
    trials = list(product(PENALTIES, GAMMAS))
    print(f"{int(rows.sum()):,} rows, {len(trials)} trials, {len(folds.folds)} folds, {FAMILY}")
    ours = [time_ours(data, folds, trials) for _ in range(arguments.repeats)]
    seconds = float(np.median([own[0] for own in ours]))
    _tell("Mien", seconds, ours[0][1])
    for name in arguments.baselines.split(","):
        if name == "intelex":
            _patch_svm()
        theirs = time_grid_search(data, folds, trials, jobs=arguments.jobs)
        _tell(f"GridSearchCV over StandardScaler and SVC ({name})", *theirs)
        print(f"Mien is {theirs[0] / seconds:.1f} times as fast", flush=True)


def _tell(name: str, seconds: float, scores: np.ndarray) -> None:
    print(f"{name}: {seconds:.1f} s, best accuracy {scores.max():.4f}", flush=True)


def _patch_svm() -> None:
    """Let scikit-learn-intelex replace the SVC that is imported from now on."""
    from sklearnex import patch_sklearn

    patch_sklearn(["sklearn.svm.SVC"], verbose=False)


def time_ours(
    data: RowData, folds: Folds, trials: Sequence[tuple[float, float]]
) -> tuple[float, np.ndarray]:
    """Score all trials as ``mien tune`` does; return seconds and each trial's mean accuracy."""
    started = perf_counter()
    candidate = get_candidate("svm-rbf")
    scorer = SvmScorer(candidate, data, folds, seed=0)
    given = {"families": FAMILY, "scaler": "zscore"}
    scores = [
        np.mean(
            [
                scorer.score(fold, candidate.parameters({**given, "C": penalty, "gamma": gamma}))
                for fold in folds.folds
            ]
        )
        for penalty, gamma in trials
    ]
    return perf_counter() - started, np.array(scores)


def time_grid_search(
    data: RowData, folds: Folds, trials: Sequence[tuple[float, float]], *, jobs: int | None = None
) -> tuple[float, np.ndarray]:
    """Search the same trials with GridSearchCV; return seconds and each trial's mean accuracy."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    started = perf_counter()
    rows = np.unique(np.concatenate([fold.test for fold in folds.folds]))
    features, codes = data.store.view((FAMILY,), rows), data.codes[rows]
    splits = [
        (np.searchsorted(rows, fold.train), np.searchsorted(rows, fold.test))
        for fold in folds.folds
    ]
    # z-scored columns have variance 1: the mean squared distance is twice their number
    unit = 1 / (2 * features.shape[1])
    grid: list[dict[str, Any]] = [
        {"svc__C": [penalty], "svc__gamma": [gamma * unit]} for penalty, gamma in trials
    ]
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC()), grid, cv=splits, refit=False, n_jobs=jobs
    )
    search.fit(features, codes)
    return perf_counter() - started, np.asarray(search.cv_results_["mean_test_score"])


if __name__ == "__main__":
    main()
