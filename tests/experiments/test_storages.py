import sqlite3
import sys

import optuna
import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from mien.errors import MienError
from mien.experiments.storages import mask_url, open_storage
from mien.experiments.study_place import find_storage, study_file


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:word@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:wo@rd@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:word@host:port/db", "postgresql://me:***@host:port/db"),
        ("postgresql://host/db?password=word&user=me", "postgresql://host/db?password=***&user=me"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("sqlite:///a/study.db", "sqlite:///a/study.db"),
        ("journal:a/study.log", "journal:a/study.log"),
        ("study.db", "study.db"),
    ],
)
def test_a_password_is_never_shown(url, shown):
    assert mask_url(url) == shown


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sesame@127.0.0.1:1/db",
        "postgresql://me:ses@me@127.0.0.1:1/db",
        "postgresql://me:sesame@127.0.0.1:port/db",
        "nonsense://me:sesame@127.0.0.1/db",
    ],
)
def test_errors_do_not_tell_the_password(url, existing):
    with pytest.raises(MienError) as caught, open_storage(url, existing=existing):
        pass
    assert "me:***@" in str(caught.value)
    assert not any(part in str(caught.value) for part in ("sesame", "ses@", "@me"))


def test_a_wrong_password_is_said(postgresql):
    with pytest.raises(MienError) as caught, open_storage(postgresql.replace("mien:", "mien:x")):
        pass
    assert "password authentication failed" in str(caught.value)
    assert "a-secret-word" not in str(caught.value)


@pytest.mark.parametrize(("url", "driver"), [("postgresql", "psycopg"), ("mysql", "MySQLdb")])
@pytest.mark.parametrize("existing", [True, False])
def test_a_missing_driver_is_named(monkeypatch, url, driver, existing):
    monkeypatch.setitem(sys.modules, driver, None)
    with (
        pytest.raises(MienError) as caught,
        open_storage(f"{url}://me:word@host/db", existing=existing),
    ):
        pass
    assert f"'{url}://me:***@host/db' needs {driver}." in caught.value.message
    assert ("pip install 'psycopg[binary]'" in caught.value.hint) == (driver == "psycopg")


def test_plain_postgresql_urls_use_psycopg_3(new_database):
    with open_storage(new_database) as opened:
        assert opened.engine.driver == "psycopg"
        assert optuna.get_all_study_names(opened) == []


def test_a_database_in_ascii_will_do(postgresql):
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE DATABASE plain ENCODING 'SQL_ASCII' TEMPLATE template0")
    for existing in (False, True):
        with open_storage(
            postgresql.removesuffix("postgres") + "plain", existing=existing
        ) as opened:
            assert optuna.get_all_study_names(opened) == []


def test_looking_makes_neither_file_nor_table(tmp_path):
    for kind in ("sqlite:///", "journal:"):
        with (
            pytest.raises(MienError, match="There is no study's storage"),
            open_storage(f"{kind}{tmp_path / 'none'}", existing=True),
        ):
            pass
    assert list(tmp_path.iterdir()) == []
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE studies (name TEXT)")
    connection.close()
    before = other.read_bytes()
    with (
        pytest.raises(MienError, match="is a database without studies"),
        open_storage(f"sqlite:///{other}", existing=True),
    ):
        pass
    assert other.read_bytes() == before


def test_looking_makes_no_table_on_a_server(new_database):
    with (
        pytest.raises(MienError, match="is a database without studies"),
        open_storage(new_database, existing=True),
    ):
        pass
    with psycopg.connect(new_database) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)


@pytest.mark.parametrize(
    "failure",
    [
        OperationalError("UPDATE", {}, Exception("the disk is full")),
        optuna.exceptions.UpdateFinishedTrialError("the disk is full"),
    ],
)
def test_a_storage_that_fails_in_use_is_said(tmp_path, failure):
    with (
        pytest.raises(MienError, match=r"failed \(the disk is full\).*run the same command"),
        open_storage(f"sqlite:///{tmp_path / 'study.db'}"),
    ):
        raise failure


def test_a_study_never_shares_the_file_of_its_parameters(tmp_path):
    assert study_file(tmp_path / "tuned.json") == tmp_path / "tuned.db"
    assert study_file(tmp_path / "tuned.db") == tmp_path / "tuned.study.db"


def test_storages_are_found_by_url_or_file(tmp_path):
    database, journal, parameters = (tmp_path / n for n in ("tuned.db", "log", "tuned.json"))
    for url in (f"sqlite:///{database}", f"journal:{journal}"):
        with open_storage(url) as opened:
            optuna.create_study(study_name="a", storage=opened)
        assert find_storage(url) == (url, None)
    parameters.write_text('{"study": "a"}')
    assert find_storage(str(database)) == (f"sqlite:///{database}", None)
    assert find_storage(str(journal)) == (f"journal:{journal}", None)
    assert find_storage(str(parameters)) == (f"sqlite:///{database}", "a")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none", None, "cannot be read (No such file or directory)"),
        ("a.db", b"", "holds no study"),
        ("a.db", b"\x89PNG\n", "holds no study"),
        ("a.json", b"[1]", "holds no study"),
        ("a.json", b'{"study": "svm-x"}', "the study svm-x, which is not in a.db beside it"),
    ],
)
def test_a_file_without_a_study_is_said(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MienError) as caught:
        find_storage(str(tmp_path / name))
    assert message in str(caught.value)
    assert len(list(tmp_path.iterdir())) == (content is not None)
