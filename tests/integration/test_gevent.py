"""gevent itself, with its compiled modules, on plait's greenlets: its own tests, case by case."""

import pytest


@pytest.mark.timeout(300)
@pytest.mark.parametrize("module", ["test__greenlet", "test__pool", "test__event", "test__queue", "test__server"])
def test_gevents_own_cases_end_as_on_stock(on_both, module):
    stock, plait = on_both("gevent_cases.py", f"gevent.tests.{module}", timeout=240)
    assert plait["cases"] == stock["cases"]
    assert len(plait["cases"]) > 30
    assert "failed" not in plait["cases"].values()
