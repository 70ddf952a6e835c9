import sys

import pytest

from mien.errors import MienError
from mien.models.optional_package import import_optional


def test_a_package_that_is_there_is_imported():
    assert import_optional("json.decoder", extra="x", purpose="It") is sys.modules["json.decoder"]


def test_a_package_that_is_not_there_is_said_with_the_line_that_mends_it():
    with pytest.raises(MienError) as caught:
        import_optional("no_such_package.part", extra="onnx", purpose="A model in the format onnx")
    assert str(caught.value) == (
        "A model in the format onnx needs the package no_such_package, which is not installed. "
        "pip install 'mien[onnx]'"
    )


def test_a_package_that_lacks_another_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        import_optional("half_installed", extra="onnx", purpose="It")
