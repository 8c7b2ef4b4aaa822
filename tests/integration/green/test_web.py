"""Web programs on pywsgi: Flask-SocketIO with its clients, and locust."""

import pytest


@pytest.mark.timeout(200)
@pytest.mark.parametrize("library", ["gevent-websocket", "simple-websocket"])
def test_flask_socketio(on_both, library):
    gevent, plait = on_both("socketio_flask.py", library)
    assert plait == gevent

    def told(transport):
        return [transport, True, 4, True, "x, later"]

    assert plait == {
        "websocket": [told("websocket")] * 20,
        "polling": [told("polling")] * 5,
        "upgraded": [told("websocket")] * 5,
        "rooms": [["hello", "others"] * 3, 0],
        "page": True,
        "threads": True,
    }


@pytest.mark.timeout(200)
def test_locust(on_both):
    gevent, plait = on_both("locust_swarm.py", volatile=["socket"])  # users' sessions are closed as they are collected
    assert plait == gevent
    assert plait == {
        "users": 20,
        "state": "running",
        "failures": [],
        "kinds": ["/fail", "/slow", "/sum"],
        "timed": True,
        "together": True,
    }
