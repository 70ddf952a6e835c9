"""The thesis table by table: runs what is behind each result, and writes the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.experiments.comparison_options import Progress
from mien.experiments.environment import describe_environment
from mien.experiments.reproduce.claims import CLAIMS
from mien.experiments.reproduce.datasets import OnStep, open_dataset
from mien.experiments.reproduce.figures import compare_under, read_figure
from mien.experiments.reproduce.layers import describe_layers
from mien.experiments.reproduce.page import write_page
from mien.experiments.reproduce.plan import (
    CHOICE_ROWS,
    FER2013,
    NAMES,
    QUICK_CHOICE_ROWS,
    QUICK_ROWS,
    Experiment,
    Protocol,
    plan_experiments,
)
from mien.experiments.reproduce.sentences import tell_difference
from mien.experiments.reproduce.svm_choices import list_choices
from mien.experiments.row_data import RowData
from mien.files import write_json, writing

SCHEMA = "mien.reproduction/1"
RESULT_FILE = "reproduction.json"


def reproduce(
    paths: Mapping[str, Path | None],
    out: Path,
    *,
    quick: bool = False,
    attempts: int = 1,
    landmarker: Path | None = None,
    memory: int | None = None,
    seed: int = 0,
    command: str = "",
    on_step: OnStep = lambda _: None,
) -> dict[str, Any]:
    """Run each of the thesis's results under its protocol and an honest one.

    Finished stores and fits are kept below ``out`` and not repeated.

    Parameters
    ----------
    paths : mapping of str to Path or None
        ``ck`` and ``fer2013``: a store, or a dataset in any layout that ``mien extract`` reads;
        None for a dataset that is not there, whose results are then named as missing.
    out : Path
        Folder for ``reproduction.html``, ``reproduction.md`` and ``reproduction.json``.
    quick : bool
        A subset and few epochs; said on every figure.
    attempts : int
        Fits of each network under the thesis's protocol, with other seeds; the thesis made ten.
    landmarker : Path, optional
        The landmarker bundle; fetched when left out.
    memory : int, optional
        Bytes that may be used.
    seed : int
    command : str
        The command line, for the page.
    on_step : callable, optional
        Called with what is being done.

    Returns
    -------
    dict
        The content of ``reproduction.json``.

    Raises
    ------
    MienError
        If neither dataset is given, or a path or a store is not what is needed.
    """
    if not any(paths.values()):
        raise MienError(
            "Nothing can be reproduced without a dataset.", "Give --ck or --fer2013, or both."
        )
    data = {
        key: open_dataset(
            key, path, out, limit=QUICK_ROWS if quick and key == FER2013 else None,
            landmarker=landmarker, seed=seed, on_step=on_step,
        )
        for key, path in paths.items()
        if path
    }  # fmt: skip
    run = _Runs(data, out, attempts, memory, seed, command, on_step)
    results = [run.run_experiment(e) for e in plan_experiments(quick=quick)]
    choices = run.run_choices(QUICK_CHOICE_ROWS if quick else CHOICE_ROWS)
    on_step("parameter tables")
    told = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "quick": quick,
        "attempts": attempts,
        "seed": seed,
        "datasets": {key: _describe(data[key]) if key in data else None for key in NAMES},
        "results": results,
        "choices": choices,
        "networks": {name: describe_layers(name) for name in ("fer2013", "ckplus")},
        "landmarks": _draw_landmarks(out, landmarker),
        "environment": describe_environment(),
    }
    with writing(out, "Choose another folder with --out."):
        write_json(out / RESULT_FILE, told)
    write_page(told, out)
    return told


class _Runs:
    """Does the comparisons, each in a folder of its own."""

    def __init__(
        self,
        data: Mapping[str, RowData],
        out: Path,
        attempts: int,
        memory: int | None,
        seed: int,
        command: str,
        on_step: OnStep,
    ) -> None:
        self._data = data
        self._out = out
        self._attempts = attempts
        self._common: dict[str, Any] = {"memory": memory, "seed": seed, "command": command}
        self._on_step = on_step

    def run_experiment(self, experiment: Experiment) -> dict[str, Any]:
        """Return one of ``results``: the claim, a figure by protocol, the sentence."""
        claim = CLAIMS[experiment.key]
        told: dict[str, Any] = {
            "key": experiment.key,
            "title": experiment.title,
            "dataset": experiment.dataset,
            "claim": claim.text,
            "choice": experiment.choice.describe() if experiment.choice else None,
            "thesis": None,
            "honest": None,
            "reasons": {},
        }
        if experiment.dataset not in self._data:
            name = NAMES[experiment.dataset]
            told["sentence"] = f"Not run: {name} was not given (--{experiment.dataset})."
            return told
        for protocol in experiment.protocols:
            try:
                told[protocol.key] = self._run(experiment, protocol)
            except MienError as error:
                told["reasons"][protocol.key] = error.message
        told["sentence"] = tell_difference(claim, told["thesis"], told["honest"])
        return told

    def _run(self, experiment: Experiment, protocol: Protocol) -> dict[str, Any]:
        data = self._data[experiment.dataset]
        folder = self._out / f"{experiment.key}-{protocol.key}"
        several = experiment.model == "cnn" and not protocol.honest
        results = compare_under(
            data,
            protocol,
            {experiment.model: experiment.parameters},
            folder,
            limit=experiment.limit,
            attempts=self._attempts if several else 1,
            on_progress=self._follow(f"{experiment.key}, {protocol.key} protocol"),
            **self._common,
        )
        return read_figure(results, experiment.model, data, folder, experiment=experiment)

    def run_choices(self, limit: int) -> list[dict[str, Any]]:
        """Score every reading of the thesis's SVM on FER2013, under its protocol, on few rows."""
        if FER2013 not in self._data:
            return []
        data = self._data[FER2013]
        found: list[dict[str, Any]] = []
        protocol = Protocol("thesis", "random-holdout:0.25")
        for choice in list_choices(data.store.families):
            told = choice.describe()
            try:
                results = compare_under(
                    data,
                    protocol,
                    {choice.model: choice.parameters()},
                    self._out / "4.4-choices",
                    limit=limit,
                    on_progress=self._follow(told),
                    **self._common,
                )
            except MienError as error:
                found.append({"choice": told, "accuracy": None, "reason": error.message})
                continue
            report = results["models"][choice.model]["classification_report"]
            disgust = report.get("disgust", {"precision": None, "recall": None})
            found.append(
                {
                    "choice": told,
                    "accuracy": report["accuracy"],
                    "disgust": [disgust["precision"], disgust["recall"]],
                    "rows": int(report["weighted avg"]["support"]),
                    "fitted_on": results["models"][choice.model]["folds"][0]["train_rows"],
                }
            )
        return found

    def _follow(self, what: str) -> Callable[[Progress], None]:
        return lambda progress: self._on_step(f"{what}: {progress.fold} {progress.note}".strip())


def _describe(data: RowData) -> dict[str, Any]:
    manifest, rows = data.store.manifest, data.store.rows
    return {
        "name": manifest["name"],
        "layout": manifest["layout"],
        "source": manifest["source"],
        "hash": manifest["dataset_hash"],
        "rows": manifest["rows"],
        "faces_found": manifest["faces_found"],
        "persons": len(set(rows["subject"]) - {""}),
        "sequences": len(set(rows["sequence"]) - {""}),
        "notes": list(manifest["notes"]),
    }


def _draw_landmarks(out: Path, landmarker: Path | None) -> str | None:
    """Draw Table 1.1's points on a face; return the PNG as a data URI, None without a bundle."""
    from mien.experiments.landmark_chart import write_chart
    from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

    target = out / "landmarks.png"
    try:
        write_chart(target, ensure_landmarker_bundle(landmarker))
    except MienError:
        return None
    return "data:image/png;base64," + base64.b64encode(target.read_bytes()).decode()
