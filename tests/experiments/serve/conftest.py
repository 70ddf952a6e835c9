"""A page on a free port: with a stand-in for the model, and with one that reads rendered faces."""

from __future__ import annotations

import gc
import http.client
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from mien.errors import MienError
from mien.experiments.serve.guard import TOKEN_HEADER
from mien.experiments.serve.recogniser import Recogniser
from mien.experiments.serve.running import PageServer, listen
from mien.features.faces import FaceBatch
from mien.features.registry import get_family
from mien.models.bundle import Bundle
from mien.models.calibrated import CalibratedClassifier
from mien.models.fused_machine import FusedMachine
from mien.models.svm_pipeline import build_svm
from mien.pipeline.detector import FaceDetector
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.preparation import to_grey
from mien.pipeline.rendered.dataset import RenderedPictures, read_rendered
from mien.pipeline.rendered.renderer import RenderedFace

CLASSES = ("happy", "surprise")
LINES = {"contours": [[0, 1]], "mesh": [[0, 1]]}


class StandIn:
    """Answers without a model; what it was asked and what it does can be set."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget what was asked, and answer as at first."""
        self.asked = []
        self.frames = [{"frame": 0, "faces": []}, {"done": 1, "cut": False}]
        self.closed = threading.Event()
        self.clip_closed = threading.Event()
        self.free = threading.Event()
        self.free.set()
        self.failure = None

    def describe(self):
        return {"model": "stand-in", "classes": ["happy"], "lines": LINES, "face": [[0, 0], [1, 1]]}

    def answer_picture(self, data):
        self.asked.append(bytes(data))
        self.free.wait(20)
        if self.failure:
            raise self.failure
        return {"width": 1, "height": 1, "faces": [], "reason": "no_face", "message": ""}

    def answer_clip(self, clip):
        self.asked.append((clip, clip.read_bytes()))
        try:
            for frame in self.frames:
                self.free.wait(20)
                if isinstance(frame, Exception):
                    raise frame
                yield frame
        finally:
            self.clip_closed.set()

    def close(self):
        self.closed.set()


@dataclass
class Page:
    """A page that is served."""

    server: PageServer
    thread: threading.Thread
    port: int
    recogniser: object
    token: str = ""
    folder: Path | None = None
    address: str = field(init=False)

    def __post_init__(self):
        self.address = f"http://127.0.0.1:{self.port}/"

    def files(self):
        """List the clips that are kept."""
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method, path, body=None, **headers):
        """Return status, headers and body; ``token=None`` leaves the token out."""
        told = {TOKEN_HEADER: self.token} | {k.replace("_", "-"): v for k, v in headers.items()}
        if "token" in told and (token := told.pop("token")) is None:
            del told[TOKEN_HEADER]
        elif "token" in headers:
            told[TOKEN_HEADER] = token
        connection = self.connect()
        try:
            connection.request(method, path, body, told)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def collect_connections() -> None:
    """Collect what a server left open: elsewhere its process ends with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@contextmanager
def serve_page(recogniser, report=None) -> Iterator[Page]:
    with listen("127.0.0.1", 0) as listening:
        server = PageServer(recogniser, listening, report=report)
        thread = threading.Thread(target=server.run)
        thread.start()
        page = Page(server, thread, listening.getsockname()[1], recogniser)
        try:
            _, _, html = page.ask("GET", "/")
            page.token = re.search(r'name="mien-token" content="([\w-]+)"', html.decode())[1]
            yield page
        finally:
            server.stop()
            thread.join(30)
            assert not thread.is_alive()
            collect_connections()


@pytest.fixture(scope="session")
def serve():
    """The function that serves a page."""
    return serve_page


@pytest.fixture(scope="module", autouse=True)
def forget_connections():
    yield
    collect_connections()


@pytest.fixture
def stand_in():
    made = StandIn()
    yield made
    made.free.set()


@pytest.fixture(scope="session")
def shared_page(tmp_path_factory):
    """A page of a stand-in, whose clips are kept below ``folder``."""
    folder = tmp_path_factory.mktemp("clips")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        with serve_page(StandIn()) as served:
            patch.undo()
            served.folder = folder
            yield served


@pytest.fixture
def page(shared_page):
    shared_page.recogniser.reset()
    yield shared_page
    shared_page.recogniser.free.set()


@pytest.fixture(scope="session")
def landmarker() -> Path:
    try:
        return ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def faces(landmarker) -> list[RenderedFace]:
    """Happy and surprised faces of four people, in turn."""
    spec = "rendered:people=4,takes=1,seed=5,classes=happy+surprise"
    pictures = read_rendered(spec, landmarker).pictures
    assert isinstance(pictures, RenderedPictures)
    return [pictures.render(index) for index in range(8)]


@pytest.fixture(scope="session")
def bundle(faces, landmarker) -> Bundle:
    """A linear SVM of blendshapes, fitted on the faces."""
    with FaceDetector(landmarker) as detector:
        found = [detector.detect(face.picture) for face in faces]
    batch = FaceBatch(
        [to_grey(face.picture) for face in faces],
        np.stack([each.mesh for each in found]),
        np.stack([each.blendshapes for each in found]),
    )
    features = get_family("blendshapes").compute(batch)
    codes = np.arange(8) % 2
    machine = CalibratedClassifier(FusedMachine(build_svm("linear", {"C": 10.0})))
    machine.fit(features, codes, splits=list(StratifiedKFold(2).split(features, codes)))
    version = get_family("blendshapes").version
    return Bundle(
        "svm-linear", machine, CLASSES, {"blendshapes": version}, {}, {"name": "litert"},
        {"dataset": "Rendered faces", "rows": 8}, {},
    )  # fmt: skip


@pytest.fixture(scope="session")
def recogniser(bundle, landmarker) -> Iterator[Recogniser]:
    made = Recogniser(bundle, landmarker)
    yield made
    made.close()


def encode(picture, ending=".png") -> bytes:
    _, data = cv2.imencode(ending, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return data.tobytes()


@pytest.fixture(scope="session")
def happy(faces) -> bytes:
    """A happy face as a PNG file."""
    return encode(faces[0].picture)


@pytest.fixture(scope="session")
def clip(faces, tmp_path_factory) -> Path:
    """Two seconds: happy, then surprised; ten frames a second."""
    path = tmp_path_factory.mktemp("clip") / "two.webm"
    height, width = faces[0].picture.shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"VP80"), 10, (width, height))
    assert writer.isOpened()
    for face in [faces[0]] * 10 + [faces[1]] * 10:
        writer.write(cv2.cvtColor(face.picture, cv2.COLOR_RGB2BGR))
    writer.release()
    return path
