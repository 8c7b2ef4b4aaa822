"""`plait config`: options of graphs and collections, by dask's names; see `plait.lazy.config`."""

from __future__ import annotations

from plait.cli.errors import UsageError
from plait.lazy import config, config_files

_ABSENT = object()


def get(key: str) -> str:
    """The value of an option, or all of a section. Raises UsageError for a name that nobody set."""
    value = config.get(key, _ABSENT)
    if value is _ABSENT:
        raise UsageError(f"no option {key}; `plait config list` shows those that there are")
    return config_files.text(value)


def everything() -> str:
    """All options."""
    return config_files.text(config.config)


def find(key: str) -> str:
    """A line for each file that sets an option. Raises UsageError where none does."""
    found = config_files.found(key)
    if not found:
        raise UsageError(f"no file sets {key}; looked in {', '.join(map(str, config.paths))}")
    return "".join(f"{path}: {value}\n" for path, value in found)


def change(key: str, value: str, file: str | None) -> str:
    """Set an option in a file; which file that was."""
    try:
        path = config_files.save(key, config.interpret_value(value), file)
    except (RuntimeError, ImportError, ValueError) as error:
        raise UsageError(str(error)) from error
    return f"{key} is set in {path}\n"
