"""What changed between two comparisons, and whether it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mien.experiments.report.headline import read_accuracy
from mien.experiments.report.intervals import add_interval, read_interval
from mien.experiments.report.numbers import format_value
from mien.experiments.statistics import ALPHA, adjust_holm, compare_models, describe_chance

Results = Mapping[str, Any]

_DATASET = ("name", "hash", "rows", "classes")
_PROTOCOL = (
    "scheme", "repeats", "seed", "nested", "folds", "grouped_by", "on_leak", "honest",
    "folds_digest",
)  # fmt: skip
_ALIKE = (
    " Pictures of one person are alike and persons are not known here, so this test finds "
    "differences too easily."
)


def diff_results(
    before: Results, after: Results, *, persons: Sequence[str] | None = None
) -> dict[str, Any]:
    """Say what changed between two comparisons.

    Parameters
    ----------
    before, after : mapping
        Of the results schema.
    persons : sequence of str, optional
        The person of every row of the dataset, where both are of the same one.

    Returns
    -------
    dict
        ``changes``: list of ``part``, ``name``, ``before``, ``after`` (as text; None where one
        side lacks it). ``models``: of each model of both, ``name``, ``title``, ``before`` and
        ``after`` (accuracy, or None for a failure), ``difference`` (after less before),
        ``paired``, ``p_adjusted`` (None unless paired), ``significant`` (None where nothing can
        be said), ``worse`` and a ``sentence``. ``only_before``, ``only_after``: names of models.

    Notes
    -----
    Where both predicted the same rows of the same dataset, they are compared as two models of one
    comparison are (:func:`~mien.experiments.statistics.compare_models`), over persons where they
    are known or else whole folds of persons, with Holm's adjustment over the models. Else intervals
    that do not overlap count as a difference, which is more cautious than a test.
    """
    shared = [name for name in before["models"] if name in after["models"]]
    told = [_compare_model(name, before, after, persons) for name in shared]
    paired = [model for model in told if model["paired"]]
    adjusted = adjust_holm([model["p_adjusted"] for model in paired]).tolist()
    for model, p_value in zip(paired, adjusted, strict=True):
        model["p_adjusted"], model["significant"] = p_value, p_value <= ALPHA
    for model in told:
        model["sentence"] = _tell(model, before, after)
        model["worse"] = _is_worse(model)
        del model["test"], model["why"]
    return {
        "changes": list(_find_changes(before, after)),
        "models": told,
        "only_before": [name for name in before["models"] if name not in after["models"]],
        "only_after": [name for name in after["models"] if name not in before["models"]],
    }


def _find_changes(before: Results, after: Results) -> Iterator[dict[str, Any]]:
    for part, keys in (("dataset", _DATASET), ("protocol", _PROTOCOL)):
        yield from _find_part_changes(part, before[part], after[part], keys)
    for name, model in before["models"].items():
        other = after["models"].get(name)
        if other:
            own, new = (m.get("parameters") or {} for m in (model, other))
            yield from _find_part_changes(name, own, new, list({**own, **new}))
    own, new = before["environment"], after["environment"]
    yield from _find_part_changes("environment", own, new, list({**own, **new}))


def _find_part_changes(
    part: str, before: Results, after: Results, keys: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for key in keys:
        if before.get(key) != after.get(key):
            sides = {
                side: format_value(values[key]) if key in values else None
                for side, values in (("before", before), ("after", after))
            }
            yield {"part": part, "name": key, **sides}


def _compare_model(
    name: str, before: Results, after: Results, persons: Sequence[str] | None
) -> dict[str, Any]:
    """Compare a model of both; its p-value is not adjusted yet."""
    own, new = before["models"][name], after["models"][name]
    sides = [read_accuracy(m) if m["status"] == "ok" else None for m in (own, new)]
    told = {
        "name": name, "title": new["title"], "before": sides[0], "after": sides[1],
        "difference": None, "paired": False, "p_adjusted": None, "significant": None,
        "test": "", "why": "",
    }  # fmt: skip
    if sides[0] is None or sides[1] is None:
        return told
    told["difference"] = sides[1] - sides[0]
    if any(before["dataset"][key] != after["dataset"][key] for key in ("hash", "classes")):
        return {**told, "why": "the datasets differ", "significant": _compare_intervals(own, new)}
    groups, unit, caveat = _choose_groups(name, before, after, persons)
    try:
        [pair] = compare_models({"after": new, "before": own}, groups=groups, unit=unit)
    except ValueError:
        why = "they did not predict the same pictures"
        return {**told, "why": why, "significant": _compare_intervals(own, new)}
    return {
        **told, "paired": True, "difference": pair["difference"],
        "p_adjusted": pair["p_adjusted"], "test": pair["test"], "why": caveat,
    }  # fmt: skip


def _choose_groups(
    name: str, before: Results, after: Results, persons: Sequence[str] | None
) -> tuple[Sequence[str] | None, str, str]:
    """Within what rows are alike, what it is called, and what to say where that is not known."""
    if persons is not None and any(persons):
        return persons, "persons", ""
    if "subject" not in (before["protocol"]["grouped_by"], after["protocol"]["grouped_by"]):
        return None, "persons", ""
    folds, others = (side["models"][name]["folds"] for side in (before, after))
    same = [set(f["indices"]) for f in folds] == [set(f["indices"]) for f in others]
    if not same or any(fold.get("repeat") for fold in folds):
        return None, "persons", _ALIKE
    names = [""] * (1 + max(row for fold in folds for row in fold["indices"]))
    for fold in folds:
        for row in fold["indices"]:
            names[row] = fold["name"]
    return names, "folds of persons", ""


def _compare_intervals(own: Results, new: Results) -> bool | None:
    """Tell whether two intervals lie apart; None where one is not known."""
    first, second = read_interval(own), read_interval(new)
    if not first or not second:
        return None
    return first["high"] < second["low"] or second["high"] < first["low"]


def _is_worse(model: Results) -> bool:
    if model["after"] is None:
        return model["before"] is not None
    return bool(model["significant"]) and model["difference"] < 0


def _tell(model: Results, before: Results, after: Results) -> str:
    title, sides = model["title"], (model["before"], model["after"])
    if sides[0] is None or sides[1] is None:
        return {
            (True, True): f"{title} failed in both.",
            (True, False): f"{title} failed before and is now right on {_percent(sides[1])}.",
            (False, True): f"{title} failed; before, it was right on {_percent(sides[0])}.",
        }[sides[0] is None, sides[1] is None]
    own, new = (side["models"][model["name"]] for side in (before, after))
    texts = [
        add_interval(_percent(share), read_interval(m))
        for share, m in zip(sides, (own, new), strict=True)
    ]
    told = f"{title}: {texts[0]} before, {texts[1]} now"
    return f"{told}. {_judge(model)}"


def _judge(model: Results) -> str:
    points = f"{abs(100 * model['difference']):.1f} points"
    way = "better" if model["difference"] > 0 else "worse"
    if model["paired"]:
        if model["difference"] == 0 and model["p_adjusted"] >= 1:
            return "Equally many are right: no difference."
        chance = f"by chance this happens in {describe_chance(model['p_adjusted'])}"
        basis = f"({model['test']}, Holm-adjusted)"
        if model["significant"]:
            return f"It is {way} by {points}; {chance} {basis}.{model['why']}"
        return f"The difference of {points} may be chance: {chance} {basis}.{model['why']}"
    lead = f"It is {way} by {points}" if model["difference"] else "The share is the same"
    start = f"{lead}, but cannot be tested picture by picture: {model['why']}"
    return {
        None: f"{start}, and there are no intervals to compare.",
        True: f"{start}. The intervals do not overlap, so it is more than chance.",
        False: f"{start}. The intervals overlap, so it may be chance.",
    }[model["significant"]]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
