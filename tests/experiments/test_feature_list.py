from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.experiments import cli
from mien.features import registry
from mien.features.registry import PLUGINS, family_names
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

Run = Callable[..., tuple[int, str, str]]
SLOPPY = '''
import numpy as np

from mien.features.base import FeatureFamily
from mien.features.registry import register


@register
class Sloppy(FeatureFamily):
    """The nose tip's place in the picture."""

    name = "{name}"
    version = 1
    title = "the nose tip's place in the picture"
    feature_names = ("x", "y")
    mirror = (np.arange(2), np.array([-1, 1], np.float32))

    def compute(self, faces):
        return faces.mesh[:, 4, :2].copy()
'''


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Run]:
    """Run a command as the shell does; return exit code, standard output and error."""
    family_names()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv(PLUGINS, "")
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mien", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield run
    registry._build.cache_clear()
    registry._import_plugin.cache_clear()


@pytest.fixture
def bundle() -> Path:
    try:
        return ensure_landmarker_bundle()
    except MienError as error:
        pytest.skip(str(error))


def test_every_family_is_listed_with_its_options(run: Run) -> None:
    code, out, error = run("features", "--no-cost")
    assert (code, error) == (0, "")
    assert all(f" {name} " in out for name in family_names())
    assert "2,178" in out
    assert "window=24: window's side in pixels, a multiple of 3 from 6" in out
    assert "radii=2-4: " in out


def test_json_has_width_options_and_cost(run: Run, bundle: Path) -> None:
    code, out, error = run("features", "--json", "--landmarker", str(bundle))
    assert (code, error) == (0, "")
    told = {family["name"]: family for family in json.loads(out)}
    assert set(told) == set(family_names())
    assert list(told)[:4] == ["blendshapes", "geometry", "patch_hog", "pose"]
    assert [family["default"] for family in told.values()] == [True] * 4 + [False] * 6
    assert told["patch_lbp"]["options"]["radii"] == {
        "value": "2-4", "default": "2-4", "meaning": "circles' radii in pixels, each 1 to 8",
    }  # fmt: skip
    assert all(0 < family["ms_per_face"] < 100 for family in told.values())
    assert told["pose"]["width"] == 3


def test_one_family_is_told_at_length(run: Run) -> None:
    code, out, _ = run("features", "patch_lbp@radii=3", "--no-cost")
    assert code == 0
    assert out.startswith("patch_lbp@radii=3, version 1: local binary patterns")
    assert "3,776 columns\n" in out
    assert "lbp:radius3:mesh33:00000000" in out
    assert "Option radii=3 (default 2-4): " in out
    assert "Ojala" in out


def test_without_faces_to_measure_on_the_list_is_shown_all_the_same(
    run: Run, tmp_path: Path
) -> None:
    code, out, error = run("features", "pose", "--landmarker", str(tmp_path / "none.task"))
    assert code == 0
    assert error.startswith("Note: the cost is not measured. ")
    assert "3 columns\n" in out


def test_an_unknown_family_is_an_error(run: Run) -> None:
    code, out, error = run("features", "fisher_faces")
    assert (code, out) == (2, "")
    assert "There is no feature family 'fisher_faces'" in error


def test_checks_pass(run: Run, bundle: Path) -> None:
    code, out, error = run(
        "features", "pixels", "geometry@frontal=0", "--check", "--landmarker", str(bundle)
    )
    assert (code, error) == (0, "")
    assert out == "pixels passes all 13 checks\ngeometry@frontal=0 passes all 13 checks\n"


def test_a_plugin_is_loaded_listed_and_checked(run: Run, tmp_path: Path, bundle: Path) -> None:
    Path("sloppy_family.py").write_text(SLOPPY.format(name="sloppy"))
    code, out, _ = run(
        "--plugin", "sloppy_family.py", "features", "sloppy", "--check", "--landmarker", str(bundle)
    )
    assert code == 1
    assert "sloppy fails 2 of 13 checks\n  mirrored_pictures: " in out
    assert "\n  moved_pictures: a shifted picture's features differ by " in out
    assert os.environ[PLUGINS] == str(tmp_path / "sloppy_family.py")


def test_plugins_add_up(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}_family.py").write_text(SLOPPY.format(name=f"sloppy_{name}"))
    monkeypatch.setenv(PLUGINS, str(tmp_path / "one_family.py"))
    code, out, error = run(
        "--plugin", "two_family.py", "--plugin", "json", "--plugin", "two_family.py",
        "features", "--no-cost",
    )  # fmt: skip
    assert (code, error) == (0, "")
    assert " sloppy_one " in out
    assert " sloppy_two " in out
    paths = [str(tmp_path / f"{name}_family.py") for name in ("one", "two")]
    assert os.environ[PLUGINS].split(os.pathsep) == [*paths, "json"]


def test_a_missing_plugin_is_an_error(run: Run) -> None:
    code, _, error = run("--plugin", "nowhere.py", "features", "--no-cost")
    assert code == 2
    assert "nowhere.py cannot be loaded (FileNotFoundError: there is no such file)" in error


def test_landmarks_are_drawn(run: Run, tmp_path: Path, bundle: Path) -> None:
    code, out, _ = run("features", "--landmarks", "chart/l.png", "--landmarker", str(bundle))
    assert (code, out) == (0, "Landmarks: chart/l.png\n")
    assert (tmp_path / "chart" / "l.png").read_bytes().startswith(b"\x89PNG")
