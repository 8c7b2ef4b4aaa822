"""Configuration of graphs and collections: nested names, with dask's option names, files and environment variables.

    from plait.lazy import config

    config.get("array.chunk-size")
    with config.set({"scheduler": "threads"}):
        ...

Sources, a later one wins: the defaults of this package and of those that call update_defaults(); YAML and JSON files in
`paths`, /etc/dask first and the folder of DASK_CONFIG last; variables DASK_A__B_C=value, which mean a.b_c and are read
as Python literals where they are some; set(). `-` and `_` are one in names; who set a name first decides its spelling.

`config` is one dictionary for the process, and set() changes it for all threads. Files are read when this module is
imported and by refresh(); PyYAML is needed where there is a YAML file, and only then.
"""

from __future__ import annotations

import os
import site
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from plait._base import natives
from plait.lazy.defaults import DEFAULTS, RENAMED

if TYPE_CHECKING:
    from pathlib import Path

no_default = "__no_default__"
INHERITED = "DASK_INTERNAL_INHERIT_CONFIG"

config: dict[str, Any] = {}
global_config = config
defaults: list[Mapping[str, Any]] = []
deprecations: dict[str, str | None] = RENAMED  # old name -> new one, or None for one that means nothing any more
config_lock = natives.allocate_lock()
_absent = object()
_WORDS = {"none": None, "null": None, "true": True, "false": False}


def _get_paths() -> list[str]:
    """Folders of configuration files, the least important first."""
    found = [os.environ.get("DASK_ROOT_CONFIG", "/etc/dask"), os.path.join(sys.prefix, "etc", "dask")]
    found += [os.path.join(prefix, "etc", "dask") for prefix in site.PREFIXES]
    found.append(os.path.join(os.path.expanduser("~"), ".config", "dask"))
    if "DASK_CONFIG" in os.environ:
        found.append(os.environ["DASK_CONFIG"])
    return list(reversed(dict.fromkeys(reversed(found))))  # where one is named twice, the later place counts


paths = _get_paths()
PATH = os.environ.get("DASK_CONFIG", os.path.join(os.path.expanduser("~"), ".config", "dask"))


# -- names -------------------------------------------------------------------------------------------------------


def canonical_name(name: str, config: Mapping[str, Any]) -> str:
    """The spelling of one level of a name that `config` has; `name` itself where it has none."""
    if name in config:
        return name
    for other in (name.replace("_", "-"), name.replace("-", "_")):
        if other in config:
            return other
    return name


def check_deprecations(name: str, deprecations: Mapping[str, str | None] = deprecations) -> str:
    """The name that replaces `name`, with a FutureWarning. Raises ValueError for one that was removed."""
    old = name.replace("_", "-")
    if old not in deprecations:
        return name
    new = deprecations[old]
    if new is None:
        raise ValueError(f"the option {name!r} was removed; leave it out")
    warnings.warn(_replaced(name, new), FutureWarning, stacklevel=3)
    return new


def _replaced(old: str, new: str) -> str:
    return f"the option {old!r} is deprecated; use {new!r}"


# -- reading -----------------------------------------------------------------------------------------------------


def get(key: str, default: Any = no_default, config: Mapping[str, Any] | None = None, override_with: Any = None) -> Any:
    """The value of a dotted name.

    default: what to give where there is none; without it that is a KeyError. override_with: given back unless it is
        None.
    """
    if override_with is not None:
        return override_with
    value: Any = global_config if config is None else config
    try:
        for part in key.split("."):
            value = value[canonical_name(part, value)]
    except (TypeError, IndexError, KeyError):
        if default is no_default:
            raise KeyError(key) from None
        return default
    return value


def pop(key: str, default: Any = no_default, config: dict[str, Any] = config) -> Any:
    """As get(), taking the value out."""
    place: Any = config
    *parents, last = key.split(".")
    try:
        for part in parents:
            place = place[canonical_name(part, place)]
        return place.pop(canonical_name(last, place))
    except (TypeError, IndexError, KeyError):
        if default is no_default:
            raise KeyError(key) from None
        return default


# -- changing ----------------------------------------------------------------------------------------------------


class set:
    """Set values, for good or, as a context manager, until its end.

    arg: dotted names and values; nested dictionaries are taken as they are. In keywords `__` is the dot. Raises
    ValueError for a name that was removed.
    """

    def __init__(
        self,
        arg: Mapping[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        lock: Any = config_lock,
        **kwargs: Any,
    ) -> None:
        self.config = global_config if config is None else config
        self._before: list[tuple[tuple[str, ...], bool, Any]] = []  # path, whether it was there, its value
        values = dict(arg or {})
        values.update({name.replace("__", "."): value for name, value in kwargs.items()})
        values = {check_deprecations(name): value for name, value in values.items()}
        with lock:
            for name, value in values.items():
                self._assign(name.split("."), value)

    def _assign(self, parts: list[str], value: Any) -> None:
        place = self.config
        path: list[str] = []
        recorded = False
        for part in parts[:-1]:
            name = canonical_name(part, place)
            path.append(name)
            if not isinstance(place.get(name), dict):
                if not recorded:
                    self._record(path, place, name)
                    recorded = True
                place[name] = {}
            place = place[name]
        name = canonical_name(parts[-1], place)
        if not recorded:
            self._record([*path, name], place, name)
        place[name] = value

    def _record(self, path: Sequence[str], place: Mapping[str, Any], name: str) -> None:
        self._before.append((tuple(path), name in place, place.get(name)))

    def __enter__(self) -> dict[str, Any]:
        return self.config

    def __exit__(self, *_: object) -> None:
        for path, was_there, value in reversed(self._before):
            place: Any = self.config
            for part in path[:-1]:
                place = place.setdefault(part, {})
            if was_there:
                place[path[-1]] = value
            else:
                place.pop(path[-1], None)


def update(
    old: dict[str, Any],
    new: Mapping[str, Any],
    priority: Literal["old", "new", "new-defaults"] = "new",
    defaults: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Take the values of `new` into `old`, level by level; `old`.

    priority: whose value counts where both have one; "new-defaults" replaces those of `old` that still are `defaults`.
    """
    for key, value in new.items():
        name = canonical_name(key, old)
        default = (defaults or {}).get(name)
        if isinstance(value, Mapping):
            inner = old.get(name)
            if not isinstance(inner, dict):
                if inner is not None and priority != "new":
                    continue
                inner = old[name] = {}
            update(inner, value, priority, default if isinstance(default, Mapping) else None)
        elif name not in old or priority == "new" or (priority == "new-defaults" and _is_default(old, name, defaults)):
            old[name] = value
    return old


def _is_default(values: Mapping[str, Any], name: str, defaults: Mapping[str, Any] | None) -> bool:
    return defaults is not None and name in defaults and bool(defaults[name] == values[name])


def merge(*dicts: Mapping[str, Any]) -> dict[str, Any]:
    """One new dictionary from several, a later one first."""
    merged: dict[str, Any] = {}
    for each in dicts:
        update(merged, each)
    return merged


def update_defaults(
    new: Mapping[str, Any], config: dict[str, Any] = config, defaults: list[Mapping[str, Any]] = defaults
) -> None:
    """Add defaults of another package: they replace values that are defaults still."""
    before = merge(*defaults)
    defaults.append(new)
    update(config, new, priority="new-defaults", defaults=before)


def rename(aliases: Mapping[str, str], config: dict[str, Any] = config) -> dict[str, str]:
    """Move values from old names to new ones; those that were there."""
    moved: dict[str, tuple[str, Any]] = {}
    for old, new in aliases.items():
        try:
            moved[old] = new, pop(old, config=config)
        except KeyError:
            pass
    set(dict(moved.values()), config=config)
    return {old: new for old, (new, _) in moved.items()}


# -- sources -----------------------------------------------------------------------------------------------------


def collect_yaml(paths: Sequence[str | Path] | None = None, *, return_paths: bool = False) -> Iterator[Any]:
    """The contents of the YAML and JSON files in some folders, or of some files, one by one.

    What cannot be read is skipped. Raises ValueError for a file that is no mapping of names.
    """
    for path in globals()["paths"] if paths is None else paths:
        for file in _files_in(path):
            content = _load(file)
            if content is not None:
                yield (file, content) if return_paths else content


def _files_in(path: str | Path) -> list[Path]:
    """The file itself, or a folder's files by name."""
    if not os.path.exists(path):
        return []
    from pathlib import Path

    path = Path(path)
    if not path.is_dir():
        return [path]
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return []
    return [path / name for name in names if name.lower().endswith((".json", ".yaml", ".yml"))]


def _load(file: Path) -> dict[str, Any] | None:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None
    import json

    try:
        content = json.loads(text) if file.suffix.lower() == ".json" else _parse_yaml(text, file)
    except ValueError as error:
        raise ValueError(
            f"the configuration file {str(file)!r} is malformed; original error message: {error}"
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ValueError(f"the configuration file {str(file)!r} is malformed: it must have a dict at its top level")
    return content


def _parse_yaml(text: str, file: Path) -> Any:
    try:
        import yaml
    except ImportError:
        raise ImportError(
            f"the configuration file {str(file)!r} is YAML, which needs PyYAML; install plait[config], or write JSON"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def collect_env(env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The values of the environment's variables DASK_*. DASK_A__B=1 is {"a": {"b": 1}}."""
    env = os.environ if env is None else env
    found = deserialize(env[INHERITED]) if INHERITED in env else {}
    values = {
        name.removeprefix("DASK_").lower().replace("__", "."): interpret_value(text)
        for name, text in env.items()
        if name.startswith("DASK_") and name != INHERITED
    }
    for name, value in values.items():
        _put(found, name, value)
    return found


def interpret_value(text: str) -> Any:
    """A variable's text as a Python literal where it is one, in any case for None, True and False."""
    if text.strip().lower() in _WORDS:
        return _WORDS[text.strip().lower()]
    import ast

    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return text


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        name = canonical_name(part, values)
        if not isinstance(values.get(name), dict):
            values[name] = {}
        values = values[name]
    values[canonical_name(last, values)] = value


def collect(paths: Sequence[str | Path] | None = None, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What files and environment say. Old names are replaced, with one FutureWarning each."""
    return _without_old_names([*collect_yaml(paths), collect_env(env)])


def _without_old_names(sources: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The sources as one, the later first. A source that has the new name silences the warning for those before it."""
    merged: dict[str, Any] = {}
    to_warn: dict[str, str] = {}
    for source in sources:
        silenced = [
            old
            for old, new in deprecations.items()
            if get(new or f"ignore-deprecated.{old}", _absent, source) is not _absent
            and not _is_section(new, old, source)
        ]
        renamed = {}
        for old, new in deprecations.items():
            value = pop(old, _absent, source)
            if value is not _absent:
                renamed[old] = new
                if new is not None and old not in silenced:
                    _put(source, new, value)
        update(merged, source)
        for old in silenced:
            to_warn.pop(old, None)
        for old, new in renamed.items():
            to_warn[old] = _replaced(old, new) if new else _removed(old)
    for text in to_warn.values():
        warnings.warn(text, FutureWarning, stacklevel=4)
    return merged


def _is_section(new: str | None, old: str, source: Mapping[str, Any]) -> bool:
    """Whether the new name is, in this source, still the section that the old one was in."""
    return new is not None and old.startswith(f"{new}.") and isinstance(get(new, None, source), dict)


def _removed(old: str) -> str:
    return f"the option {old!r} was removed and is ignored; set ignore-deprecated.{old} to say that this is known"


def refresh(
    config: dict[str, Any] | None = None, defaults: Sequence[Mapping[str, Any]] = defaults, **kwargs: Any
) -> None:
    """Read all sources anew; what set() and others changed is gone. kwargs: as of collect()."""
    config = global_config if config is None else config
    config.clear()
    for each in defaults:
        update(config, each, priority="old")
    update(config, collect(**kwargs))


def paths_containing_key(key: str, paths: Sequence[str | Path] | None = None) -> Iterator[Path]:
    """The files that say something of a name."""
    for path, content in collect_yaml(paths, return_paths=True):
        if get(key, _absent, content) is not _absent:
            yield path


def expand_environment_variables(config: Any) -> Any:
    """The value with $NAME in its texts, at any depth, replaced by the environment's."""
    if isinstance(config, Mapping):
        return {name: expand_environment_variables(value) for name, value in config.items()}
    if isinstance(config, str):
        return os.path.expandvars(config)
    if isinstance(config, list | tuple | frozenset) or type(config).__name__ == "set":
        return type(config)([expand_environment_variables(item) for item in config])
    return config


def ensure_file(source: str | Path, destination: str | Path | None = None, comment: bool = True) -> None:
    """Copy a file of defaults to where users edit it, unless it is there. comment: with each line commented out."""
    from pathlib import Path

    folder = Path(PATH if destination is None else destination)
    target = folder if folder.suffix in (".yaml", ".yml", ".json") else folder / Path(source).name
    if target.exists():
        return
    lines = Path(source).read_text(encoding="utf-8").splitlines(keepends=True)
    if comment:
        lines = [line if line.strip().startswith("#") or not line.strip() else f"# {line}" for line in lines]
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    temporary.write_text("".join(lines), encoding="utf-8")
    os.replace(temporary, target)  # whoever reads it meanwhile finds all of it


def serialize(data: Any) -> str:
    """Values as text that fits into an environment variable: for child processes, in DASK_INTERNAL_INHERIT_CONFIG."""
    import base64
    import json

    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


def deserialize(data: str) -> Any:
    """What serialize() was given."""
    import base64
    import json

    return json.loads(base64.urlsafe_b64decode(data.encode()).decode())


defaults.append(DEFAULTS)
refresh()
