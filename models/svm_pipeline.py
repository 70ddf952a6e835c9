"""From a model's parameters to one estimator: scaler, mirror basis, PCA, kernel and solver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from mien.errors import MienError
from mien.features.registry import get_family
from mien.models.column_grid import ColumnGrid
from mien.models.compact_machine import CompactSize, CompactSVC
from mien.models.family_scaler import FamilyScaler
from mien.models.kernel_machine import Block, KernelMachine
from mien.models.least_squares import LeastSquaresSVC
from mien.models.low_rank import LandmarkRows
from mien.models.mirror_basis import BlockPCA, MirrorBasis, MirrorScaler
from mien.models.reduced_set import ReducedLeastSquaresSVC
from mien.models.svm import KernelSVC
from mien.models.weighted_families import WeightedFamily, join_mirrors, parse_families

SCALERS: tuple[str, ...] = ("none", "zscore", "minmax")
MIRRORS: tuple[str, ...] = ("none", "average")
COMBINATIONS: tuple[str, ...] = ("distances", "kernels")
SOLVERS: dict[str, type[KernelMachine]] = {
    "libsvm": KernelSVC,
    "least-squares": LeastSquaresSVC,
}
_EXACT = {
    "libsvm": "libsvm C-SVC, one-against-one, precomputed kernel, bounded pairwise values summed",
    "least-squares": "least-squares SVM, one-against-rest, blocked Cholesky factorisation",
}
_LOW_RANK = {
    "libsvm": "liblinear SVM, squared hinge loss, one-against-rest",
    "least-squares": "least-squares SVM, one-against-rest, of a reduced set of rows",
}


def describe_solver(
    parameters: Mapping[str, Any], *, landmarks: int = 0, compact: CompactSize | None = None
) -> str:
    """Say which solver fits, whether kernels are mirrored or summed, and what is approximated."""
    solver = str(parameters.get("solver", "libsvm"))
    told = [_LOW_RANK[solver] if landmarks else _EXACT[solver]]
    if compact and not compact.directions:
        kept = f"{compact.components} principal components" if compact.components else "all columns"
        told = [f"{_EXACT['least-squares']}, on {kept} in 8 bits"]
    elif compact:
        told = [
            f"least-squares SVM, one-against-rest, of {compact.centres:,} training rows, fitted on "
            f"all rows along the {compact.directions} directions in which scores change most"
        ]
    if parameters.get("mirror", "none") == "average":
        told.append("kernel averaged over faces and mirror images")
    if len(parse_families(parameters["families"])) > 1 and parameters.get("combine") == "kernels":
        told.append("weighted sum of one kernel a family")
    if landmarks:
        told.append(
            f"low-rank approximation (Nyström) with {landmarks:,} training rows, for lack of memory"
        )
    return "; ".join(told)


def build_svm(
    kernel: str,
    parameters: Mapping[str, Any],
    *,
    seed: int = 0,
    landmarks: int = 0,
    compact: CompactSize | None = None,
) -> Pipeline:
    """Put all steps into one estimator, so that all are fitted on the same rows.

    Parameters
    ----------
    kernel : {"linear", "poly", "rbf"}
    parameters : mapping
        ``families`` (needed for several families and for a mirror), ``scaler`` (none, zscore,
        minmax), ``mirror`` (none, average), ``combine`` (distances, kernels), ``pca`` (0 for none,
        else components), ``solver`` (libsvm, least-squares), ``C``, ``gamma``, ``degree``,
        ``coef0``, ``class_weight`` (none, balanced); others are ignored.
    seed : int
        Of the PCA's randomised solver and of the landmark rows.
    landmarks : int
        Approximate the kernel with so many training rows; 0 for the exact kernel.
    compact : CompactSize, optional
        Build a least-squares SVM that is so small, whatever the solver.

    Returns
    -------
    Pipeline
        Steps ``scaler``, ``families``, ``basis``, ``pca``, ``grid``, ``landmarks`` (each only when
        needed) and ``svm``.
    """
    if compact:
        parameters = {**parameters, "pca": compact.components}
    steps = build_view(parameters, seed=seed)
    blocks = find_blocks(parameters)
    solver = parameters.get("solver", "libsvm")
    if solver not in SOLVERS:
        raise ValueError(f"solver must be one of {tuple(SOLVERS)}, not {solver!r}")
    weight = parameters.get("class_weight", "none")
    own: dict[str, Any] = {
        name: parameters[name] for name in ("gamma", "degree", "coef0") if name in parameters
    } | {"kernel": kernel, "blocks": blocks}
    penalty: dict[str, Any] = {"class_weight": None if weight == "none" else weight}
    if "C" in parameters:
        penalty["C"] = parameters["C"]
    if compact and not compact.directions:
        return Pipeline(
            [*steps, ("grid", ColumnGrid()), ("svm", LeastSquaresSVC(**own, **penalty))]
        )
    if compact:
        few: dict[str, Any] = {"n_centres": compact.centres, "n_directions": compact.directions}
        return Pipeline([*steps, ("svm", CompactSVC(**own, **penalty, **few, random_state=seed))])
    if not landmarks:
        return Pipeline([*steps, ("svm", SOLVERS[solver](**own, **penalty))])
    if solver == "least-squares":
        reduced = ReducedLeastSquaresSVC(**own, **penalty, n_centres=landmarks, random_state=seed)
        return Pipeline([*steps, ("svm", reduced)])
    mapped = LandmarkRows(**own, n_rows=landmarks, random_state=seed)
    return Pipeline(
        [*steps, ("landmarks", mapped), ("svm", LinearSVC(**penalty, random_state=seed))]
    )


def build_view(
    parameters: Mapping[str, Any], *, seed: int = 0, level: bool | None = None
) -> list[tuple[str, Any]]:
    """Return the steps before the kernel: scaler, families' weights, mirror basis, PCA.

    Parameters
    ----------
    parameters : mapping
        As for :func:`build_svm`.
    seed : int
        Of the PCA's randomised solver.
    level : bool, optional
        Whether families are scaled to the same mean squared distance; by default where there are
        several and no scaler is asked for.
    """
    families = _families(parameters)
    several = len(families) > 1
    mirror = join_mirrors(family.name for family in families) if _mirrored(parameters) else None
    steps: list[tuple[str, Any]] = []
    scaler = parameters.get("scaler", "none")
    if scaler not in SCALERS:
        raise ValueError(f"scaler must be one of {SCALERS}, not {scaler!r}")
    if scaler != "none":
        steps.append(("scaler", _build_scaler(scaler, mirror)))
    level = several and scaler == "none" if level is None else level
    if several or level:
        weights = _inner_weights(parameters, families)
        scaled = FamilyScaler(_widths(families), weights, level=level, mirror=mirror)
        steps.append(("families", scaled))
    if mirror is not None:
        widths = _widths(families) if _summed(parameters) else None
        steps.append(("basis", MirrorBasis(*mirror, widths)))
    if pca := int(parameters.get("pca", 0)):
        before = find_halves(parameters)
        if len(before) == 1 and not before[0][1]:
            steps.append(("pca", PCA(n_components=pca, random_state=seed)))
        else:
            steps.append(("pca", BlockPCA(pca, before, random_state=seed)))
    return steps


def find_blocks(parameters: Mapping[str, Any]) -> tuple[Block, ...] | None:
    """Return the columns that a kernel machine reads, after PCA; None for one plain block."""
    families = _families(parameters)
    if not _mirrored(parameters) and not _summed(parameters):
        return None
    halves = find_halves(parameters)
    if pca := int(parameters.get("pca", 0)):
        halves = BlockPCA(pca, halves).halves
    weights = [family.weight for family in families] if _summed(parameters) else [1.0]
    return tuple(Block(*half, weight) for half, weight in zip(halves, weights, strict=True))


def find_halves(parameters: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """Return the symmetric and antisymmetric columns of each block before PCA."""
    families = _families(parameters)
    if _mirrored(parameters):
        mirror = join_mirrors(family.name for family in families)
        return MirrorBasis(*mirror, _widths(families) if _summed(parameters) else None).halves
    if _summed(parameters):
        return tuple((width, 0) for width in _widths(families))
    return ((sum(_widths(families)), 0),)


def _families(parameters: Mapping[str, Any]) -> tuple[WeightedFamily, ...]:
    if "families" in parameters:
        return parse_families(parameters["families"])
    if _mirrored(parameters):
        raise MienError("A mirrored kernel needs to know the feature families.")
    return ()


def _widths(families: tuple[WeightedFamily, ...]) -> list[int]:
    return [get_family(family.name).width for family in families]


def _mirrored(parameters: Mapping[str, Any]) -> bool:
    return parameters.get("mirror", "none") == "average"


def _summed(parameters: Mapping[str, Any]) -> bool:
    several = "families" in parameters and len(parse_families(parameters["families"])) > 1
    return several and parameters.get("combine", "distances") == "kernels"


def _inner_weights(
    parameters: Mapping[str, Any], families: tuple[WeightedFamily, ...]
) -> list[float]:
    """Return what families' squared distances weigh; kernels of their own are weighed later."""
    return [1.0 if _summed(parameters) else family.weight for family in families]


def _build_scaler(name: str, mirror: Any) -> Any:
    """Return a scaler; with a mirror min-max goes to (-1, 1), so that a sign can turn."""
    if name == "zscore":
        scaler: Any = StandardScaler()
    else:
        scaler = MinMaxScaler(feature_range=(0, 1) if mirror is None else (-1, 1))
    return scaler if mirror is None else MirrorScaler(scaler, *mirror)
