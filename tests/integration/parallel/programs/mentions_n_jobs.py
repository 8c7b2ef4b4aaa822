"""A pytest plugin: of what is collected, runs the test functions whose source mentions n_jobs or joblib.

OUTCOMES names the file that gets a line of JSON for each: its id, and "passed", "failed" or "skipped".
"""

import ast
import inspect
import json
import os
from functools import cache

_outcomes = {}


@cache
def functions(module):
    """The names of the module's functions, and of its classes' methods, that mention n_jobs or joblib."""
    source = inspect.getsource(module)
    defined = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    lines = source.splitlines()

    def text(node):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        return "\n".join(lines[first - 1 : node.end_lineno])

    return {node.name for node in defined if "n_jobs" in text(node) or "joblib" in text(node)}


def pytest_collection_modifyitems(config, items):
    chosen = [item for item in items if getattr(item, "originalname", item.name) in functions(item.module)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = "skipped" if hasattr(report, "wasxfail") else report.outcome
    if report.when == "teardown":
        with open(os.environ["OUTCOMES"], "a") as file:
            print(json.dumps([report.nodeid, _outcomes[report.nodeid]]), file=file)


def pytest_collectreport(report):
    if report.failed:
        with open(os.environ["OUTCOMES"], "a") as file:
            print(json.dumps([report.nodeid, "not collected"]), file=file)
