"""Functions of a study's own Python files, loaded by path without touching the import system or the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from gaugeflow.errors import ConfigError


def study_function(folder: Path, file: str, name: str) -> Callable[..., Any]:
    """Function `name` of `folder/file`; the code of a study runs with the rights of whoever calls.

    Nothing is added to sys.path or sys.modules and no byte code is written, so two studies cannot disturb each other.

    Raises ConfigError if the file or the function is missing, or the file fails while it is loaded
    """
    path = folder / file
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); every study has a {file}") from error
    module = ModuleType(f"study_{folder.resolve().name}_{path.stem}")
    module.__file__ = str(path)
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except Exception as error:
        raise ConfigError(f"{path}: {type(error).__name__} while loading it: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"{path}: no function {name}; see workflow/studies/README.md")
    return function
