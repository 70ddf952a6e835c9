"""What a comparison must tell of itself to be done again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mien.errors import MienError
from mien.experiments.comparison_options import ComparisonOptions
from mien.experiments.report.schema import to_plain

if TYPE_CHECKING:
    from mien.experiments.row_data import RowData

_PLACES = ("store", "filter")


def describe_options(data: RowData, options: ComparisonOptions) -> dict[str, Any]:
    """Return the results schema's ``options``: the data's places and every option.

    The command line is a key of the results themselves.
    """
    asked = {field.name: getattr(options, field.name) for field in fields(options)}
    del asked["command"]
    row_filter = data.row_filter
    places = (str(data.store.path), None if row_filter is None else row_filter.source)
    told: dict[str, Any] = to_plain({**dict(zip(_PLACES, places, strict=True)), **asked})
    return told


def read_options(results: Mapping[str, Any]) -> ComparisonOptions:
    """Return the options that a comparison was made with.

    Parameters
    ----------
    results : mapping
        Of the results schema.

    Raises
    ------
    MienError
        If the results do not hold options, or hold ones that this version does not know.
    """
    told = results.get("options")
    if not told:
        raise MienError(
            "These results do not say which options they were made with: an earlier version of "
            "mien wrote them.",
            f"Compare again by hand: {results['command']}",
        )
    known = {field.name for field in fields(ComparisonOptions)}
    if strange := sorted(set(told) - known.union(_PLACES)):
        raise MienError(
            f"These results were made with options that this version does not know: "
            f"{', '.join(strange)}.",
            "Use the version of mien that their environment names.",
        )
    asked = {name: value for name, value in told.items() if name not in _PLACES}
    return ComparisonOptions(
        **{**asked, "models": tuple(told["models"]), "command": results["command"]}
    )
