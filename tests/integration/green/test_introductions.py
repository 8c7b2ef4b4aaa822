"""What gevent's documentation and introductions show."""


def test_what_introductions_show(on_both):
    gevent, plait = on_both("tutorial.py")
    assert plait == gevent
    assert plait == {
        "taking_turns": ["foo begins", "bar begins", "foo ends", "bar ends"],
        "states": [["True", "False", "ValueError", "won"], True, False, None],
        "subclassed": "hihihi",
        "timed_out": ["0.005 seconds", "late", True, "get"],
        "events": [[0, "answer"], [1, "answer"], [2, "answer"], "ZeroDivisionError"],
        "boss_and_workers": [True, ["bob", "john", "steve"]],
        "actors": [100, 99],
        "crawled": [127, 0, 5],
        "groups": [
            [[0, 1, 2], [0, 1, 2], [number * number for number in range(10)]],
            2,
            [True] * 3,
            1024,
        ],
        "priorities": ["a", "b", "c"],
        "locked": [0, 1, 2, 3, 4, 5, "too many"],
        "locals": [[0, 1, 2], False],
        "children": [["42", "42", "TimeoutExpired"], [0, 0], 300_000, True, 3],
        "threads": [[0, 1, 2], 6, [1, 2, 4, 8, 16]],
        "waited": ["quick", True, True],
    }
