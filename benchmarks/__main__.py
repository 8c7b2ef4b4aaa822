"""Run every question and print its table: `python -m benchmarks [FOLDER ...] [-- ARGUMENTS OF EACH]`.

With `--save`, each table is also written to `benchmarks/results/`. Exits with 1 where a question missed a target.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent


def questions(folders: Sequence[str]) -> list[str]:
    """The modules, as `python -m` takes them; those of all folders where none is named."""
    files = sorted(HERE.glob("*/[!_]*.py"))
    return [
        f"benchmarks.{file.parent.name}.{file.stem}" for file in files if not folders or file.parent.name in folders
    ]


def ask(question: str, arguments: Sequence[str], save: bool) -> bool:
    """Run one, show its table as it grows, and save it where asked. True where its targets are met."""
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", question, *arguments], cwd=HERE.parent, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if save:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        name = f"{question.removeprefix('benchmarks.')}.{version}.txt"
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / name).write_text("".join(lines))
    return process.returncode == 0


def main(arguments: Sequence[str]) -> int:
    own, passed_on = list(arguments), []
    if "--" in own:
        split = own.index("--")
        own, passed_on = own[:split], own[split + 1 :]
    save = "--save" in own
    folders = [word for word in own if word != "--save"]
    met = []
    for question in questions(folders):
        print(f"== {question}", flush=True)
        met.append(ask(question, passed_on, save))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
