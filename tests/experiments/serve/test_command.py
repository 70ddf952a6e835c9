"""``mien serve`` as it is typed."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from mien.experiments.serve import command
from mien.experiments.serve.running import listen, write_address
from mien.models.bundle import save_bundle


@pytest.fixture
def model(bundle, tmp_path):
    save_bundle(bundle, tmp_path / "model.joblib")
    return tmp_path / "model.joblib"


@pytest.fixture
def served(monkeypatch):
    """Let every page end as soon as it would begin."""
    addresses = []

    def run(_, *, on_start):
        on_start()
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.experiments.serve.running.PageServer.run", run)
    monkeypatch.setattr("webbrowser.open", addresses.append)
    return addresses


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_a_missing_package_is_told_with_the_line_that_mends_it(run, monkeypatch, package):
    found = command.find_spec
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == package else found(name))
    code, _, told = run("serve", "model.joblib")
    assert code == 2
    assert f"needs {package}" in told
    assert "install 'mien[serve]'" in told


def test_what_it_says(run, model, served):
    code, out, _ = run("serve", model, "--port", "0")
    assert code == 0
    assert "http://127.0.0.1:" in out
    assert "stay on this machine" in out
    assert served == []


@pytest.mark.usefixtures("served")
def test_others_are_served_only_with_a_warning(run, model):
    code, out, _ = run("serve", model, "--port", "0", "--host", "0.0.0.0")
    assert code == 0
    assert "Everyone who reaches this machine" in out
    assert "stay on this machine" not in out


def test_the_browser_is_opened_when_asked(run, model, served):
    _, out, _ = run("serve", model, "--port", "0", "--open")
    for _ in range(1000):
        if served:
            break
        time.sleep(0.02)
    assert served[0] in out


def test_a_port_that_is_taken(run, model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, told = run("serve", model, "--port", taken.getsockname()[1])
    assert code == 2
    assert "Name another port with --port" in told


def test_a_host_that_is_not_this_machine(run, model):
    code, _, told = run("serve", model, "--host", "192.0.2.1")
    assert code == 2
    assert "192.0.2.1" in told


def test_no_model(run, tmp_path):
    code, _, told = run("serve", tmp_path / "none.joblib")
    assert code == 2
    assert "There is no model" in told


@pytest.mark.parametrize("content", [None, b"", b"hello", b"\x89PNG"])
def test_no_report(run, model, tmp_path, content):
    report = tmp_path / "report.html"
    if content is not None:
        report.write_bytes(content)
    code, _, told = run("serve", model, "--report", report)
    assert code == 2
    assert "Name a report.html of mien compare." in told


@pytest.mark.parametrize(
    ("host", "start"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:")]
)
def test_addresses(host, start):
    with listen(host, 0) as listening:
        assert write_address(listening) == f"{start}{listening.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(signal.SIGINT, 0), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_a_signal_ends_it_and_leaves_nothing(model, tmp_path, kind, code, landmarker):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    arguments = ["serve", model, "--port", "0", "--no-open", "--landmarker", landmarker]
    with subprocess.Popen(
        [sys.executable, "-m", "mien", *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(scratch)},
    ) as process:  # fmt: skip
        process.stdout.readline()
        process.stdout.readline()
        while not list(scratch.iterdir()):
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(kind)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert list(scratch.iterdir()) == []
