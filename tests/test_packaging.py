"""What an installation needs and a checkout would not miss."""

import ast
import re
import sys
import tomllib
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {
    name: ROOT / folder for name, folder in PROJECT["tool"]["setuptools"]["package-dir"].items()
}
NOT_IMPORTED = {
    "pyarrow": "pandas reads and writes Parquet with it",
    "import-linter": "a tool",
    "mypy": "a tool",
    "pandas-stubs": "types for mypy",
    "furo": "the theme of the site",
    "myst-parser": "reads the site's Markdown",
    "sphinx": "a tool",
    "pytest-xdist": "runs tests side by side",
    "ruff": "a tool",
    "setuptools": "builds the editable installation",
    "backports-strenum": "keeps the lock file to releases for the Pythons in use",
}


def names(requirements):
    return {Requirement(text).name for text in requirements}


RUN = names(PROJECT["project"]["dependencies"])
EXTRAS = PROJECT["project"]["optional-dependencies"]
DEV = names(EXTRAS["dev"])
OPTIONAL = {name for extra in EXTRAS if extra != "dev" for name in names(EXTRAS[extra])}


def imported_distributions(paths):
    """Return the distributions that these files import, by any import statement in them."""
    modules = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                modules.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(str(node.module).partition(".")[0])
    known = metadata.packages_distributions()
    modules -= {*sys.stdlib_module_names, "mien"}
    return {known[module][0].lower().replace("_", "-") for module in modules if module in known}


def source_files():
    return [path for folder in FOLDERS.values() for path in folder.rglob("*.py")]


def test_all_that_is_imported_is_asked_for():
    assert imported_distributions(source_files()) <= RUN | OPTIONAL
    assert imported_distributions((ROOT / "tests").rglob("*.py")) <= RUN | DEV


def test_all_that_is_asked_for_is_used():
    used = imported_distributions(source_files())
    assert RUN - used <= set(NOT_IMPORTED)
    used |= imported_distributions((ROOT / "tests").rglob("*.py"))
    assert used | set(NOT_IMPORTED) == RUN | DEV


def test_every_package_folder_is_listed():
    found = {
        ".".join((name, *init.parent.relative_to(folder).parts))
        for name, folder in FOLDERS.items()
        for init in folder.rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_every_module_is_in_a_package():
    assert [path for path in source_files() if not (path.parent / "__init__.py").exists()] == []


def test_every_data_file_is_shipped():
    shipped = PROJECT["tool"]["setuptools"]["package-data"]
    files = {
        (name, path.relative_to(folder))
        for name, folder in FOLDERS.items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and path.name[0] != "."
    }

    def is_shipped(name, path):
        for depth in range(len(path.parts)):
            package = ".".join((name, *path.parts[:depth]))
            inside = "/".join(path.parts[depth:])
            if any(fnmatch(inside, pattern) for pattern in shipped.get(package, ())):
                return True
        return False

    assert [path for name, path in files if not is_shipped(name, path)] == []


def test_the_checkers_see_every_file():
    """mypy and import-linter read ``typings/mien``, whose links stand for the installed layout."""
    links = ROOT / "typings" / "mien"
    expected = {path.name for path in FOLDERS["mien"].iterdir() if path.suffix in {".py", ".typed"}}
    expected |= {name.removeprefix("mien.") for name in FOLDERS if name != "mien"}
    assert {path.name for path in links.iterdir() if path.name != "__pycache__"} == expected
    assert all(path.exists() for path in links.iterdir())


class TestLock:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())

    def test_every_package_is_pinned_with_a_hash(self):
        pins = [entry for entry in self.entries if not entry.startswith("#")]
        assert len(pins) > len(RUN | DEV)
        for pin in pins:
            assert re.match(r"[a-z0-9-]+==[^ ]+ ", pin), pin
            assert "--hash=sha256:" in pin

    @pytest.mark.parametrize("requirement", sorted(RUN | DEV))
    def test_it_holds_what_the_project_asks_for(self, requirement):
        wanted = next(
            Requirement(text)
            for text in [
                *PROJECT["project"]["dependencies"],
                *PROJECT["project"]["optional-dependencies"]["dev"],
            ]
            if Requirement(text).name == requirement
        )
        versions = re.findall(rf"^{re.escape(requirement)}==(\S+)", self.text, re.MULTILINE)
        assert versions
        assert all(wanted.specifier.contains(version) for version in versions)

    def test_it_names_no_place(self):
        assert not re.search(r"://|--find-links|--index|/opt|/tmp", self.text)
