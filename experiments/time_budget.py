"""One time budget for the training of every network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mien.errors import MienError
from mien.experiments.candidates import CANDIDATE_NAMES, get_candidate
from mien.experiments.durations import parse_duration

_KEY = "time_budget"


def set_time_budget(
    parameters: Mapping[str, Mapping[str, Any]],
    budget: str | None,
    *,
    models: Sequence[str],
    assigned: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return parameters in which each network's training may take so long.

    Parameters
    ----------
    parameters : mapping of str to mapping
        By model.
    budget : str or None
        As ``--time-budget`` takes it: ``45m``. With None the parameters stay as they are.
    models : sequence of str
        What is fitted; a fusion's network counts.
    assigned : mapping of str to mapping
        Single parameters of the command line, by model.

    Raises
    ------
    MienError
        If it is no duration, no network is fitted, or a network has a budget of its own.
    """
    timed = {name: dict(own) for name, own in parameters.items()}
    if budget is None:
        return timed
    seconds = parse_duration(budget)
    fitted = (name for m in models for name in (m, *get_candidate(m).part_names(parameters)))
    networks = [name for name in dict.fromkeys(fitted) if get_candidate(name).kind == "cnn"]
    if not networks:
        known = [name for name in CANDIDATE_NAMES if get_candidate(name).kind == "cnn"]
        raise MienError(
            f"--time-budget is for networks, and {', '.join(models) or 'nothing'} is none.",
            f"Leave it out, or fit a network: {', '.join(known)}.",
        )
    if own := [name for name in networks if _KEY in assigned.get(name, {})]:
        raise MienError(
            f"The time budget of {', '.join(own)} is given by --time-budget and by --set.",
            "Leave one of them out.",
        )
    return timed | {name: {**timed.get(name, {}), _KEY: seconds} for name in networks}
