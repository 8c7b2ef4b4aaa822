"""locust drives a pywsgi server: a swarm of users by requests and by geventhttpclient, in the server's own process."""

from locust import FastHttpUser, HttpUser, constant  # isort: skip  (locust patches as it is imported)

import hashlib
import json
import urllib.request

import gevent
import witness
from gevent.pywsgi import WSGIServer
from locust.env import Environment

USERS = 20
REQUESTS = 400

running = 0
most = 0


def application(environ, start_response):
    global running, most
    path = environ["PATH_INFO"]
    if path == "/slow":
        running += 1
        most = max(most, running)
        gevent.sleep(0.02)
        running -= 1
    if path == "/fail":
        start_response("503 Busy", [("Content-Type", "text/plain")])
        return [b"busy"]
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [hashlib.sha256(body).hexdigest().encode()]


def expected(body):
    return hashlib.sha256(body).hexdigest()


def slow(user):
    user.client.get("/slow")


def sent(user):
    body = b"x" * 50_000
    with user.client.post("/sum", data=body, catch_response=True) as response:
        if response.text != expected(body):
            response.failure(f"another answer: {response.text[:80]}")


def fails(user):
    with user.client.get("/fail", catch_response=True) as response:
        if response.status_code == 503:
            response.success()


class ByRequests(HttpUser):
    wait_time = constant(0.001)
    tasks = {slow: 6, sent: 3, fails: 1}


class ByFastClient(FastHttpUser):
    wait_time = constant(0.001)
    tasks = {slow: 6, sent: 3, fails: 1}


def swarm(port):
    environment = Environment(user_classes=[ByRequests, ByFastClient], host=f"http://127.0.0.1:{port}")
    runner = environment.create_local_runner()
    web = environment.create_web_ui("127.0.0.1", 0)  # locust's own pages are served by pywsgi too
    runner.start(USERS, spawn_rate=USERS)
    while environment.stats.total.num_requests < REQUESTS:
        gevent.sleep(0.01)
    users = runner.user_count
    said = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{web.server.server_port}/stats/requests").read())
    runner.quit()
    web.stop()
    stats = environment.stats
    return {
        "users": users,
        "state": said["state"],
        "failures": [str(error.error) for error in stats.errors.values()],
        "kinds": sorted({name for name, _ in stats.entries}),
        "timed": stats.total.min_response_time is not None and stats.get("/slow", "GET").median_response_time >= 20,
    }


def work():
    global most
    most = 0
    server = WSGIServer(("127.0.0.1", 0), application, log=None)
    server.start()
    results = swarm(server.server_port)
    server.stop()
    return {**results, "together": most > 3}


if __name__ == "__main__":
    witness.report(work)
