"""The examples of the page on the Python functions, and of their docstrings, run as they stand."""

import doctest
import re
from pathlib import Path

import pytest

import mien
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle
from mien.pipeline.predict import find_pictures
from mien.pipeline.rendered.export import write_rendered

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
JOBS = ("extract", "tune", "compare", "export", "load")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the picture that the examples name; all examples run in it."""
    try:
        landmarker = ensure_landmarker_bundle()
    except mien.MienError as error:
        pytest.skip(str(error))
    made = tmp_path_factory.mktemp("examples")
    write_rendered("rendered:people=1,seed=9,classes=happy", landmarker, made / "drawn")
    find_pictures([made / "drawn"])[0].rename(made / "face.png")
    return made


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_the_page_runs(capsys):
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    names: dict = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    told = capsys.readouterr().out
    assert "There is no file nowhere.png" in told
    assert f"{Path('report/report.html')}\n" in told
    assert names["found"].label in names["model"].classes
    assert names["tuned"].path.is_file()
    assert all(f"mien.{job}(" in "".join(blocks) for job in JOBS)


def test_the_docstrings_examples_run():
    tests = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner()
    for job in JOBS:
        (test,) = tests.find(getattr(mien, job), job)
        assert test.examples
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
