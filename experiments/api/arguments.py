"""Arguments that several jobs share, brought into one form."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, TypeAlias

from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.memory import parse_bytes
from mien.experiments.row_data import RowData
from mien.pipeline.row_filter import read_filter
from mien.pipeline.store import FeatureStore

PathLike: TypeAlias = str | os.PathLike[str]
StoreLike: TypeAlias = FeatureStore | PathLike
"""A store, or its folder."""


def open_data(store: StoreLike, row_filter: PathLike | None) -> RowData:
    """Open a store, and the filter of its rows if there is one."""
    opened = store if isinstance(store, FeatureStore) else FeatureStore.open(Path(store))
    return RowData(opened, None if row_filter is None else read_filter(Path(row_filter)))


def to_names(names: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names as a tuple, each once; a text is split at commas, and None stays None."""
    if names is None:
        return None
    given = names.split(",") if isinstance(names, str) else names
    return tuple(dict.fromkeys(name.strip() for name in given if name.strip()))


def to_bytes(amount: int | str | None, option: str) -> int | None:
    """Return a number of bytes; a text is ``8GB``, and None stays None."""
    if amount is None or (isinstance(amount, int) and amount > 0):
        return amount
    return parse_bytes(str(amount), option)


def assign_parameters(given: Mapping[str, Any] | None, model: str) -> dict[str, dict[str, Any]]:
    """Return single parameters by model.

    Parameters
    ----------
    given : mapping or None
        Values by name, ``{"C": 10}``, or by model and name, ``{"svm-rbf": {"C": 10}}``.
    model : str
        What names without a model are of.

    Raises
    ------
    MienError
        If there is no such model, or parameters are of another than this and its parts.
    """
    assigned: dict[str, dict[str, Any]] = {}
    for name, value in (given or {}).items():
        if isinstance(value, Mapping):
            assigned.setdefault(name, {}).update(value)
        else:
            assigned.setdefault(model, {})[name] = value
    if stray := sorted(set(assigned) - {model, *get_candidate(model).part_names(assigned)}):
        raise MienError(
            f"--set names {', '.join(stray)}, but --model is {model}.", "For example --set C=10."
        )
    return assigned


def tell_call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    """Write a call as Python, with the arguments that are not at their default; no callbacks."""
    told = [
        _tell(arguments[name])
        if parameter.default is Parameter.empty and parameter.kind is not Parameter.KEYWORD_ONLY
        else f"{name}={_tell(arguments[name])}"
        for name, parameter in signature(function).parameters.items()
        if not callable(arguments[name])
        and (parameter.default is Parameter.empty or arguments[name] != parameter.default)
    ]
    return f"mien.{function.__name__}({', '.join(told)})"


def _tell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_tell, value))}]"
    path = getattr(value, "path", value)
    return repr(os.fspath(path)) if isinstance(path, os.PathLike) else repr(path)
