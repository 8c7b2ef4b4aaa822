"""Servers of gevent's kinds, and the standard library's own clients and servers, patched."""


def test_servers_of_every_kind(on_both, certificates):
    gevent, plait = on_both("servers.py", certificates.authority, certificates.server)
    assert plait == gevent
    pages = {"get": [200, "hello GET "], "posts": True, "parts": 4950, "failing": 500, "missing": 404}
    assert plait == {
        "echoed": [True, True],
        "limited": [True, 3],
        "datagrams": True,
        "forwarded": True,
        "sent_by_the_kernel": 3_000_000,
        "web": [pages, pages],
        "on_a_path": ["HTTP/1.1 200 OK", "hello GET "],
        "proxied": [200, 200, 404] * 5,
        "resolved": ["127.0.0.1", "127.0.0.1", "10.1.2.3", "gaierror"],
        "polled_for": True,
        "stopped_gracefully": [["before\n", True, "after\n", "refused"], True, True],
    }


def test_the_standard_library_patched(on_both):
    gevent, plait = on_both("stdlib_patched.py")
    assert plait == gevent
    assert plait == {
        "mailed": [True, 20, True],
        "transferred": [True, 3_000_000],
        "called": True,
        "logged": [20, 20],
        "threads": [30, True, [0, 1, 2, 3, 4], 1, 1, False],
        "polled": [[0, 1]] * 3,
        "children": [["0", "1", "2", "3", "4"], 5, 7, True],
        "piped": [1_000_000, 0],
        "kept_alive": True,
    }
