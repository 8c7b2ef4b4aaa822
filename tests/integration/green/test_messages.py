"""Libraries of messages and calls that support gevent by themselves: pyzmq's green sockets, grpc."""


def test_pyzmq_green(on_both):
    gevent, plait = on_both("zmq_green.py")
    assert plait == gevent
    assert plait == {
        "asked": [True] * 10,
        "published": [True] * 3,
        "pushed": 124_750,
        "routed": True,
        "polled": [[0, [True], ["first", "second"]], True],
        "timed_out": ["Again", "gevent.Timeout", True],
    }


def test_grpc(on_both):
    gevent, plait = on_both("grpc_gevent.py", volatile=["anon_inode"])  # grpc's pollers
    assert plait == gevent
    assert plait == {
        "upper": [f"TEXT {number}" for number in range(20)],
        "together": list(range(4)),
        "count": [45, 190, 435],
        "add": "4950",
        "echo": ["cba", "fed"],
        "deadline": ["DEADLINE_EXCEEDED", ""],
        "failed": ["NOT_FOUND", "no such thing"],
        "unknown": "UNIMPLEMENTED",
    }
