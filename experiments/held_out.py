"""What an exported model's parts say of rows that they were not fitted on, as probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import MienError
from mien.experiments.calibration_splits import Split, split_for_calibration
from mien.experiments.evaluate import HeldOut
from mien.experiments.fuse import PartOutputs
from mien.experiments.row_data import RowData
from mien.models.calibrated import fit_logits
from mien.models.fusion import ScoreCombiner

_SVM = (
    "The figures are cross-validated on the training rows that have features: of {k} parts of "
    "them, each is scored by an SVM that was fitted on the others. Persons, sequences and exact "
    "twins lie in one part where there are enough of them. The scores of a part become "
    "probabilities by a calibration that was fitted on the scores of the other parts only; that of "
    "the model in the file is fitted on the scores of all."
)
_NETWORK = (
    "The figures are of the training rows that the network held back for early stopping. Its "
    "weights were not fitted on them, but its best epoch was chosen by its loss on them: the "
    "figures are a little too good."
)
_FUSION = (
    "The figures are of training rows that neither the SVM nor the network was fitted on. For each "
    "of {k} parts of these rows, what combines the two was fitted on the other parts only; that of "
    "the model in the file is fitted on all of them."
)
_BEST_EPOCH = (
    " The network's best epoch was chosen by its loss on these rows: the figures are a little "
    "too good."
)


@dataclass(frozen=True)
class HeldOutPredictions:
    """Probabilities of rows that were held out.

    Attributes
    ----------
    rows : ndarray of int64, shape (k,)
        Row numbers of the store, each once.
    probabilities : ndarray of float64, shape (k, n_classes)
    statement : str
        How they were held out, for a reader.
    """

    rows: np.ndarray
    probabilities: np.ndarray
    statement: str


def calibrate_held_out(
    data: RowData, rows: np.ndarray, scores: np.ndarray, splits: Sequence[Split]
) -> HeldOutPredictions:
    """Turn an SVM's held-out scores into probabilities, those of a part by the other parts'.

    Parameters
    ----------
    data : RowData
    rows : ndarray of int64, shape (n,)
        Row numbers.
    scores : ndarray of float, shape (n, n_scores) or (n,)
        Of each row, by an SVM that was fitted without the row's part.
    splits : sequence of (ndarray of int, ndarray of int)
        Positions in ``rows`` of the other parts, and of the part; each row is in one part.

    Notes
    -----
    The SVM that scored the other parts had seen the part itself. Its labels can thus still touch
    the few coefficients of the calibration, but not by their own scores.
    """
    codes = data.codes[rows]
    found = np.zeros((len(rows), len(data.classes)))
    for others, part in splits:
        logits = fit_logits(scores[others], codes[others])
        found[np.ix_(part, logits.classes)] = logits.predict_proba(scores[part])
    return HeldOutPredictions(rows, found, _SVM.format(k=len(splits)))


def read_held_back(held: HeldOut) -> HeldOutPredictions | None:
    """Take the rows that a network held back for early stopping; None if it held back none."""
    if not len(held.rows):
        return None
    return HeldOutPredictions(held.rows, held.outputs.astype(np.float64), _NETWORK)


def combine_held_out(
    data: RowData, combiner: ScoreCombiner, inside: PartOutputs, *, inner: int, seed: int
) -> HeldOutPredictions | None:
    """Combine an SVM's and a network's outputs of each part by what the other parts teach.

    Parameters
    ----------
    data : RowData
    combiner : ScoreCombiner
        Cloned and fitted.
    inside : PartOutputs
        Of rows that neither model was fitted on.
    inner : int
        The inner folds that ``inside`` is of; see :func:`mien.experiments.fuse.predict_inside`.
    seed : int

    Returns
    -------
    HeldOutPredictions or None
        None where the rows are too few to be split.
    """
    from sklearn.base import clone

    codes = data.codes[inside.rows]
    found = np.zeros(inside.cnn.shape)
    try:
        splits = split_for_calibration(data, inside.rows, seed=seed)
        for others, part in splits:
            own = clone(combiner).fit(inside.svm[others], inside.cnn[others], codes[others])
            found[part] = own.predict_proba(inside.svm[part], inside.cnn[part])
    except MienError:
        return None
    told = _FUSION.format(k=len(splits)) + (_BEST_EPOCH if inner == 1 else "")
    return HeldOutPredictions(inside.rows, found, told)
