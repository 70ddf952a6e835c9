"""All steps before a kernel in one: from raw features to principal components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from mien.models.family_scaler import FamilyScaler
from mien.models.gradient_directions import Directions
from mien.models.mirror_basis import BlockPCA, MirrorBasis, MirrorScaler


@dataclass(frozen=True)
class Projection:
    """Neighbouring coordinates and the principal components that are kept of them.

    Attributes
    ----------
    span : slice
        Which coordinates it reads.
    components : ndarray of float32, shape (span, k)
    offset : ndarray of float32, shape (k,)
        Minus the components of the mean.
    """

    span: slice
    components: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class FusedView:
    """Scaling, change of basis and projection, without checks: ``z = g((x - centre)) P + offset``.

    Attributes
    ----------
    centre : ndarray of float32, shape (d,), or None
        What is subtracted from the raw features.
    columns : tuple of ndarray of int32, shape (d,), or None
        The two columns of which each coordinate is made; None where each is its own.
    factors : tuple of ndarray of float32, shape (d,), or None
        What the one, or the two, columns are multiplied by; None for 1.
    projections : tuple of Projection, or None
        One after another; None where there is no PCA.
    """

    centre: np.ndarray | None
    columns: tuple[np.ndarray, np.ndarray] | None
    factors: tuple[np.ndarray, ...] | None
    projections: tuple[Projection, ...] | None

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return what the steps give; float32, shape (n, sum of components or d)."""
        values = self.gather(X)
        if self.projections is None:
            return values
        parts = [values[:, p.span] @ p.components + p.offset for p in self.projections]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def gather(self, X: np.ndarray) -> np.ndarray:
        """Return the coordinates before the projection; float32, shape (n, d)."""
        values = X if self.centre is None else X - self.centre
        if self.columns is not None and self.factors is not None:
            pair = [values.take(columns, axis=1) for columns in self.columns]
            pair[0] *= self.factors[0]
            pair[1] *= self.factors[1]
            pair[0] += pair[1]
            return pair[0]
        return values if self.factors is None else values * self.factors[0]

    def narrow(self, directions: Directions) -> FusedView:
        """Return the view whose coordinates are those along some directions of this one's."""
        halves = zip(directions.spans, directions.vectors, strict=True)
        found = [(span, vectors) for span, vectors in halves if len(vectors)]
        if self.projections is None:
            zeros = [np.zeros(vectors.shape[1], dtype=np.float32) for _, vectors in found]
            own = [Projection(*half, zero) for half, zero in zip(found, zeros, strict=True)]
        else:
            own = [
                Projection(p.span, p.components @ vectors, p.offset @ vectors)
                for p, (_, vectors) in zip(self.projections, found, strict=True)
            ]
        return replace(self, projections=tuple(own))

    def trim(self) -> tuple[FusedView, np.ndarray]:
        """Return the view without components that are zero, and which are not; bool, shape (k,)."""
        projections = self.projections or ()
        kept = [p.components.any(axis=0) for p in projections]
        own = tuple(
            Projection(p.span, np.ascontiguousarray(p.components[:, mask]), p.offset[mask])
            for p, mask in zip(projections, kept, strict=True)
        )
        return replace(self, projections=own), np.concatenate(kept)

    def fold(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
        """Bring linear weights of the components before the projection.

        Parameters
        ----------
        weights : ndarray, shape (sum of components, n_outputs)

        Returns
        -------
        weights : ndarray, shape (d, n_outputs)
            Of what :meth:`gather` returns.
        constant : ndarray, shape (n_outputs,), or 0
            What is added to the outputs.
        """
        if self.projections is None:
            return weights, 0.0
        counts = np.cumsum([len(p.offset) for p in self.projections])[:-1]
        own = np.split(weights, counts)
        pairs = list(zip(self.projections, own, strict=True))
        folded = np.concatenate([p.components @ part for p, part in pairs])
        return folded, np.sum([p.offset @ part for p, part in pairs], axis=0)


def fuse_view(steps: Sequence[tuple[str, Any]]) -> FusedView:
    """Fuse the fitted steps of :func:`mien.models.svm_pipeline.build_view`.

    Parameters
    ----------
    steps : sequence of (str, transformer)
        ``scaler``, ``families``, ``basis``, ``pca``, in this order, each there or not.

    Returns
    -------
    FusedView
    """
    centre: Any = 0.0
    factor: Any = 1.0
    columns = factors = projections = None
    for _, step in steps:
        if isinstance(step, MirrorBasis):
            *columns, (one, other) = step.plan_
            factors = [one * _take(factor, columns[0]), other * _take(factor, columns[1])]
        elif isinstance(step, PCA | BlockPCA):
            projections = _read_projections(step)
        else:
            shift, scale = _read_scaler(step)
            centre, factor = centre + shift / factor, factor * scale
    if columns is None:
        factors = None if np.all(factor == 1.0) else [factor]
    return FusedView(
        centre=None if np.all(centre == 0.0) else centre.astype(np.float32),
        columns=None
        if columns is None
        else (columns[0].astype(np.int32), columns[1].astype(np.int32)),
        factors=None if factors is None else tuple(f.astype(np.float32) for f in factors),
        projections=projections,
    )


def _take(factor: Any, columns: np.ndarray) -> Any:
    return factor[columns] if np.ndim(factor) else factor


def _read_scaler(step: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return what a scaler subtracts from, and then multiplies, each column by."""
    if isinstance(step, MirrorScaler):
        return _read_scaler(step.scaler_)
    if isinstance(step, StandardScaler):
        return step.mean_, 1.0 / step.scale_
    if isinstance(step, MinMaxScaler):
        return -step.min_ / step.scale_, step.scale_
    if isinstance(step, FamilyScaler):
        return step.mean_.astype(np.float64), step.factor_.astype(np.float64)
    raise TypeError(f"{type(step).__name__} is not a step that can be fused")


def _read_projections(step: PCA | BlockPCA) -> tuple[Projection, ...]:
    if isinstance(step, PCA):
        return (_project(step, slice(0, step.n_features_in_), np.float32(1)),)
    return tuple(_project(own, span, kept) for span, own, kept in step.steps_)


def _project(step: Any, span: slice, kept: Any) -> Projection:
    components = np.ascontiguousarray(step.components_.T * kept, dtype=np.float32)
    mean = getattr(step, "mean_", np.zeros(len(components)))
    return Projection(span, components, (-mean @ components).astype(np.float32))
