"""grpc's own support of gevent: a server whose handlers are greenlets, and clients; unary calls, streams, deadlines."""

from gevent import monkey

monkey.patch_all()

import grpc.experimental.gevent

grpc.experimental.gevent.init_gevent()

from concurrent.futures import ThreadPoolExecutor

import gevent
import grpc
import witness
from gevent.event import Event
from gevent.pool import Pool

TOGETHER = 4  # a call keeps a thread of the hub's pool, which has ten, and so does the server


class Handlers(grpc.GenericRpcHandler):
    def __init__(self):
        self.arrived = 0
        self.all_here = Event()

    def service(self, details):
        return {
            "/plait/upper": grpc.unary_unary_rpc_method_handler(lambda request, _: request.upper()),
            "/plait/together": grpc.unary_unary_rpc_method_handler(self.together),
            "/plait/count": grpc.unary_stream_rpc_method_handler(self.count),
            "/plait/add": grpc.stream_unary_rpc_method_handler(self.add),
            "/plait/echo": grpc.stream_stream_rpc_method_handler(self.echo),
            "/plait/slow": grpc.unary_unary_rpc_method_handler(self.slow),
            "/plait/fail": grpc.unary_unary_rpc_method_handler(self.fail),
        }.get(details.method)

    def together(self, request, context):
        """Answers when TOGETHER calls are here."""
        self.arrived += 1
        if self.arrived == TOGETHER:
            self.all_here.set()
        self.all_here.wait()
        return request

    def count(self, request, context):
        for number in range(int(request)):
            gevent.sleep(0)
            yield b"%d" % number

    def add(self, requests, context):
        return b"%d" % sum(int(request) for request in requests)

    def echo(self, requests, context):
        for request in requests:
            yield request[::-1]

    def slow(self, request, context):
        while context.is_active():
            gevent.sleep(0.005)
        return b""

    def fail(self, request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")


def status(call, *args, **options):
    try:
        call(*args, **options)
    except grpc.RpcError as error:
        return error.code().name, error.details() if error.code() is grpc.StatusCode.NOT_FOUND else ""
    return None


def use(channel):
    upper, together = channel.unary_unary("/plait/upper"), channel.unary_unary("/plait/together")
    count, add = channel.unary_stream("/plait/count"), channel.stream_unary("/plait/add")
    echo = channel.stream_stream("/plait/echo")
    return {
        "upper": Pool(4).map(lambda number: upper(b"text %d" % number).decode(), range(20)),
        "together": sorted(
            int(answer) for answer in Pool(TOGETHER).map(lambda n: together(b"%d" % n), range(TOGETHER))
        ),
        "count": Pool(4).map(lambda number: sum(map(int, count(b"%d" % number))), [10, 20, 30]),
        "add": add(b"%d" % number for number in range(100)).decode(),
        "echo": [answer.decode() for answer in echo(iter([b"abc", b"def"]))],
        "deadline": status(channel.unary_unary("/plait/slow"), b"", timeout=0.05),
        "failed": status(channel.unary_unary("/plait/fail"), b""),
        "unknown": status(channel.unary_unary("/plait/nothing"), b"")[0],
    }


def work():
    server = grpc.server(ThreadPoolExecutor(20), handlers=(Handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            return use(channel)
    finally:
        server.stop(None).wait()


if __name__ == "__main__":
    witness.report(work)
