"""Finding the storage that a user names: a URL, a file of studies, or a file of parameters."""

from __future__ import annotations

import json
from pathlib import Path

from mien.errors import MienError

_SQLITE = b"SQLite format 3\0"


def study_file(parameters: Path) -> Path:
    """Return the study's SQLite file beside the parameters' file, never that file itself."""
    return parameters.with_suffix(".study.db" if parameters.suffix == ".db" else ".db")


def find_storage(named: str) -> tuple[str, str | None]:
    """Find a storage.

    Parameters
    ----------
    named : str
        A storage's URL, the path of a SQLite or journal file, or of the parameters that
        ``mien tune`` wrote beside its study.

    Returns
    -------
    url : str
    study : str or None
        The study that the parameters come from.

    Raises
    ------
    MienError
        If a path is not that of such a file.
    """
    if "://" in named or named.startswith("journal:"):
        return named, None
    path = Path(named)
    try:
        with path.open("rb") as file:
            content = file.read(1 << 16)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MienError(
            f"The study's storage {named!r} cannot be read ({reason}).",
            "Name a file of mien tune, or a URL such as postgresql://user@host/db.",
        ) from error
    if content.startswith(_SQLITE):
        return f"sqlite:///{path}", None
    if b'"op_code"' in content.partition(b"\n")[0]:
        return f"journal:{path}", None
    return _beside_parameters(path)


def _beside_parameters(path: Path) -> tuple[str, str]:
    try:
        study = str(json.loads(path.read_text(encoding="utf-8"))["study"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MienError(
            f"{path} holds no study.",
            "Name a SQLite file, a journal or the parameters that mien tune wrote.",
        ) from error
    storage = study_file(path)
    if not storage.is_file():
        raise MienError(
            f"{path} comes from the study {study}, which is not in {storage.name} beside it.",
            f"Name its storage: mien study show URL --study {study}",
        )
    return f"sqlite:///{storage}", study
