"""How far a training is, of its epochs or of its time, and the step size there."""

from __future__ import annotations

import math


def learning_rate_at(share: float, *, largest: float, schedule: str, warmup: float) -> float:
    """Return the step size of a schedule.

    Parameters
    ----------
    share : float
        Of the training that is done, 0 to 1.
    largest : float
        The largest step size.
    schedule : {"constant", "cosine"}
    warmup : float
        Share of the training over which the step size rises in a straight line.

    Returns
    -------
    float
    """
    if share < warmup:
        return largest * share / warmup
    if schedule == "constant":
        return largest
    rest = (min(share, 1.0) - warmup) / (1 - warmup)
    return largest * (1 + math.cos(math.pi * rest)) / 2


def share_done(*, steps: int, all_steps: int, seconds: float, budget: float) -> float:
    """Return how much of a training is done: of its steps, or of its time if that is more.

    Parameters
    ----------
    steps, all_steps : int
    seconds : float
        Since the start, without pauses.
    budget : float
        Seconds; 0 is no limit.

    Returns
    -------
    float
        0 to 1.
    """
    by_time = seconds / budget if budget else 0.0
    return min(1.0, max(steps / all_steps, by_time))


def seconds_left(share: float, seconds: float) -> float:
    """Return the seconds that the rest will take at the pace so far; NaN at the start."""
    return seconds * (1 - share) / share if share > 0 else math.nan
