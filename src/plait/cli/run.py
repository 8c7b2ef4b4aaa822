"""`plait run`: a program as python would run it, with the peers' names answered by plait.

The program is the real `__main__`: a fresh module in sys.modules that stays there, so that its threads, exit handlers
and spawned worker processes find it. Its traceback begins at its own first line. sys.argv and sys.path[0] are what
`python script.py` and `python -m module` make them. Cost: this module imports little, since every run pays for it.
"""

import builtins
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from io import open_code
from types import CodeType, ModuleType, TracebackType

from plait.cli.errors import UsageError

# What becomes `__main__`: its attributes, and how its code is had, which may raise SyntaxError.
_Program = tuple[Mapping[str, object], Callable[[], CodeType]]


def run(target: Sequence[str], names: Sequence[str] | None, trace: bool = False, patch: bool = False) -> int:
    """Run `target`, ("script.py", args...) or ("-m", "module", args...), and return its exit code.

    names: the libraries that plait stands in for, None for all. patch: make the standard library cooperative before the
    program is looked for. A SystemExit of the program goes through. Raises UsageError where there is no such program.
    """
    find = _check(target)
    _stand_in(names)
    if patch:
        from plait.green import monkey

        monkey.patch_all()
    program = find()
    if not trace:
        return _execute(program)
    from plait import trace as recorder

    recorder.start()
    try:
        return _execute(program)
    finally:
        print(recorder.timeline(recorder.stop()), file=sys.stderr)


def _check(target: Sequence[str]) -> Callable[[], _Program]:
    """Refuse what cannot be a program; return what finds it, to be called when imports are answered by plait."""
    if not target:
        raise UsageError("no program given; usage: plait run [--as NAME,...] (script.py | -m module) [args ...]")
    if target[0] == "-m":
        if len(target) == 1:
            raise UsageError("-m without a module; name one, as in: plait run -m http.server")
        return lambda: _find_module(target[1], target[2:])
    if not os.path.exists(target[0]):
        raise UsageError(f"{target[0]}: no such file; give the script's path, or -m and a module's name")
    if os.path.isdir(target[0]):
        raise UsageError(f"{target[0]} is a folder; give a script in it, or -m and the package's name")
    return lambda: _find_script(target[0], target[1:])


def _stand_in(names: Sequence[str] | None) -> None:
    """Answer imports of `names` here and in every Python process that the program starts."""
    if names is not None and not names:
        return
    from plait import compat

    compat.install(*(compat.names() if names is None else names))


def _find_script(script: str, args: Sequence[str]) -> _Program:
    _set_process_words(script, args, os.path.dirname(os.path.realpath(script)))
    path = os.path.abspath(script)

    def code() -> CodeType:
        with open_code(path) as file:
            return compile(file.read(), path, "exec", dont_inherit=True)

    return {"__file__": path, "__loader__": SourceFileLoader("__main__", path)}, code


def _find_module(name: str, args: Sequence[str]) -> _Program:
    from importlib.util import find_spec

    _set_process_words("-m", args, os.getcwd())
    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = find_spec(f"{name}.__main__")
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"-m {name}: {error}; give the name of a module that can be imported") from error
    if spec is None:
        raise UsageError(f"-m {name}: no such module, or no package with a __main__; check the name and sys.path")
    sys.argv[0] = spec.origin or name
    attributes = {
        "__file__": spec.origin,
        "__spec__": spec,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__cached__": spec.cached,
    }
    return attributes, lambda: _code_of(spec)


def _code_of(spec: ModuleSpec) -> CodeType:
    get_code = getattr(spec.loader, "get_code", None)
    code: CodeType | None = get_code(spec.name) if get_code is not None else None
    if code is None:
        raise UsageError(f"-m {spec.name}: a module without Python code; give one that is written in Python")
    return code


def _set_process_words(program: str, args: Sequence[str], folder: str) -> None:
    sys.argv[:] = [program, *args]
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _execute(program: _Program) -> int:
    attributes, code = program
    main = ModuleType("__main__")
    main.__dict__.update({"__builtins__": builtins, "__cached__": None, **attributes})
    if sys.version_info < (3, 14):  # later ones make it when it is asked for
        main.__annotations__ = {}
    sys.modules["__main__"] = main
    try:
        exec(code(), main.__dict__)
    except (SystemExit, UsageError):
        raise
    except BaseException as error:
        traceback = _without_own_frames(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _without_own_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback from the program's first frame on; None where the program did not get that far."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback
