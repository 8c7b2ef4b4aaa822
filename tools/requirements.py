"""Print the requirements of one purpose, as pyproject.toml has them, with plait's own extras resolved.

requirements.py build | run | EXTRA

For the Makefile, which installs them apart from plait itself: a change to the sources then installs nothing but plait.
Conditions after `;` are kept for pip; blanks inside a requirement are taken out, so that the shell splits between
requirements only.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
OWN_EXTRAS = re.compile(r"plait\[(.*)\]")


def requirements(project: dict, purpose: str) -> list[str]:
    if purpose == "build":
        return list(project["build-system"]["requires"])
    if purpose == "run":
        return list(project["project"]["dependencies"])
    flat = []
    for item in project["project"]["optional-dependencies"][purpose]:
        if own := OWN_EXTRAS.fullmatch(item):
            flat += [inner for extra in own[1].split(",") for inner in requirements(project, extra)]
        else:
            flat.append(item)
    return list(dict.fromkeys(flat))


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text())
    purposes = ["build", "run", *project["project"]["optional-dependencies"]]
    if len(sys.argv) != 2 or sys.argv[1] not in purposes:
        sys.exit(f"usage: requirements.py {' | '.join(purposes)}")
    print(" ".join(item.replace(" ", "") for item in requirements(project, sys.argv[1])))
