"""What a comparison is asked to do, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """Where a comparison stands.

    Attributes
    ----------
    model : str
    fold : str
    done, total : int
        Fits finished and fits in all.
    note : str
        What is being done: an epoch's loss, a trial.
    """

    model: str
    fold: str
    done: int
    total: int
    note: str = ""


@dataclass(frozen=True)
class ComparisonOptions:
    """What a comparison is asked to do.

    Attributes
    ----------
    models : tuple of str
    scheme : str or None
        The dataset's default when None.
    repeats, seed : int
    parameters : mapping of str to mapping
        Parameters by model; missing ones keep their default. A fusion's parts take those of their
        own name, whether they are compared themselves or not.
    nested : bool
        Tune the SVMs anew inside each fold's training rows.
    nested_trials : int
    limit : int or None
        Compare on so many rows, with the shares of splits and classes kept.
    memory : int or None
        Bytes that may be used; a kernel matrix that does not fit is approximated, and the report
        says so.
    command : str
        The command line, for the report.
    tuned_on : mapping of str to str, optional
        By model, the hash of the dataset that its parameters were chosen on.
    attempts : int
        Fit every network so many times on each fold, with the seeds ``seed``, ``seed + 1`` ... The
        predictions are the first one's; the scores of all are in the results.
    calibrate : bool
        Give the SVMs' probabilities, too: one more fit a fold, on two thirds of its training rows.
    on_leak : {"group", "warn", "fail"}
        What is done about twins and sequences on both sides of a fold; see
        :func:`mien.experiments.leaks.check_folds`.
    """

    models: tuple[str, ...]
    scheme: str | None = None
    repeats: int = 1
    seed: int = 0
    parameters: Mapping[str, Mapping[str, Any]] | None = None
    nested: bool = False
    nested_trials: int = 20
    limit: int | None = None
    memory: int | None = None
    command: str = ""
    tuned_on: Mapping[str, str] | None = None
    attempts: int = 1
    calibrate: bool = True
    on_leak: str = "group"
