"""Files of configuration as people ask for them: where a value comes from, set one for good, show all.

YAML where PyYAML is installed (the extra plait[config]); JSON is read and written without it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from plait.lazy import config


def found(key: str) -> list[tuple[Path, Any]]:
    """The files that say something of a name, with what each says."""
    contents = [(path, dict(content)) for path, content in config.collect_yaml(return_paths=True)]
    absent = object()
    values = [(path, config.get(key, absent, content)) for path, content in contents]
    return [(path, value) for path, value in values if value is not absent]


def save(key: str, value: Any, file: str | Path | None = None) -> Path:
    """Set a value in a file, and return which it is.

    file: without it the first one that has the name, else dask.yaml in the folder of DASK_CONFIG, or ~/.config/dask.
    Raises RuntimeError for a file that cannot be written.
    """
    path = Path(file) if file is not None else next(config.paths_containing_key(key), Path(config.PATH) / "dask.yaml")
    values = next(config.collect_yaml([path]), None) or {}
    config.set({key: value}, config=values)
    text = json.dumps(values, indent=2) if path.suffix.lower() == ".json" else _yaml().dump(values)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)  # whoever reads it meanwhile finds all of it
    except OSError as error:
        raise RuntimeError(
            f"cannot write the configuration file {path}: {error}; give another file, or set DASK_CONFIG to a folder "
            "that can be written"
        ) from error
    return path


def text(value: Any) -> str:
    """A value for people: mappings and lists as YAML, or JSON where there is no PyYAML."""
    if not isinstance(value, dict | list):
        return f"{value}\n"
    try:
        dumped: str = _yaml().dump(value)
    except ImportError:
        return json.dumps(value, indent=2, default=str) + "\n"
    return dumped


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ImportError(
            'configuration files in YAML need PyYAML: pip install "plait[config]", or use a .json file'
        ) from error
    return yaml
