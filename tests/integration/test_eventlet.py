"""eventlet: its hub, green sockets, pools, queues and timeouts on plait's greenlets."""


def test_servers_pools_queues_and_timeouts(on_both):
    stock, plait = on_both("eventlet_echo.py")
    assert plait == stock
    assert plait == {"echoed": 50, "queued": True, "timed_out": True, "failed": "from a green thread"}
