"""The audit of a store: what is wrong with each of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mien.experiments.audit_reasons import Finding, Thresholds
from mien.experiments.folds import TEST_SPLITS
from mien.experiments.near_twins import find_twin_pairs
from mien.pipeline.cropped_faces import CroppedFaces
from mien.pipeline.quality import QUALITY_COLUMNS, compute_quality
from mien.pipeline.reasons import Reason
from mien.pipeline.store import FeatureStore
from mien.pipeline.strangeness import compute_strangeness
from mien.pipeline.twins import TwinPairs, group_twins

MEASURES: tuple[str, ...] = (*QUALITY_COLUMNS, "strangeness", "twin_similarity")
"""Numeric columns that an audit adds to a store's rows."""

_BLOCK = 1024


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    table : DataFrame
        A row for each of the store's: ``row``, ``picture``, ``label``, ``split``, ``reasons``
        (codes joined by ";", in the order of :class:`Finding`, extraction's last), ``attempt``,
        ``presence`` (where the store has it), ``yaw``, ``pitch``, ``roll``, the columns of
        :data:`MEASURES`, ``twin_group`` (-1 for none), ``twin_mirrored`` (whether the most similar
        twin is mirrored) and ``pixels_hash``.
    thresholds : Thresholds
    """

    table: pd.DataFrame
    thresholds: Thresholds

    def has(self, code: str) -> np.ndarray:
        """Return which rows have a reason; bool, shape (n,)."""
        return np.array([code in text.split(";") for text in self.table["reasons"]], dtype=bool)

    def has_any(self, codes: tuple[str, ...]) -> np.ndarray:
        """Return which rows have at least one of the reasons; bool, shape (n,)."""
        wanted = set(codes)
        return np.array(
            [not wanted.isdisjoint(text.split(";")) for text in self.table["reasons"]], dtype=bool
        )


def audit_store(
    store: FeatureStore,
    *,
    thresholds: Thresholds | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Audit:
    """Measure every picture of a store and find its twins.

    Parameters
    ----------
    store : FeatureStore
        Only its crops, landmarks and rows are read.
    thresholds : Thresholds, optional
    on_step : callable, optional
        Called with what is being done.

    Returns
    -------
    Audit

    Notes
    -----
    Of the copies of a picture the first is kept, a test split's (PrivateTest, PublicTest, test)
    before others: a test set keeps its size, and what is fitted on loses the leak. With different
    labels, all copies are marked. Pictures of one known person, or frames of one film, are twins
    only when they are equal. Rows that could not be read take no part. Where no face was found,
    landmarks that the store may hold all the same are not trusted: such a row is not judged by
    its pose or by what is covered.
    """
    limits = thresholds or Thresholds()
    tell = on_step or (lambda _: None)
    reason = store.rows["reason"].to_numpy(dtype=object)
    found = reason == ""
    readable = found | (reason == str(Reason.NO_FACE))
    tell("measuring")
    measures = _measure(store, readable, found)
    tell("looking for twins")
    pairs = find_twin_pairs(store, np.flatnonzero(readable))
    table = _start_table(store, measures).assign(**_describe_twins(len(store.rows), pairs))
    marks = [_judge(table, limits, readable, found), _judge_twins(table)]
    table.insert(4, "reasons", _join(pd.concat(marks, axis=1), reason))
    return Audit(table, limits)


def _measure(store: FeatureStore, readable: np.ndarray, found: np.ndarray) -> pd.DataFrame:
    n = len(store.rows)
    quality = np.empty((n, len(QUALITY_COLUMNS)), dtype=np.float32)
    aligned = np.empty(store.pixels.shape, dtype=np.uint8)
    has_landmarks = np.zeros(n, dtype=bool)
    for start in range(0, n, _BLOCK):
        part = slice(start, start + _BLOCK)
        faces = CroppedFaces.from_rows(
            np.asarray(store.pixels[part]),
            np.where(store.has_face[part, None, None], store.mesh[part], np.float32(np.nan)),
            store.rows.iloc[part],
        )
        quality[part], aligned[part] = compute_quality(faces), faces.aligned
        has_landmarks[part] = faces.has_landmarks
    measures = pd.DataFrame(quality, columns=list(QUALITY_COLUMNS))
    measures["strangeness"] = compute_strangeness(aligned, has_landmarks & found)
    measures[~readable] = np.nan
    return measures


def _start_table(store: FeatureStore, measures: pd.DataFrame) -> pd.DataFrame:
    rows = store.rows
    names = ["picture", "label", "split", "attempt", "presence", "yaw", "pitch", "roll"]
    table = rows[[name for name in names if name in rows]].copy()
    table.insert(0, "row", np.arange(len(rows)))
    return pd.concat([table, measures, rows[["pixels_hash"]]], axis=1)


def _describe_twins(n: int, pairs: TwinPairs) -> dict[str, np.ndarray]:
    similarity = np.full(n, np.nan, dtype=np.float32)
    mirrored = np.zeros(n, dtype=bool)
    order = np.argsort(pairs.similarity, kind="stable")
    for side in (0, 1):
        better = ~(similarity[pairs.rows[order, side]] >= pairs.similarity[order])
        rows, best = pairs.rows[order, side][better], order[better]
        similarity[rows], mirrored[rows] = pairs.similarity[best], pairs.mirrored[best]
    return {
        "twin_similarity": similarity,
        "twin_group": group_twins(n, pairs),
        "twin_mirrored": mirrored,
    }


def _judge(
    table: pd.DataFrame, limits: Thresholds, readable: np.ndarray, found: np.ndarray
) -> pd.DataFrame:
    """Return a bool column for each finding that concerns one picture."""
    face = table["asymmetry"].notna() & found
    drawn = table["linework"] > limits.linework
    even = table["evenness"] > np.where(face, limits.evenness, limits.faceless_evenness)
    turned = (table["yaw"].abs() > limits.yaw) | (table["pitch"].abs() > limits.pitch)
    strange = _exceeds(table["strangeness"], face, limits.strangeness, limits)
    doubtful = table["asymmetry"] > limits.asymmetry
    if "presence" in table:
        doubtful |= table["presence"] < limits.presence
    odd = _exceeds(table["strangeness"], face, limits.half_strangeness, limits) & doubtful
    not_a_face = drawn | even
    marks = pd.DataFrame(
        {
            Finding.NOT_A_FACE: not_a_face,
            Finding.OCCLUDED: face & (strange | odd) & ~turned & ~not_a_face,
            Finding.LOW_CONTRAST: table["contrast"] < limits.contrast,
            Finding.BLURRED: (table["sharpness"] < limits.sharpness) & ~not_a_face,
            Finding.TURNED_AWAY: face & turned,
            Finding.CUT_OFF: table["outside"] > limits.outside,
        }
    )
    marks[~readable] = False
    return marks


def _exceeds(
    strangeness: pd.Series, face: pd.Series, limit: float, limits: Thresholds
) -> pd.Series:
    """Compare with a limit that is raised, for both kinds alike, where the dataset is unusual."""
    usual = strangeness[face].median()
    deviation = 1.4826 * (strangeness[face] - usual).abs().median()
    robust = usual + limits.strange_deviations * deviation
    return strangeness > limit * max(1.0, robust / limits.strangeness)


def _judge_twins(table: pd.DataFrame) -> pd.DataFrame:
    """Return bool columns for the copies that are not kept, and for conflicting labels."""
    ranks = {name: rank for rank, name in enumerate(reversed(TEST_SPLITS))}
    twins = table[table["twin_group"] >= 0]
    twins = twins.assign(rank=twins["split"].map(ranks).fillna(len(ranks)))
    twins = twins.sort_values(["rank", "row"], kind="stable")
    redundant = twins["twin_group"].duplicated()
    exact = twins["pixels_hash"].duplicated()
    labels = twins[twins["label"] != ""].groupby("twin_group")["label"].nunique()
    found = pd.DataFrame(
        {
            Finding.EXACT_TWIN: exact,
            Finding.NEAR_TWIN: redundant & ~exact,
            Finding.LABEL_CONFLICT: twins["twin_group"].map(labels) > 1,
        }
    )
    return found.reindex(table.index, fill_value=False)


def _join(found: pd.DataFrame, own: np.ndarray) -> list[str]:
    codes = np.array([str(code) for code in found.columns], dtype=object)
    marks = found.to_numpy(dtype=bool)
    return [
        ";".join([*codes[mark], *([code] if code else [])])
        for mark, code in zip(marks, own, strict=True)
    ]
