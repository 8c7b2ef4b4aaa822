"""pyzmq's green sockets: request and reply, publish and subscribe, push and pull, routers, the poller, time-outs."""

from gevent import monkey

monkey.patch_all()

import gevent
import witness
import zmq.green as zmq
from gevent.pool import Pool


def bound(context, kind):
    socket = context.socket(kind)
    socket.linger = 0
    return socket, f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"


def connected(context, kind, address):
    socket = context.socket(kind)
    socket.linger = 0
    socket.connect(address)
    return socket


def asked(context):
    """Ten clients of one replying greenlet."""
    reply, address = bound(context, zmq.REP)

    def serve():
        while True:
            reply.send(reply.recv()[::-1])

    def ask(number):
        with connected(context, zmq.REQ, address) as request:
            answers = []
            for turn in range(20):
                request.send_string(f"{number}.{turn}")
                answers.append(request.recv_string()[::-1] == f"{number}.{turn}")
            return all(answers)

    server = gevent.spawn(serve)
    try:
        return Pool(10).map(ask, range(10))
    finally:
        server.kill()
        reply.close()


def published(context):
    """Each subscriber hears its topic, whole and in order. A last topic says that all are connected."""
    publisher, address = bound(context, zmq.XPUB)

    def listen(topic):
        with connected(context, zmq.SUB, address) as subscriber:
            subscriber.subscribe(topic)
            heard = []
            while True:
                _, data = subscriber.recv_multipart()
                if data == b"end":
                    return heard == [b"%d" % number for number in range(100)]
                heard.append(data)

    topics = [b"a", b"b", b"c"]
    listeners = [gevent.spawn(listen, topic) for topic in topics]
    for _ in topics:
        publisher.recv()  # a subscription
    for number in range(100):
        for topic in topics:
            publisher.send_multipart([topic, b"%d" % number])
    for topic in topics:
        publisher.send_multipart([topic, b"end"])
    try:
        return [listener.get(timeout=30) for listener in listeners]
    finally:
        publisher.close()


def pushed(context):
    """More than the high-water marks hold, so that the pushing greenlet waits for the pulling ones."""
    push = context.socket(zmq.PUSH)
    push.linger = 0
    push.sndhwm = 5
    address = f"tcp://127.0.0.1:{push.bind_to_random_port('tcp://127.0.0.1')}"

    def pull(_):
        total = 0
        with context.socket(zmq.PULL) as socket:
            socket.linger = 0
            socket.rcvhwm = 5
            socket.connect(address)
            while True:
                number = socket.recv_pyobj()
                if number is None:
                    return total
                total += number
                gevent.sleep(0)

    pullers = [gevent.spawn(pull, number) for number in range(3)]
    for number in range(500):
        push.send_pyobj(number)
    while not all(puller.ready() for puller in pullers):
        push.send_pyobj(None, copy=False)
        gevent.sleep(0.001)
    try:
        return sum(puller.get(timeout=30) for puller in pullers)
    finally:
        push.close()


def routed(context):
    """A dealer's several requests at once, answered in any order by greenlets behind a router."""
    router, address = bound(context, zmq.ROUTER)

    def serve():
        while True:
            frames = router.recv_multipart()
            gevent.spawn_later(0, router.send_multipart, [*frames[:-1], frames[-1].upper()])

    server = gevent.spawn(serve)
    try:
        with connected(context, zmq.DEALER, address) as dealer:
            for number in range(50):
                dealer.send_multipart([b"%d" % number, b"text %d" % number])
            answers = [dealer.recv_multipart() for _ in range(50)]
            return sorted(int(number) for number, text in answers if text == b"TEXT " + number)
    finally:
        server.kill()
        router.close()


def polled(context):
    """The poller, over two sockets: nothing, then one, then both; other greenlets run meanwhile."""
    one, first = bound(context, zmq.PULL)
    two, second = bound(context, zmq.PULL)
    poller = zmq.Poller()
    poller.register(one, zmq.POLLIN)
    poller.register(two, zmq.POLLIN)
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            gevent.sleep(0.001)

    ticker = gevent.spawn(tick)
    seen = [len(poller.poll(20))]
    with connected(context, zmq.PUSH, first) as to_one, connected(context, zmq.PUSH, second) as to_two:
        gevent.spawn_later(0.005, to_one.send, b"first")
        seen.append([socket is one for socket, _ in poller.poll(10_000)])
        to_two.send(b"second")
        while len(events := dict(poller.poll(10_000))) < 2:
            gevent.sleep(0.001)
        seen.append(sorted(socket.recv().decode() for socket in events))
    ticker.kill()
    one.close()
    two.close()
    return seen, len(ticks) > 3


def timed_out(context):
    seen = []
    socket, _ = bound(context, zmq.PULL)
    try:
        socket.recv(zmq.NOBLOCK)
    except zmq.Again:
        seen.append("Again")
    with gevent.Timeout(0.01, False):
        socket.recv()
    seen.append("gevent.Timeout")
    waiting = gevent.spawn(socket.recv)
    gevent.sleep(0.01)
    waiting.kill()
    seen.append(waiting.ready())
    socket.close()
    return seen


def work():
    with zmq.Context() as context:
        return {
            "asked": asked(context),
            "published": published(context),
            "pushed": pushed(context),
            "routed": routed(context) == list(range(50)),
            "polled": polled(context),
            "timed_out": timed_out(context),
        }


if __name__ == "__main__":
    witness.report(work)
