import importlib
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent / "support"


@pytest.fixture(scope="session")
def support():
    """The module `cnn_support`, importable in child processes too."""
    sys.path.insert(0, str(SUPPORT))
    yield importlib.import_module("cnn_support")
    sys.path.remove(str(SUPPORT))
