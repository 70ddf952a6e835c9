"""All feature families by name: the built-in ones, and a user's own."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import lru_cache
from pathlib import Path

from mien.errors import MienError
from mien.features.base import FeatureFamily, Value

PLUGINS = "MIEN_FAMILIES"
"""Environment variable: Python files or modules that register families, as PATH separates them."""

_REGISTRY: dict[str, type[FeatureFamily]] = {}


def register(family: type[FeatureFamily]) -> type[FeatureFamily]:
    """Make a family known by its name (a class decorator)."""
    if not family.name.isidentifier():
        raise ValueError(f"a feature family cannot be named {family.name!r}")
    if family.name in _REGISTRY:
        raise ValueError(f"a feature family named {family.name!r} is registered already")
    _REGISTRY[family.name] = family
    return family


def family_names() -> tuple[str, ...]:
    """Return the names of all registered families, in order of registration.

    Raises
    ------
    MienError
        If a file or module of ``MIEN_FAMILIES`` cannot be imported.
    """
    import mien.features.families  # noqa: F401  (registers the built-in families)

    for plugin in filter(None, os.environ.get(PLUGINS, "").split(os.pathsep)):
        _import_plugin(plugin)
    return tuple(_REGISTRY)


def default_family_names() -> tuple[str, ...]:
    """Return the names of the families that are computed when none is named."""
    return tuple(name for name in family_names() if _REGISTRY[name].default)


def get_family(spec: str) -> FeatureFamily:
    """Return the family that a specification names.

    Parameters
    ----------
    spec : str
        A name, and perhaps options: ``"patch_hog"``, ``"patch_hog@crop=48@window=12"``.

    Raises
    ------
    MienError
        If no family has that name, or it has no such option; the message lists those that exist.
    """
    return _build(spec)


def canonical_spec(spec: str) -> str:
    """Return the one spelling of a specification: options in order, defaults left out."""
    return get_family(spec).spec


@lru_cache(maxsize=256)
def _build(spec: str) -> FeatureFamily:
    name, *parts = spec.split("@")
    known = family_names()
    if name not in _REGISTRY:
        raise MienError(
            f"There is no feature family {name!r}.",
            f"Use one or more of: {', '.join(known)}. A family of your own is loaded with "
            "mien --plugin FILE.",
        )
    family = _REGISTRY[name]
    return family(**dict(_parse_option(family, part) for part in parts))


def _parse_option(family: type[FeatureFamily], part: str) -> tuple[str, Value]:
    key, equals, text = part.partition("=")
    option = family.available_options.get(key)
    try:
        if not equals:
            raise ValueError(part)
        return key, option.parse(text) if option else 0
    except ValueError as error:
        raise MienError(
            f"{family.name}: {part!r} is not an option with a whole number.",
            f"Write for example {family.name}@"
            + (f"{next(iter(family.available_options), 'crop')}=48."),
        ) from error


@lru_cache
def _import_plugin(plugin: str) -> None:
    """Run a file, or import a module, once; its families register themselves."""
    try:
        if plugin.endswith(".py"):
            _run_file(Path(plugin))
        else:
            importlib.import_module(plugin)
    except Exception as error:
        raise MienError(
            f"The feature families of {plugin} cannot be loaded ({type(error).__name__}: {error}).",
            "Name a Python file or an installed module that registers families.",
        ) from error


def _run_file(path: Path) -> None:
    name = f"mien_families_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None or not path.is_file():
        raise FileNotFoundError("there is no such file")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
