"""What ``import mien`` gives: five functions, imported when they are first used."""

import subprocess
import sys

import pytest

import mien

HEAVY = ("numpy", "pandas", "sklearn", "scipy", "tensorflow", "keras", "cv2", "optuna", "typer")


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_brings_nothing_heavy():
    code = (
        "import sys\nbefore = set(sys.modules)\nimport mien\nmien.__version__, dir(mien)\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))\n"
        "print(sorted(n for n in set(sys.modules) - before if n.startswith('mien')))"
    )
    assert run(code).splitlines() == ["[]", "['mien', 'mien.errors']"]


def test_load_needs_no_library_of_networks_or_studies():
    code = (
        "import sys\nfrom mien import load\nprint(load.__module__)\n"
        "print(sorted({'tensorflow', 'keras', 'optuna', 'typer'} & set(sys.modules)))"
    )
    assert run(code).splitlines() == ["mien.pipeline.model", "[]"]


@pytest.mark.parametrize("name", mien.__all__)
def test_every_public_name_is_there_and_explained(name):
    found = getattr(mien, name)
    assert found is getattr(mien, name)
    assert found.__doc__
    assert name in dir(mien)


def test_another_name_is_an_attribute_error():
    assert not hasattr(mien, "train")
    with pytest.raises(AttributeError, match="module 'mien' has no attribute 'train'"):
        mien.train  # noqa: B018
