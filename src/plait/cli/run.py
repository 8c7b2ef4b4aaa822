"""`plait run`: a program as python would run it, with the peers' names answered by plait.

The program is the real `__main__`: a fresh module in sys.modules that stays there, so that its threads, exit handlers
and spawned worker processes find it. Its traceback begins at its own first line. sys.argv and sys.path[0] are what
`python script.py` and `python -m module` make them.
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from io import open_code
from pathlib import Path
from types import CodeType, ModuleType

from plait.cli.errors import UsageError


def run(target: Sequence[str], names: Sequence[str] | None, trace: bool = False) -> int:
    """Run `target`, ("script.py", args...) or ("-m", "module", args...), and return its exit code.

    names: the libraries that plait stands in for, None for all. A SystemExit of the program goes through. Raises
    UsageError where there is no such program.
    """
    prepare = _prepare(target)
    _stand_in(names)
    code = prepare()
    if not trace:
        return _execute(code)
    from plait import trace as recorder

    recorder.start()
    try:
        return _execute(code)
    finally:
        print(recorder.timeline(recorder.stop()), file=sys.stderr)


def _prepare(target: Sequence[str]) -> Callable[[], CodeType]:
    """Check that the target is there; return what makes it `__main__` and gives its code."""
    if not target:
        raise UsageError("no program given; usage: plait run [--as NAME,...] (script.py | -m module) [args ...]")
    if target[0] == "-m":
        if len(target) == 1:
            raise UsageError("-m without a module; name one, as in: plait run -m http.server")
        return lambda: _module_as_main(target[1], target[2:])
    path = Path(target[0])
    if not path.exists():
        raise UsageError(f"{target[0]}: no such file; give the script's path, or -m and a module's name")
    if path.is_dir():
        raise UsageError(f"{target[0]} is a folder; give a script in it, or -m and the package's name")
    return lambda: _script_as_main(target[0], target[1:])


def _stand_in(names: Sequence[str] | None) -> None:
    """Answer imports of `names` here and in every Python process that the program starts."""
    if names is not None and not names:
        return
    from plait import compat

    wanted = tuple(compat.names() if names is None else names)
    compat.install(*wanted)
    os.environ.update(compat.environment(wanted))


def _script_as_main(script: str, args: Sequence[str]) -> CodeType:
    _set_process_words(script, args, os.path.dirname(os.path.realpath(script)))
    main = _fresh_main()
    main.__file__ = script
    with open_code(os.path.abspath(script)) as file:
        return compile(file.read(), script, "exec", dont_inherit=True)


def _module_as_main(name: str, args: Sequence[str]) -> CodeType:
    _set_process_words("-m", args, os.getcwd())
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"-m {name}: {error}; give the name of a module that can be imported") from error
    code = getattr(spec.loader, "get_code", lambda _: None)(name) if spec is not None else None
    if spec is None or code is None:
        raise UsageError(f"-m {name}: no such module, or one without Python code; check the name and sys.path")
    main = _fresh_main()
    main.__file__, main.__spec__, main.__loader__, main.__package__ = spec.origin, spec, spec.loader, spec.parent
    sys.argv[0] = spec.origin or name
    return code  # type: ignore[no-any-return]


def _set_process_words(program: str, args: Sequence[str], folder: str) -> None:
    sys.argv[:] = [program, *args]
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _fresh_main() -> ModuleType:
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=__builtins__, __annotations__={}, __cached__=None)
    sys.modules["__main__"] = main
    return main


def _execute(code: CodeType) -> int:
    try:
        exec(code, sys.modules["__main__"].__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        own = error.__traceback__  # its first frame is this one
        sys.excepthook(type(error), error.with_traceback(own and own.tb_next), own and own.tb_next)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0
