"""What ``mien features`` tells of the feature families: columns, options, cost, conformance."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from mien.errors import MienError
from mien.experiments.console import ERR, OUT, escape
from mien.features.base import FeatureFamily, format_value
from mien.features.conformance import CHECKS, run_checks
from mien.features.faces import FaceBatch
from mien.features.registry import family_names, get_family
from mien.pipeline.detector import FaceDetector
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.preparation import to_grey
from mien.pipeline.quiet import quiet_native_stderr
from mien.pipeline.rendered.dataset import read_rendered

_SHOWN_NAMES = 6
_BATCH = 32


def list_families(specs: Sequence[str] = ()) -> list[FeatureFamily]:
    """Return the families of these specifications, or all: first those computed by default."""
    if specs:
        return [get_family(spec) for spec in specs]
    families = [get_family(name) for name in family_names()]
    return sorted(families, key=lambda family: (not family.default, family.name))


def describe_family(family: FeatureFamily, cost: float | None = None) -> dict[str, Any]:
    """Return what is told of a family, for JSON.

    Parameters
    ----------
    family : FeatureFamily
    cost : float, optional
        Milliseconds a face.
    """
    return {
        "name": family.spec,
        "version": family.version,
        "title": family.title,
        "default": family.default,
        "width": family.width,
        "ms_per_face": None if cost is None else round(cost, 4),
        "options": {
            key: {
                "value": format_value(family.options[key]),
                "default": format_value(option.default),
                "meaning": option.meaning,
            }
            for key, option in family.available_options.items()
        },
    }


def render_faces(bundle: Path) -> FaceBatch:
    """Render four faces, with the landmarks that the landmarker finds in them."""
    pictures = read_rendered("rendered:people=4,takes=1,seed=5,classes=happy", bundle).pictures
    greys = [to_grey(pictures.read(i)) for i in range(4)]
    with quiet_native_stderr(), FaceDetector(bundle) as detector:
        seen = [(grey, detector.detect(grey)) for grey in greys]
    found = [(grey, face) for grey, face in seen if face is not None]
    return FaceBatch(
        [grey for grey, _ in found],
        np.stack([face.mesh for _, face in found]),
        np.stack([face.blendshapes for _, face in found]),
    )


def measure_costs(
    families: Sequence[FeatureFamily], landmarker: Path | None
) -> Sequence[float | None]:
    """Measure all families; None, with a note why, where no faces can be rendered."""
    try:
        faces = render_faces(ensure_landmarker_bundle(landmarker))
    except MienError as error:
        ERR.print(escape(f"Note: the cost is not measured. {error}"))
        return [None] * len(families)
    return [measure_cost(family, faces) for family in families]


def measure_cost(family: FeatureFamily, faces: FaceBatch, *, seconds: float = 0.1) -> float:
    """Measure the milliseconds that a family takes a face, aligned crops included.

    Parameters
    ----------
    family : FeatureFamily
    faces : FaceBatch
        Repeated to a batch of 32.
    seconds : float
        How long to measure at least; the fastest repetition counts.
    """
    rows = [i % len(faces) for i in range(_BATCH)]
    pictures = [faces.pictures[i] for i in rows]
    mesh, blendshapes = faces.mesh[rows], faces.blendshapes[rows]
    family.compute(FaceBatch(pictures, mesh, blendshapes))
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        start = time.perf_counter()
        family.compute(FaceBatch(pictures, mesh, blendshapes))
        best = min(best, time.perf_counter() - start)
    return 1000 * best / _BATCH


def print_families(described: Sequence[dict[str, Any]]) -> None:
    """Print a table of families."""
    table = Table("family", "width", "ms a face", "default", "what it is, and its options")
    for told in described:
        options = "".join(
            f"\n  {key}={option['value']}: {option['meaning']}"
            for key, option in told["options"].items()
        )
        table.add_row(
            escape(told["name"]),
            f"{told['width']:,}",
            _tell_cost(told),
            "yes" if told["default"] else "",
            escape(told["title"] + options, lines=True),
        )
    OUT.print(table, soft_wrap=False)
    OUT.print("More of one: mien features patch_hog. Options: --families patch_hog@crop=48")


def print_family(family: FeatureFamily, told: dict[str, Any]) -> None:
    """Print all that is known of one family."""
    OUT.print(
        f"[bold]{escape(told['name'])}[/], version {told['version']}: {escape(told['title'])}"
    )
    cost = _tell_cost(told)
    OUT.print(f"{told['width']:,} columns" + (f", {cost} ms a face" if cost else ""))
    names = list(family.feature_names[:_SHOWN_NAMES])
    more = " …" if family.width > len(names) else ""
    OUT.print(escape("Columns: " + "  ".join(names) + more))
    for key, option in told["options"].items():
        default = "" if option["value"] == option["default"] else f" (default {option['default']})"
        OUT.print(escape(f"Option {key}={option['value']}{default}: {option['meaning']}"))
    OUT.print()
    OUT.print(escape(inspect.getdoc(type(family)) or "", lines=True))


def print_checks(families: Sequence[FeatureFamily], faces: FaceBatch) -> bool:
    """Run the conformance checks, print what is wrong; return whether all passed."""
    passed = True
    for family in families:
        failed = {name: told for name, told in run_checks(family, faces).items() if told}
        passed = passed and not failed
        verdict = f"fails {len(failed)} of" if failed else "passes all"
        OUT.print(f"{escape(family.spec)} {verdict} {len(CHECKS)} checks")
        for name, told in failed.items():
            OUT.print(escape(f"  {name}: {told}", lines=True))
    return passed


def _tell_cost(told: dict[str, Any]) -> str:
    cost = told["ms_per_face"]
    return "" if cost is None else f"{cost:.2f}"
