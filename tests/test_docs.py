"""The documents: every command runs or is understood, every message exists, the site builds.

A block of commands that cannot be run here has the line ``<!-- not run: why -->`` above it; its
options are checked all the same. Commands to be typed that are not Mien's stand in ``console``.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import pytest
import typer

from mien.errors import MienError
from mien.experiments import cli
from mien.pipeline.datasets.layout import Source
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.reasons import Reason
from mien.pipeline.store import FeatureStore

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
DOCUMENTS = ["README.md", *(f"docs/{page}" for page in PAGES)]
BLOCK = re.compile(r"(?:^<!-- not run: (.+?) -->\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)
SMALLER = {r"people=\d+": "people=6", r"--trials \d+": "--trials 2"}
"""What the commands are shortened by, so that they take seconds."""

PERSONS = 6


def read_blocks(document: str, language: str) -> list[tuple[str, str]]:
    """Return the blocks of a language: code, and why it is not run or ``""``."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [(code, why) for why, name, code in BLOCK.findall(text) if name == language]


def read_commands(document: str, *, only_run: bool = False) -> list[list[str]]:
    """Return the words of every command line of Mien."""
    found = []
    for code, why in read_blocks(document, "sh"):
        if only_run and why:
            continue
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line.strip().removesuffix("&"), comments=True)
            if words[:1] == ["mien"]:
                found.append(words)
    return found


RUN = [page for page in PAGES if read_commands(f"docs/{page}", only_run=True)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_is_one_that_the_command_line_understands(document: str) -> None:
    group = typer.main.get_command(cli.app)
    for words in read_commands(document):
        context = group.make_context("mien", words[1:])
        command, rest = group, [*context._protected_args, *context.args]
        while hasattr(command, "resolve_command"):
            name, command, rest = command.resolve_command(context, rest)
            context = command.make_context(name, list(rest), parent=context)
            rest = [*getattr(context, "_protected_args", []), *context.args]
        assert not rest, words


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_that_is_run_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for module in re.findall(r"python -m (mien[\w.]*)", text):
        assert importlib.util.find_spec(module), module


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_linked_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith("http"):
            assert ((ROOT / document).parent / target).exists(), target


def run_mien(words: list[str], folder: Path) -> None:
    """Run a command in a folder; one with a plugin, which would stay, in a process of its own."""
    if "--plugin" in words:
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        code, told = done.returncode, done.stdout + done.stderr
    else:
        code, told = run_here(words, folder)
    assert code == 0, f"{shlex.join(words)}\n{told}"


def run_here(words: list[str], folder: Path) -> tuple[object, str]:
    """Run a command in this process; return its code and what it prints."""
    told = io.StringIO()
    with chdir(folder), redirect_stdout(told), redirect_stderr(told), patch("sys.argv", words):
        try:
            cli.main()
        except SystemExit as end:
            return end.code or 0, told.getvalue()
    return 0, told.getvalue()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages' commands name: rendered faces, a store, a model, a report."""
    try:
        ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("documents")
    for line in (
        f"mien render --people {PERSONS} --out photos",
        "mien render --people 1 --seed 7 --out album",
        "mien extract photos --subject-pattern ^(person_\\d+) --out store",
        "mien tune store --trials 2 --sampler random --out tuned.json",
        "mien compare store --models svm-linear --cv subject:2 --out report",
        "mien export store --model svm-rbf --out model.joblib",
    ):
        run_mien(line.split(), folder)
    pictures = sorted((folder / "photos").rglob("*.png"))
    shutil.copy(pictures[0], folder / "holiday.jpg")
    names = [f"{path.parent.name}/{path.name}" for path in pictures]
    lines = [f"{name},{name.partition('/')[2].rpartition('_')[0]}" for name in names]
    (folder / "persons.csv").write_text("\n".join(["picture,subject", *lines]) + "\n")
    greys = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in pictures[::8]]
    np.save(folder / "faces.npy", np.stack(greys))
    np.save(folder / "labels.npy", np.array([path.parent.name for path in pictures[::8]]))
    write_clip(folder / "clip.mp4", cv2.imread(str(pictures[0])))
    [(plugin, _)] = read_blocks("docs/own-family.md", "python")
    (folder / "mouth_family.py").write_text(plugin)
    return folder


def write_clip(path: Path, picture: np.ndarray) -> None:
    """Write a clip of five frames, all the same."""
    height, width = picture.shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (width, height))
    for _ in range(5):
        writer.write(picture)
    writer.release()


def prepare_for(page: str, prepared: Path, folder: Path) -> Path:
    """Copy what a page's commands read, without what they make themselves before."""
    words = [word for words in read_commands(f"docs/{page}", only_run=True) for word in words]
    for path in prepared.iterdir():
        at = words.index(path.name) if path.name in words else 0
        if at and words[at - 1] == "--out":
            continue
        if path.name == "tuned.db" and not (prepared / "tuned.json").exists():
            continue
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        copy(path, folder / path.name)
    return folder


def test_a_page_gets_what_it_reads_and_not_what_it_makes(tmp_path: Path) -> None:
    prepared, folder = tmp_path / "prepared", tmp_path / "folder"
    for path in (prepared, folder):
        path.mkdir()
    for name in ("store", "tuned.json", "photos"):
        (prepared / name).mkdir()
    prepare_for("tune.md", prepared, folder)
    assert {path.name for path in folder.iterdir()} == {"store", "photos"}


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_every_command_runs(page: str, prepared: Path, tmp_path: Path) -> None:
    folder = prepare_for(page, prepared, tmp_path)
    for words in read_commands(f"docs/{page}", only_run=True):
        line = shlex.join(words)
        for pattern, smaller in SMALLER.items():
            line = re.sub(pattern, smaller, line)
        run_mien(shlex.split(line), folder)


@pytest.fixture
def names(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Where a page's Python leaves its names, in a folder with what it reads."""
    monkeypatch.chdir(shutil.copytree(prepared, tmp_path / "here"))
    return {}


@pytest.mark.slow
def test_the_model_of_ones_own_is_scored(
    names: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    for code, _ in read_blocks("docs/own-model.md", "python"):
        exec(code, names)
    assert len(re.findall(r"\d+\.\d%", capsys.readouterr().out)) == 3
    candidate = names["mine"]
    assert candidate.parameters({"epochs": 3})["width"] == 0.5


@pytest.mark.slow
def test_the_dataset_of_ones_own_is_read(
    names: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for code, _ in read_blocks("docs/own-dataset.md", "python"):
        exec(code, names)
    labels = np.load("labels.npy")
    assert f"{len(labels)} pictures" in capsys.readouterr().out
    store = FeatureStore.open("my-store")
    assert store.rows["label"].tolist() == labels.tolist()
    named = tmp_path / "named"
    named.mkdir()
    picture = next(Path("photos").rglob("*.png"))
    for name in ("happy-001.png", "sad-002.png"):
        shutil.copy(picture, named / name)
    layout, source = names["NAMED"], Source(str(named))
    assert layout.recognises(source)
    assert not layout.recognises(Source("photos"))
    read = layout.read(source, None)
    assert read.rows["label"].tolist() == ["happy", "sad"]
    assert read.pictures.read(0).size


@cache
def collect_texts() -> str:
    """Return every text in the code but docstrings, one a line, ``…`` for what is filled in."""
    found = []
    for folder in ("package", "features", "models", "pipeline", "experiments"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, (ast.Call, ast.Tuple)):
                    parts = node.args if isinstance(node, ast.Call) else node.elts
                    found += [read_text(part).replace("\n", " ") for part in parts]
    return "\n".join(found)


def read_text(node: ast.expr) -> str:
    """Return a text expression with ``…`` for whatever is not constant."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(read_text, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return read_text(node.left) + read_text(node.right)
    return "…"


def is_printed(quoted: str) -> bool:
    """Tell whether the code has such a text; ``…`` stands for anything."""
    pattern = ".+?".join(map(re.escape, quoted.split("…")))
    return re.search(f"^{pattern}$", collect_texts(), re.MULTILINE) is not None


TROUBLES = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = [
    line[3:].split("` | ")[0] for line in TROUBLES.splitlines() if re.match(r"\| `.*[.:]` \|", line)
]


def test_a_message_is_found_only_as_it_is_printed() -> None:
    assert is_printed("There is no model at ….")
    assert not is_printed("There is no modem at ….")
    assert not is_printed("There is no model")
    assert len(QUOTED) > 30


@pytest.mark.parametrize("quoted", QUOTED)
def test_every_message_in_the_documents_is_printed_by_the_code(quoted: str) -> None:
    assert is_printed(quoted)


def test_every_reason_is_explained() -> None:
    table = TROUBLES.partition("## Reasons in rows")[2]
    assert [reason for reason in Reason if f"`{reason}`" not in table] == []


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", DOCS, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "reference.html").read_text(encoding="utf-8")
    assert "mien.features.base.FeatureFamily" in reference
    for page in PAGES:
        html = (tmp_path / page).with_suffix(".html").read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', html), page
