"""Run one of gevent's own test modules as the main program, as gevent does, and note each case's outcome.

gevent_cases.py gevent.tests.test__pool
"""

import runpy
import sys
import unittest

import witness

OUTCOMES = {
    "addSuccess": "passed",
    "addFailure": "failed",
    "addError": "failed",
    "addSkip": "skipped",
    "addExpectedFailure": "skipped",
    "addUnexpectedSuccess": "failed",
}


class Noting(unittest.TextTestResult):
    cases = {}

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.cases[test.id()] = "failed"


def noting(method, outcome):
    base = getattr(unittest.TextTestResult, method)

    def note(self, test, *details):
        base(self, test, *details)
        if self.cases.get(test.id()) != "failed":
            self.cases[test.id()] = outcome

    return note


for method, outcome in OUTCOMES.items():
    setattr(Noting, method, noting(method, outcome))

if __name__ == "__main__":
    module = sys.argv[1]
    sys.argv[1:] = ["-v"]
    unittest.TextTestRunner.resultclass = Noting
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    witness.report(cases=Noting.cases)
