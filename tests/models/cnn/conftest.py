import importlib
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent / "support"


@pytest.fixture(scope="session")
def _support_path():
    """Make the support modules importable, in child processes too."""
    sys.path.insert(0, str(SUPPORT))
    yield
    sys.path.remove(str(SUPPORT))


@pytest.fixture(scope="session")
def support(_support_path):
    """The module with the small network."""
    return importlib.import_module("cnn_support")


@pytest.fixture(scope="session")
def fakes(_support_path):
    """The module with the classifiers that fail."""
    return importlib.import_module("cnn_fakes")
