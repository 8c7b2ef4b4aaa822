"""Playwright's synchronous API: a greenlet a call, over an asyncio loop in another, with a browser at the end."""

import shutil

import pytest


@pytest.mark.timeout(300)
def test_a_page_is_driven(on_both):
    chromium = shutil.which("chromium")
    assert chromium, "this test drives Debian's Chromium: apt-get install chromium"
    stock, plait = on_both("playwright_page.py", chromium, timeout=240)
    assert plait == stock
    assert plait == {
        "title": "Counter",
        "text": "plait: 3",
        "sum": 4950,
        "heard": ["heard"],
        "missing": True,
        "thrown": True,
    }
