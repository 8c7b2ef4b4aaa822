"""The command line's grammar: what can be asked, and who answers.

Exit codes: 0 done; 1 the program or a check failed; 2 wrong usage, or an input that is not there; 130 interrupted. A
program under `plait run` that ends by SystemExit keeps its own code. Cost: a subcommand's module is imported when it is
asked for.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from plait._base.errors import PlaitError

_RUN_USAGE = "plait run [--as NAME,...] [--patch] [--trace] (script.py | -m module) [args ...]"
_WITH_VALUE = {"--as"}  # options of `run` that take the next word


def main(argv: Sequence[str] | None = None) -> int:
    """Answer one command; `argv` defaults to sys.argv[1:]. Returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    target: list[str] = []
    if words[:1] == ["run"]:
        options, target = _cut_target(words[1:])
        words = ["run", *options]
    parser = _parser()
    args = parser.parse_args(words)
    args.target = target
    try:
        return int(args.answer(args))
    except PlaitError as error:
        print(f"plait: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone: `plait info | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="plait",
        description="Greenlets, cooperative I/O, parallel loops and lazy graphs in one runtime.",
        epilog="`plait COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="store_true", help="print plait's version and end")
    parser.set_defaults(answer=lambda args: _no_command(args, parser))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    tour = commands.add_parser("tour", help="run the example programs and say what each shows")
    tour.add_argument("--trace", action="store_true", help="print each program's text timeline after it")
    tour.add_argument("--check", action="store_true", help="fail where a program's wall time is not what it promises")
    tour.add_argument("--examples", metavar="DIR", help="where the programs are (default: those installed)")
    tour.set_defaults(answer=_tour)

    run = commands.add_parser(
        "run",
        usage=_RUN_USAGE,
        help="run a program with imports of greenlet, gevent, joblib and dask answered by plait",
        description="Run a script or module as python would, with imports of the named libraries answered by plait, "
        "in this process and in the Python processes that it starts.",
    )
    run.add_argument(
        "--as",
        dest="names",
        metavar="NAME,...",
        type=lambda text: [name.strip() for name in text.split(",") if name.strip()],
        help="the libraries to stand in for: greenlet, gevent, joblib, dask (default: all; '' for none)",
    )
    run.add_argument(
        "--patch", action="store_true", help="make the standard library cooperative first, as monkey.patch_all() does"
    )
    run.add_argument("--trace", action="store_true", help="print the text timeline on stderr when the program ends")
    run.set_defaults(answer=_run)

    info = commands.add_parser("info", help="versions, native parts, and this machine's limits")
    info.set_defaults(answer=_info)
    _add_config(commands)
    return parser


def _add_config(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    config = commands.add_parser("config", help="options of graphs and collections: show, find, set")
    verbs = config.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="verb")
    verbs.add_parser("list", help="all options")
    for verb, help in (("get", "an option, or a section"), ("find", "the files that set an option")):
        verbs.add_parser(verb, help=help).add_argument("key", metavar="NAME")
    change = verbs.add_parser("set", help="set an option in a file, for good")
    change.add_argument("key", metavar="NAME")
    change.add_argument("value", help="as a Python literal, or a text")
    change.add_argument("--file", help="the file; without it the first that has the option, else the user's own")
    config.set_defaults(answer=_config)


def _cut_target(words: list[str]) -> tuple[list[str], list[str]]:
    """Split `run`'s words before the program: what follows it, options included, is the program's own."""
    i = 0
    while i < len(words) and words[i].startswith("-") and words[i] != "-m":
        if words[i] == "--":
            return words[:i], words[i + 1 :]
        i += 2 if words[i] in _WITH_VALUE else 1
    return words[:i], words[i:]


def _no_command(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if args.version:
        from importlib.metadata import version

        print(f"plait {version('plait')}")
        return 0
    parser.print_help(sys.stderr)
    return 2


def _tour(args: argparse.Namespace) -> int:
    from plait.cli import tour

    return tour.tour(args.examples, trace=args.trace, check=args.check)


def _run(args: argparse.Namespace) -> int:
    from plait.cli import run

    return run.run(args.target, args.names, trace=args.trace, patch=args.patch)


def _config(args: argparse.Namespace) -> int:
    from plait.cli import config

    if args.verb == "list":
        answer = config.everything()
    elif args.verb == "set":
        answer = config.change(args.key, args.value, args.file)
    else:
        answer = (config.get if args.verb == "get" else config.find)(args.key)
    print(answer, end="")
    return 0


def _info(args: argparse.Namespace) -> int:
    from plait.cli import info

    print(info.report())
    return 0
