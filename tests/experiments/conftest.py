"""The command line, run as the shell runs it, and storages of studies."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest

from mien.experiments import cli
from mien.experiments.candidates import Candidate
from mien.models.cnn import isolated
from mien.models.cnn.validation import split_validation

os.environ.pop("COLUMNS", None)  # of a test worker; the console would keep it
importlib.import_module("mien.experiments.console")
SUPPORT = Path(__file__).parent / "support"
PASSWORD = "a-secret-word"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run a command as the shell does; return exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def fake_networks(monkeypatch):
    """Let every candidate that is a network build one that answers a class by its seed."""
    monkeypatch.syspath_prepend(str(SUPPORT))
    fakes = importlib.import_module("network_fakes")
    build = Candidate.build

    def build_fake(self, parameters, *, seed, **options):
        if self.kind == "cnn":
            return fakes.FakeNetwork(parameters, seed)
        return build(self, parameters, seed=seed, **options)

    monkeypatch.setattr(Candidate, "build", build_fake)


class BandNetwork:
    """Tells a class by the brightest third of a picture; picklable, and fitted from the start."""

    def __init__(self, classes):
        self.classes_ = classes

    def predict_proba(self, X):
        means = X.reshape(len(X), 3, -1).mean(axis=2)[:, self.classes_] / 40
        powers = np.exp(means - means.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def fake_network(monkeypatch):
    """A stand-in for every network's training, in milliseconds; gives what each was asked.

    It holds rows back as a network does.
    """
    calls = []

    def fit_predict(classifier, X_train, y_train, X_tests, *, groups=None, **options):
        classes, codes = np.unique(y_train, return_inverse=True)
        fraction, seed = classifier.validation_fraction, classifier.random_state
        _, held = split_validation(codes, fraction=fraction, groups=groups, seed=seed)
        network = BandNetwork(classes)
        call = SimpleNamespace(
            pictures=X_train,
            validation_probabilities=network.predict_proba(X_train[held]),
            options=options,
        )
        calls.append(call)
        return isolated.IsolatedResult(
            probabilities=[network.predict_proba(X) for X in X_tests],
            classes=classes,
            history={"loss": [1.1], "accuracy": [0.5], "val_loss": [1.2], "val_accuracy": [0.4]},
            fit_seconds=2.0,
            predict_seconds=0.5,
            peak_rss_mb=1.0,
            rss_mb=1.0,
            estimator=network if options.get("return_estimator") else None,
            validation_rows=held,
            validation_probabilities=call.validation_probabilities,
        )

    monkeypatch.setattr(isolated, "fit_predict_isolated", fit_predict)
    return calls


def _find_programs():
    """Return the folder of PostgreSQL's programs; None where it is not installed."""
    folders = [str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")]
    found = shutil.which("initdb", path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))
    return found and Path(found).resolve().parent


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of this test run; gives the URL of its first database.

    PostgreSQL does not run as root: then it runs as nobody, in a folder of nobody's.
    """
    programs = _find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, socket.socket() as free:
        folder = Path(name)
        options = {"cwd": folder, "env": {"LC_ALL": "C"}, "stdout": subprocess.DEVNULL}
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            options |= other
            for path in (folder, folder / "password"):
                shutil.chown(path, other["user"], other["group"])
        language = ("--locale=C", "--encoding=UTF8")
        access = ("--username=mien", "--pwfile=password", "--auth=scram-sha-256")
        subprocess.run([programs / "initdb", "-D", "data", "--no-sync", *language, *access],
                       check=True, **options)  # fmt: skip
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        settings = ("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k", str(folder))
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [programs / "postgres", "-D", "data", "-p", str(port), *settings],
                stderr=log, **options,
            ) as server,
        ):  # fmt: skip
            try:
                url = f"postgresql://mien:{PASSWORD}@127.0.0.1:{port}/postgres"
                _wait_until_it_answers(url, server, folder / "log")
                yield url
            finally:
                server.send_signal(signal.SIGINT)


def _wait_until_it_answers(url, server, log):
    for _ in range(300):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"PostgreSQL does not answer: {log.read_text()}")


@pytest.fixture
def new_database(postgresql):
    """URL of a new database on the server."""
    name = f"studies_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgresql.removesuffix("postgres") + name


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def storage(request, tmp_path):
    """URL of a storage of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("new_database")
    return {"sqlite": "sqlite:///{}", "journal": "journal:{}"}[request.param].format(
        tmp_path / "study"
    )
