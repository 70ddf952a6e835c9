"""Storages of studies: opened, looked into without making anything, named without passwords."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from mien.errors import MienError, first_line
from mien.experiments.journals import WholeLines

JOURNAL = "journal:"
_TABLES = {"studies", "trials", "version_info"}
_HEARTBEAT_SECONDS = 30
_GRACE_SECONDS = 120
_SQLITE_WAIT_SECONDS = 60
_RETRIES = 10
_SIGNS_OF_A_RACE = ("already exists", "unique", "duplicate", "locked")
"""What databases say when another process makes the same tables at the same time."""
_FAILURES = (
    SQLAlchemyError,
    optuna.exceptions.StorageInternalError,
    optuna.exceptions.UpdateFinishedTrialError,  # this process was silent, and taken for dead
)
_EXAMPLES = "Write for example sqlite:///study.db, journal:study.log or postgresql://user@host/db."


@contextmanager
def open_storage(url: str | None, *, existing: bool = False) -> Iterator[BaseStorage | None]:
    """Open an Optuna storage: a database URL, or ``journal:PATH`` for a journal file.

    Trials of a killed process are noticed by their silence, set to failed, and done again (in a
    database; in a journal they stay as running, which stops nobody).

    Parameters
    ----------
    url : str or None
        None keeps the study in memory.
    existing : bool
        Whether the storage must be there already: no file and no table is made.

    Yields
    ------
    BaseStorage or None
        Its connections are closed at the end.

    Raises
    ------
    MienError
        If the storage cannot be opened, or fails while it is in use.
    """
    storage = None if url is None else _connect(url, existing=existing)
    try:
        yield storage
    except (*_FAILURES, AssertionError) as error:
        failure = _find_failure(error)
        if failure is None:
            raise
        told = _first_line(failure.__cause__ or failure, str(url))
        raise MienError(
            f"The study's storage {mask_url(str(url))!r} failed ({told}).",
            "Finished trials are kept: when it works again, run the same command to go on.",
        ) from error
    finally:
        if isinstance(storage, RDBStorage):
            storage.remove_session()
            storage.engine.dispose()


def _find_failure(error: BaseException) -> BaseException | None:
    """Return a storage's failure; Optuna covers one at a trial's end with an assertion."""
    found = error.__context__ if isinstance(error, AssertionError) else error
    return found if isinstance(found, _FAILURES) else None


def mask_url(url: str) -> str:
    """Return a storage's URL as it may be shown: without its password."""
    try:
        parsed = make_url(url)
        shown = parsed.render_as_string(hide_password=True)
        readable = "@" not in (parsed.host or "")
    except (ArgumentError, ValueError):
        readable = False
    if not readable:
        shown = re.sub(r"(://[^:/?]*:).*@", r"\1***@", url)
    return re.sub(r"([?&]\w*password=)[^&]*", r"\1***", shown)


def _first_line(error: BaseException, url: str) -> str:
    """Return what an error says, without the password that it may repeat."""
    error = getattr(error, "orig", None) or error
    told = first_line(error).replace(url, mask_url(url))
    for secret in re.findall(r"://[^:/?]*:(.*)@|[?&]\w*password=([^&]*)", url):
        for part in filter(None, secret):
            told = told.replace(part, "***")
    return told


def _connect(url: str, *, existing: bool) -> BaseStorage:
    try:
        if url.startswith(JOURNAL):
            return _open_journal(Path(url.removeprefix(JOURNAL)), existing=existing)
        if "@" in (make_url(url).host or ""):
            raise ValueError("an @ in a user's name or a password is written %40")
        return _open_database(url, existing=existing)
    except ImportError as error:
        raise _tell_driver(url, error) from error
    except (
        SQLAlchemyError, optuna.exceptions.OptunaError, OSError, RuntimeError, ValueError,
        LookupError,
    ) as error:  # fmt: skip
        raise MienError(
            f"The study's storage {mask_url(url)!r} cannot be opened ({_first_line(error, url)}).",
            _EXAMPLES,
        ) from error


def _tell_driver(url: str, error: ImportError) -> MienError:
    """Say which package a database's URL needs, and how to get it."""
    from mien.experiments.doctor import pip_command

    driver = error.name or getattr(error.__cause__, "name", None) or "a driver that can be imported"
    hint = "Install it, or use a database whose driver is there."
    if make_url(url).get_backend_name() == "postgresql":
        hint = f"Write postgresql://user@host/db, and: {pip_command()} install 'psycopg[binary]'"
    return MienError(f"The study's storage {mask_url(url)!r} needs {driver}.", hint)


def _open_journal(path: Path, *, existing: bool) -> BaseStorage:
    if existing:
        _require_file(path)
    if path.exists():
        _require_journal(path)
    return optuna.storages.JournalStorage(WholeLines(path))


def _require_journal(path: Path) -> None:
    """Append to nothing that is not a journal: Optuna looks at whole lines only."""
    with path.open("rb") as file:
        line = file.readline(1 << 16)
    if line and b'"op_code"' not in line:
        raise ValueError("the file is of something else")


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise MienError(f"There is no study's storage {path}.", "mien tune makes one.")


def _open_database(url: str, *, existing: bool) -> RDBStorage:
    """Open a database; its tables are made when missing, by one of the processes that begin."""
    if existing:
        _require_tables(url)
        return _make_database(url, skip_table_creation=True)
    for _ in range(_RETRIES):
        try:
            return _make_database(url)
        except DatabaseError as error:
            if not any(sign in str(error).lower() for sign in _SIGNS_OF_A_RACE):
                raise
            time.sleep(0.2)
    return _make_database(url)


def _require_tables(url: str) -> None:
    """Refuse a database without studies, so that looking at it does not make any."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not (parsed.database or "").startswith("file:"):
        _require_file(Path(parsed.database or ":memory:"))
    engine = create_engine(url, **_engine_options(url))
    try:
        found = set(inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if not found >= _TABLES:
        raise MienError(
            f"{mask_url(url)} is a database without studies.",
            "Name the storage of mien tune; one that is new gets its tables from mien tune.",
        )


def _engine_options(url: str) -> dict[str, Any]:
    """Wait for a locked file; notice lost connections; read text of a database of any encoding."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": _SQLITE_WAIT_SECONDS}}
    psycopg = parsed.get_driver_name().startswith("psycopg")
    encoding = {"client_encoding": "utf8"} if psycopg else {}
    return {"pool_pre_ping": True, "connect_args": encoding}


def _make_database(url: str, *, skip_table_creation: bool = False) -> RDBStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(
            url,
            engine_kwargs=_engine_options(url),
            heartbeat_interval=_HEARTBEAT_SECONDS,
            grace_period=_GRACE_SECONDS,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
            skip_table_creation=skip_table_creation,
        )
