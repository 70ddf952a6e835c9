"""For all tests: a feature store written by hand, and interrupts that arrive."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.features.registry import get_family
from mien.pipeline.store import FeatureStore, family_file

CLASSES = ("angry", "happy", "neutral")
FAMILIES = ("blendshapes", "geometry", "patch_hog")
MakeStore = Callable[..., FeatureStore]


def pytest_configure():
    """Let tests interrupt processes, even when a shell runs pytest in the background.

    A background job ignores the interrupt, and so would everything that it starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def write_store(
    folder: Path,
    *,
    persons: int = 6,
    takes: int = 3,
    classes: Sequence[str] = CLASSES,
    families: Sequence[str] = FAMILIES,
    known_persons: bool = True,
    splits: Sequence[str] = (),
    faceless: int = 3,
    damaged: int = 1,
    twins: int = 1,
    separation: float = 1.0,
    seed: int = 0,
) -> FeatureStore:
    """Write a store of ``persons * classes * takes`` rows, then the damaged ones.

    Rows go over persons, then classes, then takes. The features of a class lie around a point of
    their own, ``separation`` times the noise apart in each column. ``splits`` are dealt out in
    turn. The first ``faceless`` rows of the last person have no face; for each of ``twins``, the
    first pictures of the first two persons are the same to the pixel.
    """
    rng = np.random.default_rng(seed)
    rows = _make_rows(persons, takes, classes, known_persons, splits, damaged)
    n, usable = len(rows), len(rows) - damaged
    start = usable - len(classes) * takes
    rows.loc[start : start + faceless - 1, "reason"] = "no_face"
    rows["pixels_hash"] = [f"{i:032x}" if i < usable else "" for i in range(n)]
    for i in range(twins):
        rows.loc[len(classes) * takes + i, "pixels_hash"] = rows.loc[i, "pixels_hash"]
    visible = (rows["reason"] == "").to_numpy()
    rows["attempt"] = np.where(visible, "plain", "")
    codes = np.array([classes.index(name) if name else 0 for name in rows["label"]])
    folder.mkdir(parents=True)
    (folder / "features").mkdir()
    for name in families:
        centres = separation * rng.normal(size=(len(classes), get_family(name).width))
        values = centres[codes] + rng.normal(size=(n, get_family(name).width))
        values[~visible] = np.nan
        np.save(folder / family_file(name), values.astype(np.float32))
    pixels = rng.integers(0, 100, (n, 48, 48), dtype=np.uint8)
    for i, code in enumerate(codes):
        pixels[i, 16 * (code % 3) : 16 * (code % 3 + 1)] += 120
    np.save(folder / "pixels.npy", pixels)
    np.save(folder / "mesh.npy", np.where(visible[:, None, None], np.float32(1), np.nan) * np.ones(
        (n, 478, 3), np.float32))  # fmt: skip
    rows.to_parquet(folder / "rows.parquet", index=False)
    sample = {"label": classes[0], "caption": "a", "picture": "data:image/png;base64,AAAA"}
    (folder / "samples.json").write_text(json.dumps([sample]))
    (folder / "manifest.json").write_text(
        json.dumps(_manifest(rows, classes, families, (separation, seed)))
    )
    return FeatureStore.open(folder)


def _make_rows(
    persons: int,
    takes: int,
    classes: Sequence[str],
    known_persons: bool,
    splits: Sequence[str],
    damaged: int,
) -> pd.DataFrame:
    rows = [
        {
            "picture": f"p{person:02d}/{label}_{take}.png",
            "label": label,
            "subject": f"p{person:02d}" if known_persons else "",
            "sequence": f"p{person:02d}_{label}" if known_persons else "",
        }
        for person in range(persons)
        for label in classes
        for take in range(takes)
    ]
    rows += [
        {
            "picture": f"broken_{i}.png",
            "label": classes[0],
            "subject": rows[0]["subject"],
            "sequence": "",
        }
        for i in range(damaged)
    ]
    table = pd.DataFrame(rows)
    n = len(table)
    table["split"] = [splits[i % len(splits)] if splits else "" for i in range(n)]
    table["reason"] = [""] * (n - damaged) + ["unreadable"] * damaged
    table["detail"] = ""
    for name in ("yaw", "pitch", "roll", "crop_x", "crop_y", "crop_side"):
        table[name] = np.zeros(n, np.float32)
    table["width"] = table["height"] = np.full(n, 48, np.int32)
    return table.astype(dict.fromkeys(("split", "reason", "detail", "label", "subject"), "str"))


def _manifest(
    rows: pd.DataFrame, classes: Sequence[str], families: Sequence[str], drawn: tuple
) -> dict:
    told = {
        name: {
            "version": get_family(name).version,
            "width": get_family(name).width,
            "options": get_family(name).options,
        }
        for name in families
    }
    detector = {"name": "mediapipe", "version": 1, "bundle_sha256": "0" * 64, "attempts": []}
    reasons = rows.loc[rows["reason"] != "", "reason"].value_counts().sort_index()
    digest = hashlib.sha256(f"{rows.to_csv()} {drawn}".encode()).hexdigest()
    return {
        "schema": "mien.store/2",
        "mien": "0.1.0",
        "created": "2026-01-01T00:00:00+00:00",
        "name": "Synthetic",
        "layout": "synthetic",
        "source": "numpy",
        "notes": [],
        "extra_columns": [],
        "dataset_hash": digest,
        "classes": list(classes),
        "rows": len(rows),
        "faces_found": int((rows["attempt"] != "").sum()),
        "placed": 0,
        "reasons": {str(code): int(count) for code, count in reasons.items()},
        "families": told,
        "detector": detector,
        "extraction": {"seconds": 1.0, "rows_computed": 0, "workers": 1, "peak_memory_mb": 1},
        "plan": {},
    }


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """A function that writes stores into the test's folder."""
    numbers = iter(range(1000))

    def make(**options: object) -> FeatureStore:
        return write_store(tmp_path / f"store{next(numbers)}", **options)

    return make


@pytest.fixture(scope="session")
def make_shared_store(tmp_path_factory: pytest.TempPathFactory) -> MakeStore:
    """A function that writes stores which several tests read."""

    def make(**options: object) -> FeatureStore:
        return write_store(tmp_path_factory.mktemp("shared") / "store", **options)

    return make


@pytest.fixture(scope="session")
def store(make_shared_store: MakeStore) -> FeatureStore:
    """Six persons with three pictures of each of three classes; do not change its files."""
    return make_shared_store()
