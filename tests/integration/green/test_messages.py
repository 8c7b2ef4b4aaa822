"""Libraries of messages and calls that support gevent by themselves."""


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
