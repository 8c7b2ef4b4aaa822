"""What tasks in worker processes print, warn of and log arrives where the caller's own would.

A worker's sys.stdout and sys.stderr are text streams whose lines go to the parent as words (see `outcome.Word`); the
call's own thread writes them to the sys.stdout and sys.stderr of that moment: a notebook's, pytest's, a redirected one.
Warnings pass the caller's filters twice: in the worker, which gets a copy with each call, so that one that is ignored
costs nothing; and in the parent, where a warning that several workers have is shown once. One that is an error here is
shown, too, and fails no task: so it is with joblib, and libraries such as scikit-learn, which set filters of their own
in each task, count on it. Log records are made at the levels that the parent's loggers have, and handled by its logger
of the same name; a handler that a task installs in its worker handles them there instead.

Order: the words of a task come in its order, and before its result. Who waits for a result hears them meanwhile.
Words of a call that was cancelled are dropped. What is written to the descriptor itself (by C code, by programs that
a task starts, by children it forks, by threads that it leaves behind) goes to the one that the worker inherited.

Costs: nothing for a task that says nothing; some 20 us a line; 1 us a call for the filters, 10 us for 100 loggers.
Rejected: handing words on in the pool's thread, where a handler that starts a loop of its own would wait for itself.
"""

from __future__ import annotations

import codecs
import io
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from plait.parallel.outcome import Word, listeners

if TYPE_CHECKING:
    import logging

PRINTED, WARNED, LOGGED = "printed", "warned", "logged"

Tell: TypeAlias = Callable[[str, Any], bool]  # says whether it was told; not from a forked child, or between tasks


class Rules(NamedTuple):
    """What the caller lets through. Travels with the call's record."""

    filters: bytes  # pickled filters of warnings
    levels: tuple[tuple[str, int], ...]  # of loggers, those that have one
    disabled: int  # the level that logging.disable() has


# -- in the caller -----------------------------------------------------------------------------------------------

_pickled: tuple[tuple[Any, ...], bytes] = ((), b"")  # filters, and their pickle


def rules() -> Rules:
    """What the caller lets through now."""
    logging = sys.modules.get("logging")
    if logging is None:
        return Rules(_filters(), (), 0)
    loggers = logging.root.manager.loggerDict
    levels = [(name, level) for name, logger in loggers.items() if (level := getattr(logger, "level", 0))]
    return Rules(_filters(), (("root", logging.root.level), *levels), logging.root.manager.disable)


def _filters() -> bytes:
    global _pickled
    module = sys.modules.get("warnings")
    filters = () if module is None else tuple(module.filters)
    if filters != _pickled[0] or not _pickled[1]:
        _pickled = (
            filters,
            pickle.dumps(
                [
                    (action, message, category.__module__, category.__qualname__, module, lineno)
                    for action, message, category, module, lineno in filters
                ]
            ),
        )
    return _pickled[1]


def _print(word: Word) -> None:
    number, text = word.data
    stream = sys.stdout if number == 1 else sys.stderr
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    except (OSError, ValueError):  # closed, or nobody reads it: not the tasks' fault
        pass


def _warn(word: Word) -> None:
    import warnings

    message, category, filename, lineno, module = word.data
    owner = sys.modules.get(module)
    registry = _registry if owner is None else owner.__dict__.setdefault("__warningregistry__", {})
    try:
        warnings.warn_explicit(message, category, filename, lineno, module, registry)
    except Warning:  # an error here
        warnings.showwarning(message, category, filename, lineno)


_registry: dict[Any, Any] = {}  # of modules that are not imported here


def _log(word: Word) -> None:
    import logging

    logger = logging.getLogger(word.data["name"])
    if logger.isEnabledFor(word.data["levelno"]):
        logger.handle(logging.makeLogRecord(word.data))


listeners.update({PRINTED: _print, WARNED: _warn, LOGGED: _log})


# -- in a worker -------------------------------------------------------------------------------------------------


class Forwarding:
    """A worker's streams, warnings and loggers, led to its parent or to where they led before."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._own = sys.stdout, sys.stderr
        self._streams = _stream(tell, 1), _stream(tell, 2)
        self._on = False
        self._filters = b""
        self._incomplete = False  # a filter is about a class of a module that is not imported here
        self._rules: Rules | None = None
        self._logging: _Logging | None = None
        self._show: Any = None
        _on_import("logging", self._take_logging)

    def follow(self, rules: Rules | None) -> None:
        """The next tasks' caller lets this through; None: it wants nothing led to it."""
        if (rules is not None) != self._on:
            self._on = rules is not None
            self._lead()
        if rules is not None:
            self._filter(rules.filters)
        if self._logging is not None:
            self._logging.follow(rules)
        self._rules = rules

    def flush(self) -> None:
        """Have out what was written."""
        for stream in (*self._streams, *self._own):
            try:
                stream.flush()
            except Exception:  # closed, replaced or None: nothing to lose
                pass

    def _lead(self) -> None:
        import warnings

        sys.stdout, sys.stderr = self._streams if self._on else self._own
        if self._on:
            self._show, warnings.showwarning = warnings.showwarning, self._showwarning
        else:
            warnings.showwarning = self._show

    def _filter(self, pickled: bytes) -> None:
        if pickled == self._filters and not self._incomplete:
            return
        import warnings

        self._filters = pickled
        named = pickle.loads(pickled)
        filters = [
            ("always" if action == "error" else action, message, category, module, lineno)
            for action, message, place, name, module, lineno in named
            if (category := _class_here(place, name)) is not None
        ]
        self._incomplete = len(filters) < len(named)
        warnings.resetwarnings()  # what was decided by the old ones is decided anew
        warnings.filters[:] = filters  # type: ignore[index]

    def _showwarning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        import warnings

        if file is None:
            place = filename, lineno, _module_at(filename, lineno)
            for said in ((message, category), (str(message), category), (str(message), UserWarning)):
                try:
                    if self._tell(WARNED, (*said, *place)):
                        return
                    break
                except (pickle.PicklingError, TypeError, AttributeError):
                    continue
        (file or sys.stderr).write(warnings.formatwarning(message, category, filename, lineno, line))

    def _take_logging(self, module: ModuleType) -> None:
        self._logging = _Logging(module, self._tell)
        if self._on:
            self._logging.follow(self._rules)


def _class_here(module: str, name: str) -> type[Warning] | None:
    """A class by its name, where its module is imported here: for a filter alone none is."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Warning) else None


class _Pipe(io.RawIOBase):
    """The end of a worker's text stream: bytes in, words out."""

    def __init__(self, tell: Tell, number: int) -> None:
        super().__init__()
        self._tell = tell
        self._number = number
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._told = b""  # by a write that did not return: the buffer offers it again

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        given = bytes(data)
        again, self._told = self._told, b""
        if again and given.startswith(again):
            return len(again)
        text = self._decoder.decode(given)
        self._told = given
        if text and not self._tell(PRINTED, (self._number, text)):
            _write_all(self._number, text.encode("utf-8", "surrogateescape"))
        self._told = b""
        return len(given)


def _stream(tell: Tell, number: int) -> io.TextIOWrapper:
    pipe: Any = io.BufferedWriter(_Pipe(tell, number), 1 << 16)
    return io.TextIOWrapper(pipe, "utf-8", "surrogateescape", line_buffering=True)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _module_at(filename: str, lineno: int) -> str:
    """The name of the module whose code at that line is running."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_lineno == lineno and frame.f_code.co_filename == filename:
            return str(frame.f_globals.get("__name__", "__main__"))
        frame = frame.f_back
    return "__main__"


class _Logging:
    """A worker's logging: records of loggers without a handler of the worker's own go to the parent."""

    def __init__(self, module: Any, tell: Tell) -> None:
        self._module = module
        self._tell = tell
        self._applied: Rules | None = None
        self._inherited: list[tuple[logging.Logger, list[logging.Handler]]] = []
        call_handlers = module.Logger.callHandlers

        def call(logger: logging.Logger, record: logging.LogRecord) -> None:
            if self._applied is None or self._handled_here(logger) or not tell(LOGGED, _portable(record)):
                call_handlers(logger, record)

        module.Logger.callHandlers = call
        configure = module.basicConfig

        def basic_config(**options: Any) -> None:
            if options or self._applied is None:  # logging.warning() and the like call it bare, to have some handler
                configure(**options)

        module.basicConfig = basic_config

    def follow(self, rules: Rules | None) -> None:
        if rules is None:
            for logger, handlers in self._inherited:
                logger.handlers[:0] = handlers
            self._inherited = []
        elif self._applied is None:
            self._inherited = [(logger, logger.handlers[:]) for logger in self._loggers() if logger.handlers]
            for logger, _ in self._inherited:
                logger.handlers.clear()
        if rules is not None and rules.levels:
            self._set_levels(rules)
        self._applied = rules

    def _loggers(self) -> Sequence[logging.Logger]:
        named = self._module.root.manager.loggerDict.values()
        return [self._module.root, *(each for each in named if isinstance(each, self._module.Logger))]

    def _set_levels(self, rules: Rules) -> None:
        before = () if self._applied is None else self._applied.levels
        if rules.levels != before:
            levels = dict(rules.levels)
            for name in [name for name, _ in before if name not in levels]:
                self._module.getLogger(name).setLevel(self._module.NOTSET)
            for name, level in rules.levels:
                logger = self._module.root if name == "root" else self._module.getLogger(name)
                logger.setLevel(level)
        if rules.disabled != self._module.root.manager.disable:
            self._module.disable(rules.disabled)

    def _handled_here(self, logger: logging.Logger) -> bool:
        """Whether a handler that a task has installed would see it. Libraries' null handlers are none."""
        at: logging.Logger | None = logger
        while at is not None:
            if any(not isinstance(handler, self._module.NullHandler) for handler in at.handlers):
                return True
            at = at.parent if at.propagate else None
        return False


def _portable(record: logging.LogRecord) -> dict[str, Any]:
    """A record's attributes, such that they can be pickled: its text is made, its traceback is text."""
    found = dict(record.__dict__)
    if not all(isinstance(arg, str | int | float | None) for arg in _arguments(record)):
        try:
            found["msg"] = record.getMessage()
        except Exception:  # arguments that do not fit the text: say both
            found["msg"] = f"{record.msg} {record.args!r}"
        found["args"] = None
    if record.exc_info:
        import traceback

        found["exc_text"] = record.exc_text or "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        found["exc_info"] = None
    try:
        pickle.dumps(found)
    except Exception:  # an extra attribute that stays behind
        found = {name: value for name, value in found.items() if isinstance(value, str | int | float | tuple | None)}
        found["msg"] = str(found.get("msg", record.msg))
    return found


def _arguments(record: logging.LogRecord) -> Sequence[Any]:
    if isinstance(record.args, dict):
        return list(record.args.values())
    return [*(record.args or ()), record.msg]


def _on_import(name: str, then: Callable[[ModuleType], object]) -> None:
    """Call then(module) once that module is imported; now, where it is."""
    if name in sys.modules:
        then(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Watch(name, then))


class _Watch:
    """A finder that finds nothing, but hears of one module's import."""

    def __init__(self, name: str, then: Callable[[ModuleType], object]) -> None:
        self._name = name
        self._then = then

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_tell(module: ModuleType) -> None:
                execute(module)
                self._then(module)

            loader.exec_module = execute_and_tell
        return spec
