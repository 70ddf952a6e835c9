"""Reading pictures sends nothing: the work is done in a network in which every frame is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.pipeline.store import FeatureStore

WATCHER = Path(__file__).parent / "support" / "network_watcher.py"
NO_NETWORK = 77
PROXY = "http://192.0.2.9:3128"

Watch = Callable[..., list[str]]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
has_ipv6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="needs IPv6")


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """A function that runs Python in the watched network and gives the frames it sent."""

    def run(*arguments: object, **settings: str) -> list[str]:
        command = [sys.executable, WATCHER, tmp_path, sys.executable, *arguments]
        own = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        done = subprocess.run(
            list(map(str, command)),
            env=own | settings, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        if done.returncode == NO_NETWORK:
            pytest.skip(f"no network of its own for a process here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / "frames.json").read_text())

    return run


@pytest.fixture(params=[{}, {"HTTPS_PROXY": PROXY, "ALL_PROXY": PROXY}], ids=["direct", "proxy"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """How a user's machine reaches other hosts."""
    return request.param


@pytest.fixture
def faces(crops: np.ndarray, tmp_path: Path) -> Path:
    for number, crop in enumerate(crops):
        file = tmp_path / "faces" / ("happy", "sad")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), crop)
    return tmp_path / "faces"


LOOK_UP = """
import socket
try:
    socket.getaddrinfo("example.org", 443)
except OSError:
    pass
"""
DATAGRAM = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"told", ("198.51.100.7", 9))
"""
DATAGRAM_6 = """
import socket
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"told", ("2001:db8::7", 9))
"""
CONNECTION = """
import socket
with socket.socket() as sender:
    sender.setblocking(False)
    sender.connect_ex(("198.51.100.7", 443))
"""


@pytest.mark.parametrize(
    ("program", "content"),
    [
        (LOOK_UP, "\7example\3org"),
        (DATAGRAM, "told"),
        pytest.param(DATAGRAM_6, "told", marks=has_ipv6),
        (CONNECTION, "\xc6\x33\x64\7"),
    ],
    ids=["name", "datagram", "IPv6 datagram", "connection"],
)
def test_the_watcher_sees_what_is_sent(watch: Watch, program: str, content: str) -> None:
    assert any(content in frame for frame in watch("-c", program))


def test_an_extraction_sends_nothing(
    watch: Watch, faces: Path, landmarker: Path, tmp_path: Path, settings: dict[str, str]
) -> None:
    store = tmp_path / "store"
    command = ("extract", faces, "--out", store, "--landmarker", landmarker, "--workers", "1")
    assert watch("-m", "mien", *command, **settings) == []
    assert FeatureStore.open(store).has_face.all()


DETECT = """
import sys, time
from pathlib import Path
from mien.pipeline.detector import FaceDetector
from mien.pipeline.pictures import FilePictures

with FaceDetector(Path(sys.argv[1])) as detector:
    assert detector.detect(FilePictures(sys.argv[2], ["happy/0.png"]).read(0)) is not None
    time.sleep(1)
time.sleep(3)
"""


def test_closing_the_landmarker_sends_nothing_seconds_later(
    watch: Watch, faces: Path, landmarker: Path, settings: dict[str, str]
) -> None:
    """It would send usage logs then."""
    assert watch("-c", DETECT, landmarker, faces, **settings) == []


def test_the_rest_of_the_process_still_reaches_the_network(watch: Watch) -> None:
    start = "from mien.pipeline.detector import import_mediapipe\nimport_mediapipe()\n"
    assert any("\7example\3org" in frame for frame in watch("-c", start + LOOK_UP))
