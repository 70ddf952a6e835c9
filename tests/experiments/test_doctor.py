import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.experiments import doctor
from mien.experiments.doctor import Check, exit_code, render_plain, run_checks, to_json
from mien.experiments.system_libraries import LIBRARIES

PIP = f"{sys.executable} -m pip"


@pytest.fixture
def installed(monkeypatch):
    """Pretend that exactly these packages are installed, and these required."""

    def pretend(versions, requires=()):
        def version(name):
            if name not in versions:
                raise metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(metadata, "version", version)
        monkeypatch.setattr(metadata, "requires", lambda *_: list(requires))

    return pretend


def test_checks_have_distinct_names_and_a_remedy_where_one_is_needed():
    checks = run_checks()
    assert len({check.name for check in checks}) == len(checks) == 10
    assert all(bool(check.remedy) == (check.status != "ok") for check in checks)


def test_looking_imports_nothing_heavy():
    heavy = ["tensorflow", "keras", "mediapipe", "cv2", "sklearn", "matplotlib", "pandas"]
    code = (
        "import sys\nfrom mien.experiments.doctor import run_checks\nrun_checks()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_python_outside_the_range_is_a_problem(monkeypatch):
    monkeypatch.setattr(metadata, "metadata", lambda *_: {"Requires-Python": ">=3.11,<3.14"})
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.10.4")
    check = doctor.check_python()
    assert check.status == "problem"
    assert check.found == f"3.10.4 at {sys.executable}"
    assert check.remedy == "Make the environment with a Python >=3.11,<3.14."
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.13.0")
    assert doctor.check_python().status == "ok"


def test_missing_libraries_come_with_the_line_that_installs_them(monkeypatch):
    monkeypatch.setattr(doctor, "missing_libraries", lambda: LIBRARIES[:2])
    monkeypatch.setattr(doctor, "install_line", lambda missing: f"install {len(missing)}")
    assert doctor.check_system_libraries() == Check(
        "system libraries",
        "problem",
        "not found: libEGL.so.1 (MediaPipe), libGLESv2.so.2 (MediaPipe)",
        "install 2",
    )


def test_packages_in_the_needed_versions_are_ok_and_extras_are_not_asked_for(installed):
    installed({"numpy": "2.4.0"}, ["numpy>=2.2", 'pytest>=9.0; extra == "dev"'])
    assert doctor.check_packages() == Check("packages", "ok", "all 1 in the versions needed")


def test_missing_and_old_packages_are_named_with_one_line_for_both(installed):
    installed({"numpy": "1.26.4", "pandas": "3.0.1"}, ["numpy>=2.2", "optuna>=5.0", "pandas>=3.0"])
    assert doctor.check_packages() == Check(
        "packages",
        "problem",
        "numpy 1.26.4 is not >=2.2; optuna is missing",
        f"{PIP} install 'numpy>=2.2' 'optuna>=5.0'",
    )


def test_a_package_whose_files_are_gone_is_installed_again(installed, monkeypatch):
    installed({"scikit-learn": "1.9.1"}, ["scikit-learn>=1.9"])
    sought = []
    monkeypatch.setattr(doctor.importlib.util, "find_spec", sought.append)
    check = doctor.check_packages()
    assert sought == ["sklearn"]
    assert check.found == "scikit-learn 1.9.1 is incomplete"
    assert check.remedy == f"{PIP} install --force-reinstall 'scikit-learn>=1.9'"


def test_running_from_the_source_folder_alone_is_a_warning(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    check = doctor.check_packages()
    assert (check.status, check.remedy) == ("warning", f"{PIP} install -e . (in Mien's folder)")


def test_one_opencv_wheel_is_ok(installed):
    installed({"opencv-contrib-python": "5.0.0.93"})
    assert doctor.check_opencv() == Check("OpenCV", "ok", "opencv-contrib-python 5.0.0.93")


def test_a_second_opencv_wheel_is_taken_out_and_the_first_put_back(installed):
    installed({"opencv-python": "4.12.0", "opencv-contrib-python": "5.0.0.93"})
    check = doctor.check_opencv()
    assert check.status == "warning"
    assert check.found.startswith("opencv-contrib-python 5.0.0.93, opencv-python 4.12.0:")
    assert check.remedy == (
        f"{PIP} uninstall -y opencv-contrib-python opencv-python"
        f" && {PIP} install --no-deps opencv-contrib-python==5.0.0.93"
    )


def test_no_opencv_is_a_problem(installed):
    installed({})
    check = doctor.check_opencv()
    assert (check.status, check.remedy) == ("problem", f"{PIP} install opencv-contrib-python")


@pytest.mark.parametrize("content", [None, b"half of it"])
def test_an_absent_or_damaged_bundle_is_fetched(monkeypatch, tmp_path, content):
    monkeypatch.delenv("MIEN_LANDMARKER", raising=False)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    if content:
        (tmp_path / "face_landmarker.task").write_bytes(content)
    check = doctor.check_bundle()
    assert (check.status, check.remedy) == ("problem", "mien doctor --fetch")
    assert str(tmp_path) in check.found


def test_a_wrongly_named_bundle_is_told_with_its_own_hint(monkeypatch):
    def wrong():
        raise MienError("There is no bundle.", "Name one.")

    monkeypatch.setattr(doctor, "find_landmarker_bundle", wrong)
    expected = Check("landmarker bundle", "problem", "There is no bundle.", "Name one.")
    assert doctor.check_bundle() == expected


def test_a_cache_that_does_not_exist_yet_is_judged_by_the_folder_above(monkeypatch, tmp_path):
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "not" / "yet"))
    assert doctor.check_cache().status == "ok"
    assert not (tmp_path / "not").exists()


def test_a_cache_that_is_a_file_or_not_writable_is_a_problem(monkeypatch, tmp_path):
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    assert doctor.check_cache() == Check(
        "cache folder",
        "problem",
        f"{tmp_path} cannot be written",
        'export MIEN_CACHE="$PWD/.cache"',
    )
    monkeypatch.undo()
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("MIEN_CACHE", str(file))
    assert doctor.check_cache().status == "problem"


def test_little_space_is_a_warning(monkeypatch, tmp_path):
    usage = doctor.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda *_: usage._replace(free=1_500_000_000))
    check = doctor.check_folder("temporary folder", lambda: tmp_path)
    assert check.status == "warning"
    assert check.found == f"{tmp_path}, 1.5 GB free"
    assert check.remedy == "export TMPDIR=/a/folder/with/space"


def test_a_folder_that_was_deleted_is_a_problem():
    def gone() -> Path:
        raise FileNotFoundError(2, "No such file or directory")

    check = doctor.check_folder("current folder", gone)
    assert (check.status, check.remedy) == ("problem", "cd to a folder that exists")


@pytest.mark.parametrize(
    ("value", "status"),
    [("4", "ok"), ("1", "ok"), ("5", "warning"), ("0", "warning"), ("x", "warning")],
)
def test_thread_variables_are_compared_with_the_processors(monkeypatch, value, status):
    for name in doctor.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "available_processors", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    check = doctor.check_processors()
    assert (check.status, check.found) == (status, f"4, OMP_NUM_THREADS={value}")
    assert check.remedy == ("unset OMP_NUM_THREADS" if status == "warning" else "")


@pytest.mark.parametrize(("free", "status"), [(3.9e9, "warning"), (4.1e9, "ok"), (None, "ok")])
def test_memory(monkeypatch, free, status):
    monkeypatch.setattr(doctor, "available_memory", lambda: free)
    assert doctor.check_memory().status == status


def test_only_a_problem_makes_the_exit_code_one():
    fine, odd, bad = Check("a", "ok", "1"), Check("b", "warning", "2"), Check("c", "problem", "3")
    assert exit_code([]) == exit_code([fine, odd]) == 0
    assert exit_code([fine, bad]) == 1


def test_json_has_every_field():
    checks = [Check("a", "problem", "nothing", "do it")]
    assert json.loads(json.dumps(to_json(checks))) == {
        "ok": False,
        "checks": [{"name": "a", "status": "problem", "found": "nothing", "remedy": "do it"}],
    }


def test_plain_text():
    checks = [
        Check("Python", "ok", "3.11"),
        Check("memory", "warning", "little", "Close some."),
        Check("OpenCV", "problem", "none", "pip install it"),
        Check("cache", "problem", "none", "export it"),
    ]
    assert render_plain(checks).splitlines() == [
        "ok       Python  3.11",
        "warning  memory  little",
        "                 Close some.",
        "problem  OpenCV  none",
        "                 pip install it",
        "problem  cache   none",
        "                 export it",
        "",
        "2 problems and 1 warning.",
    ]
    assert render_plain(checks[:1]).endswith("\n\nEverything is in order.")
