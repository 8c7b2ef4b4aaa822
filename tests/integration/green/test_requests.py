"""requests and urllib3: what most programs on gevent do."""

ODDS = {
    "moved": ["/echo/moved", [302]],
    "packed": 7000,
    "posted": {"bytes": 256_000, "sum": 32_640_000},
    "chunked": {"bytes": 100_000, "sum": 4_950_000},
    "streamed": 25_000,
    "missing": 404,
}


def test_pools_streams_tls_retries_and_timeouts(on_both, certificates):
    gevent, plait = on_both("requests_many.py", certificates.authority, certificates.server)
    assert plait == gevent
    timed_out = ["ReadTimeout"] * 3 + ["gevent.Timeout", True, "/echo/after"]
    assert plait == {
        "plain": {
            "kept": [True, True],
            "together": ["together"],
            **ODDS,
            "retried": "at last",
            "timed_out": timed_out,
        },
        "secure": {"kept": [True, True], "together": ["together"], **ODDS, "untrusted": "SSLError"},
        "gone": "ConnectionError",
    }
