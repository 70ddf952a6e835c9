"""The results file: its schema, and a check that names everything that is wrong at once.

The schema is plain JSON Schema (``results.schema.json``, draft 2020-12) for any validator to read;
the check here knows the keywords that this one schema uses, so that no validator need be installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError

SCHEMA_ID = "mien.results/2"
_EARLIER = ("mien.results/1",)
_SHOWN_PROBLEMS = 8
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


@cache
def read_schema() -> dict[str, Any]:
    """Read the JSON Schema of a results file."""
    text = Path(__file__).with_name("results.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_results(path: Path) -> dict[str, Any]:
    """Read a results file and check it.

    Parameters
    ----------
    path : Path
        A ``results.json``.

    Returns
    -------
    dict
        The results, as of this version's schema: see :func:`migrate`.

    Raises
    ------
    MienError
        If the file cannot be read, is no JSON, or does not hold results.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MienError(
            f"Expected the results of a comparison in {path}, but it cannot be read: {error}.",
            "Give the results.json that `mien compare` wrote.",
        ) from error
    results = migrate(results)
    check_results(results)
    return dict(results)


def migrate(results: Any) -> Any:
    """Return results of an earlier schema as results of this one.

    All that ``mien.results/2`` added to ``mien.results/1`` may be absent, so the name alone
    changes.
    """
    if isinstance(results, Mapping) and results.get("schema") in _EARLIER:
        return {**results, "schema": SCHEMA_ID}
    return results


def check_results(results: Any) -> None:
    """Check results against the schema and against themselves.

    Parameters
    ----------
    results : Any
        What a results file holds, or :func:`to_plain` made.

    Raises
    ------
    MienError
        Naming every problem with its place (the first eight if there are more).
    """
    problems = list(find_problems(results, read_schema()))
    if not problems:
        problems = list(_find_contradictions(results))
    if problems:
        shown = "; ".join(problems[:_SHOWN_PROBLEMS])
        more = len(problems) - _SHOWN_PROBLEMS
        rest = f"; and {more} more" if more > 0 else ""
        raise MienError(
            f"Expected results of the schema {SCHEMA_ID}, got: {shown}{rest}.",
            "The file was changed, or another version of mien wrote it.",
        )


def to_plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numpy values as plain ones, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return to_plain(value.tolist())
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return str(value)


def find_problems(value: Any, schema: Mapping[str, Any], place: str = "$") -> Iterator[str]:
    """Yield what is wrong with a value, each with its place.

    Parameters
    ----------
    value : Any
        Plain JSON value.
    schema : mapping
        JSON Schema, or a part of it. Known keywords: ``$ref`` (into ``$defs``), ``type``,
        ``const``, ``enum``, ``pattern``, ``minimum``, ``maximum``, ``minItems``, ``items``,
        ``minProperties``, ``required``, ``properties``, ``additionalProperties``, and ``if`` with
        ``then`` and ``else``.
    place : str
        Where the value stands: ``$.models.svm``.

    Yields
    ------
    str
        One problem.
    """
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        schema = {**read_schema()["$defs"][name], **schema}
    if "if" in schema:
        fits = not any(find_problems(value, schema["if"], place))
        yield from find_problems(value, schema["then" if fits else "else"], place)
    types = schema.get("type", [])
    if types and not _has_type(value, [types] if isinstance(types, str) else types):
        wanted = types if isinstance(types, str) else " or ".join(types)
        yield f"{place} should be {wanted}, not {_shorten(value)}"
        return
    yield from _find_value_problems(value, schema, place)
    if isinstance(value, dict):
        yield from _find_object_problems(value, schema, place)
    elif isinstance(value, list) and "items" in schema:
        if len(value) < schema.get("minItems", 0):
            yield f"{place} should have at least {schema['minItems']} items, not {len(value)}"
        for i, item in enumerate(value):
            yield from find_problems(item, schema["items"], f"{place}[{i}]")


def _has_type(value: Any, types: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in types
    return any(isinstance(value, _TYPES[name]) for name in types)


def _find_value_problems(value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
    if "const" in schema and value != schema["const"]:
        yield f"{place} should be {schema['const']!r}, not {_shorten(value)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} should be one of {schema['enum']}, not {_shorten(value)}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{place} should match {schema['pattern']}, not {_shorten(value)}"
    if isinstance(value, int | float):
        if value < schema.get("minimum", value):
            yield f"{place} should be at least {schema['minimum']}, not {value}"
        if value > schema.get("maximum", value):
            yield f"{place} should be at most {schema['maximum']}, not {value}"


def _find_object_problems(
    value: Mapping[str, Any], schema: Mapping[str, Any], place: str
) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{place}.{name} is missing"
    if len(value) < schema.get("minProperties", 0):
        yield f"{place} should not be empty"
    known = schema.get("properties", {})
    for name, item in value.items():
        rule = known.get(name, schema.get("additionalProperties"))
        if rule:
            yield from find_problems(item, rule, f"{place}.{name}")


def _find_contradictions(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the schema cannot say: lengths, class indices, names of models."""
    n_classes = len(results["dataset"]["classes"])
    for name, model in results["models"].items():
        if model["status"] != "ok":
            continue
        place = f"$.models.{name}"
        for i, fold in enumerate(model["folds"]):
            yield from _find_fold_problems(fold, n_classes, f"{place}.folds[{i}]")
        yield from _find_face_problems(model, n_classes, place)
        matrix = model["confusion_matrix"]
        if len(matrix) != n_classes or any(len(row) != n_classes for row in matrix):
            yield f"{place}.confusion_matrix should have {n_classes} rows and columns"
        for missing in set(results["dataset"]["classes"]).difference(
            model["classification_report"]
        ):
            yield f"{place}.classification_report lacks the class {missing}"
    for i, pair in enumerate(results["comparisons"]):
        for side in ("a", "b"):
            if results["models"].get(pair[side], {}).get("status") != "ok":
                yield f"$.comparisons[{i}].{side} should name a model that did not fail"


def _find_fold_problems(fold: Mapping[str, Any], n_classes: int, place: str) -> Iterator[str]:
    lengths = {len(fold[key]) for key in ("indices", "true", "predicted")}
    if len(lengths) > 1:
        yield f"{place} should have equally many indices, true and predicted classes"
    elif max(*fold["true"], *fold["predicted"]) >= n_classes:
        yield f"{place} should have class indices below {n_classes}"
    elif (given := fold.get("probabilities")) is not None and (
        len(given) != len(fold["true"]) or any(len(row) != n_classes for row in given)
    ):
        yield f"{place}.probabilities should have {len(fold['true'])} rows of {n_classes} classes"


def _find_face_problems(model: Mapping[str, Any], n_classes: int, place: str) -> Iterator[str]:
    cell = re.compile(r"\d+,\d+")
    for key in model.get("cells") or {}:
        if not cell.fullmatch(key) or max(map(int, key.split(","))) >= n_classes:
            yield f"{place}.cells should have keys like '0,1' below {n_classes}, not {key!r}"
    for i, face in enumerate(model.get("worst") or []):
        if max(face["true"], face["predicted"]) >= n_classes:
            yield f"{place}.worst[{i}] should have class indices below {n_classes}"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
