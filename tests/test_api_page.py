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


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, but for the picture that the examples name."""
    try:
        landmarker = ensure_landmarker_bundle()
    except mien.MienError as error:
        pytest.skip(str(error))
    write_rendered("rendered:people=1,seed=9,classes=happy", landmarker, tmp_path / "drawn")
    find_pictures([tmp_path / "drawn"])[0].rename(tmp_path / "face.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
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


@pytest.mark.usefixtures("folder")
def test_the_docstrings_examples_run():
    tests = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner()
    for job in JOBS:
        (test,) = tests.find(getattr(mien, job), job)
        assert test.examples
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
