"""What a study's trials tell: the best one, how it was found, what mattered, what it cost."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mien.errors import MienError
from mien.experiments.candidates import CANDIDATE_NAMES, get_candidate

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running_or_abandoned",
    TrialState.WAITING: "waiting",
}
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def list_studies(storage: BaseStorage) -> list[dict[str, Any]]:
    """Return name, model, counts of trials, best value and first start of each study."""
    return [
        {
            "study": study.study_name,
            "model": _find_model(study.study_name),
            "trials": _count_states(study.get_trials(deepcopy=False)),
            "best": _best_value(study),
            "started": _told_time(study.get_trials(deepcopy=False)),
        }
        for study in (
            optuna.load_study(study_name=name, storage=storage)
            for name in sorted(optuna.get_all_study_names(storage))
        )
    ]


def load_study(storage: BaseStorage, name: str | None, *, shown: str) -> optuna.Study:
    """Load a study by its name, or the only one that there is.

    Parameters
    ----------
    storage : BaseStorage
    name : str or None
    shown : str
        The storage, as messages may name it.

    Raises
    ------
    MienError
        If there is no such study, several and none is named, or it has several objectives.
    """
    names = sorted(optuna.get_all_study_names(storage))
    if not names:
        raise MienError(f"{shown} holds no studies.", "mien tune makes them.")
    if name is None and len(names) > 1:
        raise MienError(
            f"{shown} holds {len(names)} studies: {', '.join(names)}.", "Name one with --study."
        )
    if name is not None and name not in names:
        raise MienError(f"{shown} holds no study {name!r}.", f"It has: {', '.join(names)}.")
    study = optuna.load_study(study_name=name or names[0], storage=storage)
    if len(study.directions) > 1:
        raise MienError(
            f"The study {study.study_name} has {len(study.directions)} objectives, not one.",
            "It was not made by mien tune: look at it with the program that made it.",
        )
    return study


def summarise_study(study: optuna.Study) -> dict[str, Any]:
    """Return a study as ``mien study show --json`` prints it.

    Parameters
    ----------
    study : optuna.Study
        With one objective; perhaps without a single finished trial.

    Returns
    -------
    dict
        ``best`` is None and ``improvements`` and ``importances`` are empty where no trial is
        complete. Trials that are running, or were when their process was killed, count for
        nothing else. ``reasons`` counts the trials that were cut short for another reason than
        their score, as a training that diverged.
    """
    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    model = _find_model(study.study_name)
    return {
        "study": study.study_name,
        "model": model,
        "direction": study.direction.name.lower(),
        "trials": _count_states(trials),
        "best": _describe_best(study) if complete else None,
        "improvements": _find_improvements(complete, study.direction),
        "importances": compute_importances(study),
        "time": _measure_time(trials),
        "pruning": _count_saved_steps(trials, name_steps(model)),
        "reasons": count_reasons(trials),
    }


def name_steps(model: str | None) -> str:
    """Return what a trial reports a value after: ``epochs`` of a network, else ``folds``."""
    return "epochs" if model and get_candidate(model).kind == "cnn" else "folds"


def count_reasons(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """Count pruned trials by the reason that was kept with them, where it was not their score."""
    pruned = (trial for trial in trials if trial.state == TrialState.PRUNED)
    return dict(Counter(t.user_attrs["reason"] for t in pruned if "reason" in t.user_attrs))


def _find_model(study_name: str) -> str | None:
    """Return the model that ``mien tune`` named a study by; None for another program's."""
    found = re.fullmatch(r"(.+)-[0-9a-f]{12}", study_name)
    return found[1] if found and found[1] in CANDIDATE_NAMES else None


def _count_states(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    counts = Counter(trial.state for trial in trials)
    return {name: counts[state] for state, name in STATES.items()}


def _best_value(study: optuna.Study) -> float | None:
    complete = any(t.state == TrialState.COMPLETE for t in study.get_trials(deepcopy=False))
    return study.best_value if complete and len(study.directions) == 1 else None


def _told_time(trials: Sequence[FrozenTrial]) -> str | None:
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    return min(starts).isoformat(timespec="seconds") if starts else None


def _describe_best(study: optuna.Study) -> dict[str, Any]:
    best = study.best_trial
    return {
        "trial": best.number,
        "value": best.value,
        "parameters": best.user_attrs.get("parameters", best.params),
    }


def _find_improvements(
    complete: Sequence[FrozenTrial], direction: StudyDirection
) -> list[dict[str, Any]]:
    """Return the trials that were better than all with a lower number."""
    sign = 1 if direction == StudyDirection.MAXIMIZE else -1
    found: list[dict[str, Any]] = []
    for trial in complete:
        (value,) = trial.values
        if not found or sign * value > sign * found[-1]["value"]:
            found.append({"trial": trial.number, "value": value, "parameters": trial.params})
    return found


def compute_importances(study: optuna.Study) -> dict[str, float]:
    """Return each parameter's share in a trial's being among the best tenth (PED-ANOVA).

    Shares sum to 1, the largest comes first; none from fewer than two complete trials, or where
    all are equally good.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(study)
    return {name: float(share) for name, share in found.items()}


def _measure_time(trials: Sequence[FrozenTrial]) -> dict[str, float | None]:
    """Return seconds spent in finished trials, and from the first start to the last end."""
    finished = [trial for trial in trials if trial.state in _FINISHED]
    if not finished:
        return {"trials_seconds": 0.0, "elapsed_seconds": None}
    starts = [trial.datetime_start for trial in finished if trial.datetime_start]
    ends = [trial.datetime_complete for trial in finished if trial.datetime_complete]
    spent = sum(trial.duration.total_seconds() for trial in finished if trial.duration)
    return {
        "trials_seconds": spent,
        "elapsed_seconds": (max(ends) - min(starts)).total_seconds() if starts and ends else None,
    }


def _count_saved_steps(trials: Sequence[FrozenTrial], unit: str) -> dict[str, Any]:
    """Count the steps that pruned trials were spared, of all that finished trials would have.

    A pruned training might have stopped early by itself: of epochs, this is the most it saved.
    """
    steps = max((len(trial.intermediate_values) for trial in trials), default=0)
    finished = [trial for trial in trials if trial.state in _FINISHED]
    pruned = [trial for trial in finished if trial.state == TrialState.PRUNED]
    saved = sum(steps - len(trial.intermediate_values) for trial in pruned)
    everything = saved + sum(len(trial.intermediate_values) for trial in finished)
    return {
        f"saved_{unit}": saved,
        f"all_{unit}": everything,
        "saved_share": saved / everything if everything else 0.0,
    }
