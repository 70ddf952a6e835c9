"""What a bundle was made with, against what is installed here."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import mien
from mien.errors import MienError
from mien.features.registry import family_names, get_family
from mien.models.bundle import Bundle
from mien.models.bundle_check import require_same
from mien.models.bundle_migration import name_release
from mien.models.cnn.inputs import PICTURE_SHAPE

PACKAGES = ("scikit-learn", "numpy", "scipy", "opencv-contrib-python", "mediapipe")
NETWORK_PACKAGES = ("keras", "tensorflow")
_PREDICTING = ("scikit-learn", "numpy", "scipy", *NETWORK_PACKAGES)


def read_versions(*, network: bool) -> dict[str, str]:
    """Return the versions of mien, Python and the packages that a model depends on.

    Parameters
    ----------
    network : bool
        Whether the model has a network.
    """
    packages = (*PACKAGES, *(NETWORK_PACKAGES if network else ()))
    return {
        "mien": mien.__version__,
        "python": platform.python_version(),
        **{name: read_version(name) for name in packages},
    }


def find_differences(versions: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Find what is of another version here.

    Parameters
    ----------
    versions : mapping of str to str
        A bundle's.

    Returns
    -------
    dict of str to dict
        By name, the version ``then`` and ``here``.
    """
    here = {"mien": mien.__version__, "python": platform.python_version()}
    found = {name: here.get(name) or read_version(name) for name in versions}
    return {
        name: {"then": then, "here": found[name]}
        for name, then in versions.items()
        if then != found[name]
    }


def describe_alignment() -> dict[str, Any]:
    """Return a bundle's ``alignment`` as this release aligns faces."""
    from mien.features.alignment import ALIGNED_EYES_AND_MOUTH

    points = [[round(float(share), 4) for share in point] for point in ALIGNED_EYES_AND_MOUTH]
    return {"eyes_and_mouth": points, "network_side": PICTURE_SHAPE[0]}


def settle(path: Path, bundle: Bundle) -> str:
    """Make sure that a bundle predicts here as where it was made.

    Parameters
    ----------
    path : Path
        The model's file, to name it.
    bundle : Bundle

    Returns
    -------
    str
        What the user should know of differing versions; empty if nothing.

    Raises
    ------
    MienError
        If a feature family is not registered or of another version, faces are aligned otherwise
        here, or the reference predictions are not the same.
    """
    require_families(path, bundle.families, bundle.versions)
    _require_alignment(path, bundle)
    differences = find_differences(bundle.versions)
    if not differences:
        return ""
    then = _join(differences, "then")
    checked = require_same(path, bundle, then)
    predicting = {name: own for name, own in differences.items() if name in _PREDICTING}
    if not predicting:
        return ""
    start = f"{path} was made with {_join(predicting, 'then')}; here is {_join(predicting, 'here')}"
    if checked:
        return f"{start}. Its reference predictions are the same here."
    return (
        f"{start}. It has no reference predictions to compare: whether it predicts the same is not "
        "known. Export it again to be sure."
    )


def require_families(path: Path, families: Mapping[str, int], versions: Mapping[str, str]) -> None:
    """Refuse feature families that are not registered here, or are of another version.

    Raises
    ------
    MienError
        Naming the family and what to do.
    """
    made = name_release(versions)
    for spec, version in families.items():
        name = spec.partition("@")[0]
        if name not in family_names():
            raise MienError(
                f"{path} reads the feature family {name!r}, which is not known here. Known are: "
                f"{', '.join(family_names())}.",
                "If it is a family of your own, name its file: mien --plugin FILE predict …. Else "
                f"install the release that made the model ({made}).",
            )
        if (here := get_family(spec).version) != version:
            raise MienError(
                f"{path} was fitted on {spec} of version {version}; this release computes version "
                f"{here}.",
                f"Export it again, or install the release that made it ({made}).",
            )


def _require_alignment(path: Path, bundle: Bundle) -> None:
    here = describe_alignment() if bundle.alignment else {}
    if bundle.alignment != here:
        raise MienError(
            f"{path} was fitted on faces aligned otherwise: {bundle.alignment}; this release "
            f"aligns them by {here}.",
            f"Export it again, or install the release that made it "
            f"({name_release(bundle.versions)}).",
        )


def read_version(package: str) -> str:
    """Return an installed package's version, or ``not installed``."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _join(differences: Mapping[str, Mapping[str, str]], when: str) -> str:
    names: Iterable[str] = differences
    return ", ".join(f"{name} {differences[name][when]}" for name in names)
