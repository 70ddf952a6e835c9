"""What ten folds of a network cost in one training process, besides training.

Each fold's fit is told with its seconds and the process's memory after it: the first one starts
TensorFlow and compiles the network, the later ones should do neither, and leave nothing behind.
"""

from __future__ import annotations

import argparse

import numpy as np

from mien.experiments.candidates import get_candidate
from mien.experiments.folds import make_folds
from mien.experiments.row_data import RowData
from mien.experiments.tune import choose_rows
from mien.models.cnn.isolated import TrainingProcess, fit_predict_isolated
from mien.pipeline.store import FeatureStore


def main() -> None:
    """Print seconds and memory fold by fold, and how much the memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--model", default="cnn-modern")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--folds", type=int, default=10)
    arguments = parser.parse_args()
    data = RowData(FeatureStore.open(arguments.store))
    usable = choose_rows(data, arguments.rows, 0)
    folds = make_folds(
        data.store.rows, scheme=f"stratified:{arguments.folds}", seed=0, usable=usable
    )
    candidate = get_candidate(arguments.model)
    parameters = candidate.parameters({"epochs": arguments.epochs})
    memory = []
    with TrainingProcess() as process:
        for number, fold in enumerate(folds.folds, 1):
            result = fit_predict_isolated(
                candidate.build(parameters, seed=number),
                np.asarray(data.store.pixels[fold.train]),
                data.codes[fold.train],
                [np.asarray(data.store.pixels[fold.test])],
                groups=data.groups(fold.train),
                process=process,
            )
            memory.append(result.rss_mb)
            print(
                f"fold {number}: {result.fit_seconds:.1f} s, {result.rss_mb:.0f} MiB after it, "
                f"at most {result.peak_rss_mb:.0f} MiB so far",
                flush=True,
            )
    print(f"memory after fold {len(memory)} against fold 1: {memory[-1] / memory[0]:.3f} times")


if __name__ == "__main__":
    main()
