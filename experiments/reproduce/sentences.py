"""One sentence a result: what the honest protocol changes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.experiments.report.numbers import count_noun, format_percent, join_names
from mien.experiments.reproduce.claims import Claim

Figure = Mapping[str, Any]


def tell_difference(claim: Claim, thesis: Figure | None, honest: Figure | None) -> str:
    """Say how the two protocols differ, what the thesis's lets through, and where the claim lies.

    Parameters
    ----------
    claim : Claim
    thesis, honest : mapping or None
        Figures of :func:`mien.experiments.reproduce.figures.read_figure`; None where a protocol
        cannot be had.
    """
    if thesis is None or honest is None:
        known = thesis or honest
        if known is None:
            return "Neither protocol can be had on this dataset."
        missing = "honest" if honest is None else "thesis's"
        return (
            f"{format_percent(known['accuracy'])} is {claim.compare(known['accuracy'])}, but the "
            f"{missing} protocol cannot be had on this dataset."
        )
    points = 100 * (honest["accuracy"] - thesis["accuracy"])
    changed = (
        f"{abs(points):.1f} points {'less' if points < 0 else 'more'} under the honest protocol"
        if abs(points) >= 0.05
        else "The same under the honest protocol"
    )
    link = ":" if points <= -0.05 else ", although"
    beside = claim.compare(thesis["accuracy"])
    return (
        f"{changed}{link} the thesis's {_tell_shared(thesis)}; under its own protocol our figure "
        f"is {beside}."
    )


def _tell_shared(thesis: Figure) -> str:
    """Name what is on both sides of a fold."""
    shared = thesis["on_both_sides"]
    copies = max(shared["twins"] or 0, shared["near_twins"] or 0)
    parts = []
    if shared["subjects"]:
        parts.append(count_noun(shared["subjects"], "person"))
    if shared["sequences"]:
        parts.append(f"frames of {count_noun(shared['sequences'], 'sequence')}")
    if parts:
        return f"fits on {join_names(parts)} and predicts them in the same fold"
    if copies:
        return f"fits on exact or near copies of {count_noun(copies, 'test picture')}"
    return "shares no person, sequence or copy here that is known"
