"""WSGIServer: what goes over the wire, and the hooks. Each answer is read by a client of bytes, not by a library."""

import contextlib
import io
import logging
import subprocess
import sys
from wsgiref.validate import validator

import pytest

from plait import green
from plait.green import pywsgi, ssl
from plait.green.pool import Pool
from plait.green.pywsgi import WSGIHandler, WSGIServer
from plait.green.socket import create_connection, create_server

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", b"world"]


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


class Answer:
    """One response, read from a binary file. code 0: the connection ended before it."""

    def __init__(self, file, head_only=False):
        line, *fields = iter(lambda: file.readline().rstrip(b"\r\n"), b"") if (first := file.peek(1)) else [b""]
        self.status = line.partition(b" ")[2].decode()
        self.code = int(self.status[:3] or 0)
        pairs = [field.decode("latin-1").split(": ", 1) for field in fields]
        self.fields = {name.lower(): value for name, value in pairs}
        assert len(self.fields) == len(pairs), f"a field came twice: {pairs}"
        self.chunks = None
        if head_only or not first or self.code in (100, 101, 204, 304):
            self.body = b""
        elif self.fields.get("transfer-encoding") == "chunked":
            self.chunks = list(chunks(file))
            self.body = b"".join(self.chunks)
        elif "content-length" in self.fields:
            self.body = file.read(int(self.fields["content-length"]))
        else:
            self.body = file.read()


def chunks(file):
    while size := int(file.readline(), 16):
        yield file.read(size)
        assert file.read(2) == b"\r\n"
    assert file.readline() == b"\r\n"


class Client:
    def __init__(self, address):
        self.sock = create_connection(address)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.sock.close()

    def ask(self, request, **options):
        self.sock.sendall(request)
        return Answer(self.file, **options)

    def ended(self):
        return self.file.read(1) == b""


class Served:
    """A server, its log lines and clients of it."""

    def __init__(self, application, **options):
        self.log, self.errors = io.StringIO(), io.StringIO()
        kind = options.pop("kind", WSGIServer)
        options = {"log": self.log, "error_log": self.errors, **options}
        self.server = kind(("127.0.0.1", 0), application, **options)

    def client(self):
        return Client(self.server.address)

    def ask(self, request, **options):
        """The answer on a connection of its own."""
        with self.client() as client:
            return client.ask(request, **options)


@pytest.fixture
def serve():
    started = []

    def start(application=hello, settings=None, **options):
        served = Served(application, **options)
        for name, value in (settings or {}).items():
            setattr(served.server, name, value)
        served.server.start()
        started.append(served.server)
        return served

    yield start
    for server in started:
        server.stop(timeout=0)


# -- requests and responses ----------------------------------------------------------------------------------------


def test_a_list_is_sent_with_its_length(serve):
    answer = serve(validator(hello)).ask(GET)
    assert answer.status == "200 OK"
    assert answer.fields["content-type"] == "text/plain"
    assert "date" in answer.fields and "connection" not in answer.fields
    answer = serve(hello).ask(GET)
    assert (answer.fields["content-length"], answer.body) == ("11", b"hello world")


def test_a_connection_serves_many(serve):
    served = serve()
    with served.client() as client:
        for _ in range(3):
            assert client.ask(GET).body == b"hello world"
        answer = client.ask(CLOSE)
        assert answer.fields["connection"] == "close"
        assert client.ended()
    assert served.log.getvalue().count('"GET / HTTP/1.1" 200 ') == 4


def test_http_1_0(serve):
    served = serve()
    with served.client() as client:
        assert client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").fields["connection"] == "keep-alive"
        assert client.ask(b"GET / HTTP/1.0\r\n\r\n").fields["connection"] == "close"
        assert client.ended()


def generator(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b""
    yield b"one"
    yield b""
    yield b"two"


def test_a_generator_is_sent_in_chunks(serve):
    served = serve(validator(generator))
    with served.client() as client:
        for _ in range(2):
            answer = client.ask(GET)
            assert answer.fields["transfer-encoding"] == "chunked"
            assert answer.chunks == [b"one", b"two"]
        answer = client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert "transfer-encoding" not in answer.fields and answer.fields["connection"] == "close"
        assert answer.body == b"onetwo"


def test_pieces_are_sent_as_they_come(serve):
    events = []

    def slowly(environ, start_response):
        start_response("200 OK", [("Content-Length", "6")])
        yield b"one"
        green.sleep(0.001)
        events.append("second")
        yield b"two"

    served = serve(slowly)
    with served.client() as client:
        client.sock.sendall(GET)
        head = b"".join(iter(client.file.readline, b"\r\n"))
        assert b"Content-Length: 6" in head
        assert client.file.read(3) == b"one" and not events
        assert client.file.read(3) == b"two" and events


def test_write(serve):
    def application(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written ")
        write(b"")
        return [b"returned"]

    answer = serve(validator(application)).ask(GET)
    assert answer.chunks == [b"written ", b"returned"]


def test_empty_bodies(serve):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return {"/list": [], "/empty": [b""], "/iterator": iter(())}[environ["PATH_INFO"]]

    served = serve(application)
    for path in (b"/list", b"/empty"):
        answer = served.ask(GET.replace(b"/", path, 1))
        assert (answer.fields["content-length"], answer.body) == ("0", b"")
    assert served.ask(GET.replace(b"/", b"/iterator", 1)).chunks == []


def test_large_bodies_arrive_whole(serve):
    data = bytes(range(256)) * 4000

    def application(environ, start_response):
        start_response("200 OK", [])
        return [data[:500_000], data[500_000:]] if environ["PATH_INFO"] == "/" else iter([data[:70_000], data[70_000:]])

    served = serve(application)
    assert served.ask(GET).body == data
    assert served.ask(GET.replace(b"/", b"/x", 1)).body == data


def test_bytearrays(serve):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [bytearray(b"one "), bytearray(b"two")]

    assert serve(application).ask(GET).body == b"one two"


@pytest.mark.parametrize("result", [[b"hello"], (b"hel", b"lo"), iter([b"hello"])])
def test_head_gets_no_body(serve, result):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return result

    served = serve(application)
    with served.client() as client:
        answer = client.ask(b"HEAD / HTTP/1.1\r\n\r\n", head_only=True)
        assert answer.fields["content-length"] == "5"
        assert client.ask(b"HEAD / HTTP/1.1\r\n\r\n", head_only=True).code in (200, 500)


def test_the_length_of_an_absent_body_is_not_told_for_head(serve):
    def application(environ, start_response):
        start_response("200 OK", [])
        return []

    served = serve(application)
    with served.client() as client:
        for _ in range(2):
            answer = client.ask(b"HEAD / HTTP/1.1\r\n\r\n", head_only=True)
            assert not {"content-length", "transfer-encoding"} & set(answer.fields)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_statuses_without_a_body(serve, errors, status):
    def application(environ, start_response):
        start_response(status, [])
        return [b"body"] if environ["PATH_INFO"] == "/body" else [b""]

    served = serve(application)
    with served.client() as client:
        for _ in range(2):
            answer = client.ask(GET)
            assert answer.status == status
            assert not {"content-length", "transfer-encoding"} & set(answer.fields)
        assert client.ask(GET.replace(b"/", b"/body", 1)).code == 500
    [(_, error)] = errors
    assert isinstance(error, AssertionError) and status[:3] in str(error)


def test_a_length_that_a_status_cannot_have(serve):
    def application(environ, start_response):
        try:
            start_response("304 Not modified", [("Content-Length", "100")])
        except AssertionError as error:
            start_response("200 Raised", [])
            return error.args

    assert serve(application).ask(GET).body.startswith(b"Invalid Content-Length for 304 response: '100'")


def test_more_than_promised_is_not_sent(serve):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello", b"HTTP/1.1 200 OK\r\n"] if environ["PATH_INFO"] == "/" else iter([b"hello", b"HTTP/1.1"])

    served = serve(application)
    for path in (b"/", b"/x"):
        with served.client() as client:
            assert client.ask(GET.replace(b"/", path, 1)).body == b"hello"
            assert client.ended()
    assert served.errors.getvalue().count("longer than its Content-Length") == 2


def test_less_than_promised_ends_the_connection(serve):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "50")])
        return [b"hello"]

    with serve(application).client() as client:
        answer = client.ask(GET)
        assert answer.body == b"hello"


# -- the environment -----------------------------------------------------------------------------------------------


@pytest.fixture
def environ_of(serve):
    """The environment that a request gets."""
    seen = []

    def application(environ, start_response):
        seen.append(dict(environ))
        return hello(environ, start_response)

    def ask(request, **options):
        served = serve(validator(application), **options)
        assert served.ask(request).code == 200
        return seen.pop()

    return ask


def test_the_environment(environ_of):
    environ = environ_of(
        b"POST /a%20b%2f%e4?c=%20&d HTTP/1.1\r\nHost: here\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 0\r\nX-Y: z\r\n\r\n",
        environ={"my.key": "value"},
    )
    expected = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/\xe4",
        "QUERY_STRING": "c=%20&d",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "here",
        "HTTP_X_Y": "z",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input_terminated": True,
        "my.key": "value",
    }
    assert {key: environ[key] for key in expected} == expected
    assert environ["SERVER_PORT"].isdigit() and environ["SERVER_NAME"] and environ["REMOTE_PORT"].isdigit()
    assert environ["SERVER_SOFTWARE"].startswith("gevent/")


def test_only_what_was_sent(environ_of):
    environ = environ_of(b"GET / HTTP/1.1\r\n\r\n")
    assert not [key for key in environ if key.startswith("HTTP_")]
    assert "CONTENT_LENGTH" not in environ and "CONTENT_TYPE" not in environ


def test_a_proxys_whole_url(environ_of):
    assert environ_of(b"GET http://here/a?b HTTP/1.1\r\nHost: here\r\n\r\n")["PATH_INFO"] == "/a"
    assert environ_of(b"GET http://here HTTP/1.1\r\nHost: here\r\n\r\n")["PATH_INFO"] == "/"
    assert environ_of(b"GET /x?u=http://here/ HTTP/1.1\r\n\r\n")["PATH_INFO"] == "/x"


def test_requests_share_nothing(serve):
    seen = []

    def application(environ, start_response):
        seen.append(environ)
        environ["mine"] = True
        return hello(environ, start_response)

    with serve(application).client() as client:
        client.ask(GET.replace(b"Host", b"Other"))
        client.ask(GET)
    assert "HTTP_OTHER" in seen[0] and "HTTP_OTHER" not in seen[1]
    assert seen[0] is not seen[1]


def test_the_class_of_environments(serve):
    seen = []

    def application(environ, start_response):
        seen.append(type(environ))
        return hello(environ, start_response)

    class Server(WSGIServer):
        environ_class = pywsgi.SecureEnviron

    serve(application, kind=Server).ask(GET)
    assert seen == [pywsgi.SecureEnviron]


# -- bodies of requests --------------------------------------------------------------------------------------------


def test_bodies(serve):
    with serve(validator(echo)).client() as client:
        assert client.ask(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").code == 500  # read() without a size
    served = serve(echo)
    with served.client() as client:
        assert client.ask(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").body == b"hello"
        assert (
            client.ask(b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").body == b"hello"
        )
        assert client.ask(GET).body == b""
        big = bytes(range(256)) * 2000
        assert client.ask(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(big), big)).body == big


def test_pipelined_requests_are_answered_in_order(serve):
    requests = b"".join(
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d" % number
        + b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nc%d\r\n0\r\n\r\n" % number
        for number in range(10)
    )
    for step in (len(requests), 7, 1):
        with serve(echo).client() as client:
            for at in range(0, len(requests), step):
                client.sock.sendall(requests[at : at + step])
            bodies = [Answer(client.file).body for _ in range(20)]
        assert bodies == [body for number in range(10) for body in (b"%d" % number, b"c%d" % number)]


def test_a_body_that_nobody_read_is_skipped(serve):
    with serve(hello).client() as client:
        for body in (b"Content-Length: 5\r\n\r\nGET /", b"Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n"):
            assert client.ask(b"POST / HTTP/1.1\r\n" + body).body == b"hello world"
        assert client.ask(GET).body == b"hello world"


def test_too_long_a_body_that_nobody_read_ends_the_connection(serve):
    with serve(hello).client() as client:
        answer = client.ask(b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\nabc")
        assert answer.body == b"hello world"
        client.sock.shutdown(1)
        assert client.ended()


def test_a_wrong_chunk_behind_the_answer_ends_the_connection(serve):
    with serve(hello).client() as client:
        answer = client.ask(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0GET /x HTTP/1.1\r\n\r\n" + GET)
        assert answer.body == b"hello world"
        assert client.ended()


def test_a_wrong_chunk_is_a_bad_request(serve):
    served = serve(echo)
    answer = served.ask(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
    assert (answer.code, answer.fields["connection"]) == (400, "close")
    assert "is no size of a chunk" in served.errors.getvalue()
    assert '"POST / HTTP/1.1" 400' in served.log.getvalue()


def test_a_body_cut_short_is_the_applications_error(serve, errors):
    with serve(echo).client() as client:
        client.sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel")
        client.sock.shutdown(1)
        assert Answer(client.file).code == 500
    assert "unexpected end of file" in str(errors[0][1])


def test_continue_is_sent_when_the_body_is_read(serve):
    ask = b"POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    with serve(echo).client() as client:
        for _ in range(2):
            client.sock.sendall(ask)
            assert Answer(client.file).status == "100 Continue"
            assert client.ask(b"hello").body == b"hello"
    with serve(hello).client() as client:
        assert client.ask(ask + b"hello").code == 200
        assert client.ask(GET).code == 200
    with serve(echo).client() as client:
        assert client.ask(ask.replace(b"1.1", b"1.0") + b"hello").body == b"hello"


def test_bodies_may_be_limited(serve):
    served = serve(echo, settings={"max_body_bytes": 10})
    assert served.ask(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789").code == 200
    assert served.ask(b"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n").code == 413
    assert served.ask(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n").code == 413


# -- bad requests and slow clients ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"GET / HTTP %\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 70000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
    ],
)
def test_a_bad_request_is_answered_logged_and_ends_the_connection(serve, errors, request_, code):
    served = serve()
    with served.client() as client:
        assert client.ask(GET).code == 200
        answer = client.ask(request_ + GET)
        assert (answer.code, answer.fields["connection"]) == (code, "close")
        assert client.ended()
    assert "Invalid request" in served.errors.getvalue() and "127.0.0.1" in served.errors.getvalue()
    assert served.log.getvalue().splitlines()[-1].split('" ')[1].startswith(f"{code} ")
    assert not errors


def test_a_client_that_stays_silent_is_closed(serve, virtual_clock):
    served = serve(settings={"idle_timeout": 5})
    with served.client() as client:
        assert client.ask(GET).code == 200
        begin = virtual_clock.now_ns()
        assert client.ended()
        assert 5e9 <= virtual_clock.now_ns() - begin < 9e9
    assert served.log.getvalue().count("\n") == 1


def test_a_head_that_drips_is_refused(serve, virtual_clock):
    served = serve(settings={"head_timeout": 5})
    with served.client() as client:
        for byte in GET[:20]:
            client.sock.sendall(bytes([byte]))
            green.sleep(1)
            if not client.sock.gettimeout():
                break
        assert Answer(client.file).status == "408 Request Timeout"
    assert served.ask(GET).code == 200


def test_a_body_that_stops_is_refused(serve, virtual_clock):
    served = serve(echo, settings={"body_timeout": 5})
    for body in (b"Content-Length: 5\r\n\r\nhel", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"):
        assert served.ask(b"POST / HTTP/1.1\r\n" + body).status == "408 Request Timeout"
    assert served.errors.getvalue().count("too slow") == 2


def test_a_client_that_takes_nothing_is_dropped(serve, virtual_clock, errors):
    ended = []

    def application(environ, start_response):
        try:
            start_response("200 OK", [])
            for _ in range(1000):
                yield bytes(100_000)
        finally:
            ended.append(True)

    served = serve(application, settings={"body_timeout": 5})
    with served.client() as client:
        client.sock.sendall(GET)
        green.sleep(100)
        assert ended
    assert "too slow" in served.errors.getvalue() and not errors


def test_slow_clients_hold_up_nobody(serve):
    served = serve()
    slow = [served.client() for _ in range(50)]
    for client in slow:
        client.sock.sendall(GET[:9])
    assert served.ask(GET).code == 200
    for client in slow:
        assert client.ask(GET[9:]).code == 200
        client.__exit__()


def test_a_client_that_leaves_is_no_error(serve, errors):
    def application(environ, start_response):
        start_response("200 OK", [])
        for _ in range(100):
            yield bytes(100_000)

    served = serve(application)
    with served.client() as client:
        client.sock.sendall(GET)
        client.file.read(10)
    while not served.log.getvalue():
        green.sleep(0.001)
    assert not errors and served.log.getvalue().split('" ')[1].startswith("200")
    with served.client() as client:
        client.sock.sendall(GET[:10])
    assert served.ask(GET).code == 200


# -- errors of the application -------------------------------------------------------------------------------------


def test_a_failing_application(serve, errors):
    def application(environ, start_response):
        raise KeyError("application")

    served = serve(application)
    with served.client() as client:
        answer = client.ask(GET)
        assert (answer.code, answer.body) == (500, b"Internal Server Error")
        assert answer.fields["connection"] == "close" and client.ended()
    [(context, error)] = errors
    assert isinstance(error, KeyError) and isinstance(context, pywsgi.WSGISecureEnviron)
    assert '" 500 ' in served.log.getvalue()


def test_failing_after_start_response(serve, errors):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "5"), ("Set-Cookie", "a")])
        raise KeyError("application")

    answer = serve(application).ask(GET)
    assert (answer.code, answer.body) == (500, b"Internal Server Error") and "set-cookie" not in answer.fields


def test_failing_in_the_body_cuts_the_response(serve, errors):
    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"hello"
        raise KeyError("application")

    with serve(application).client() as client:
        client.sock.sendall(GET)
        assert client.file.read().endswith(b"\r\n\r\n5\r\nhello\r\n")
    assert isinstance(errors[0][1], KeyError)


def test_an_application_may_replace_its_answer(serve):
    def application(environ, start_response):
        start_response("200 OK", [("A", "b")])
        try:
            raise KeyError
        except KeyError:
            start_response("500 Sorry", [("C", "d")], sys.exc_info())
        return [b"sorry"]

    answer = serve(application).ask(GET)
    assert answer.status == "500 Sorry" and "a" not in answer.fields


def test_after_the_head_it_cannot(serve, errors):
    def application(environ, start_response):
        start_response("200 OK", [])(b"sent")
        try:
            raise KeyError("mine")
        except KeyError:
            start_response("500 Sorry", [], sys.exc_info())

    with serve(application).client() as client:
        client.sock.sendall(GET)
        client.file.read()
    assert isinstance(errors[0][1], KeyError)


def test_without_start_response(serve, errors):
    assert serve(lambda environ, start_response: [b"x"]).ask(GET).code == 500
    assert "start_response" in str(errors[0][1])


@pytest.mark.parametrize("field", [("A", "b\r\nSet-Cookie: c"), ("A\n", "b"), ("A", "\u1234")])
def test_fields_cannot_split_the_response(serve, errors, field):
    def application(environ, start_response):
        start_response("200 OK", [field])
        return []

    answer = serve(application).ask(GET)
    assert answer.code == 500 and "set-cookie" not in answer.fields
    assert isinstance(errors[0][1], ValueError)


def test_close_is_called_once_whatever_happens(serve, errors):
    class Result:
        def __init__(self, fails):
            self.fails, self.closed = fails, 0

        def __iter__(self):
            yield b"hello"
            if self.fails:
                raise KeyError

        def close(self):
            self.closed += 1

    for fails in (False, True):
        result = Result(fails)

        def application(environ, start_response, result=result):
            start_response("200 OK", [])
            return result

        with serve(application).client() as client:
            client.sock.sendall(CLOSE)
            client.file.read()
        assert result.closed == 1


# -- hooks ---------------------------------------------------------------------------------------------------------


def test_handlers_may_be_subclassed(serve):
    lines = []

    class Handler(WSGIHandler):
        def get_environ(self):
            environ = super().get_environ()
            environ["extra"] = self.headers["x-one"] + self.headers.get("X-Two", "none")
            return environ

        def format_request(self):
            timed = self.time_finish >= self.time_start > 0
            return f"{self.command} {self.path} {self.code} {self.response_length > 0} {timed}"

        def log_request(self):
            lines.append(self.format_request())

    def application(environ, start_response):
        start_response("200 OK", [])
        return [environ["extra"].encode()]

    served = serve(application, handler_class=Handler)
    assert served.ask(b"GET /a?b HTTP/1.1\r\nX-One: one\r\n\r\n").body == b"onenone"
    assert lines == ["GET /a?b 200 True True"]


def test_the_request_line_may_be_read_by_hand(serve):
    class Handler(WSGIHandler):
        def read_requestline(self):
            start = self.rfile.read(4)
            if start == b"HELO":
                self.socket.sendall(b"hello")
                return None
            return (start + self.rfile.readline()).decode("latin-1")

    served = serve(echo, handler_class=Handler)
    with served.client() as client:
        assert client.ask(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").body == b"abc"
        assert client.ask(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").body == b"abc"
        client.sock.sendall(b"HELO\n")
        assert client.file.read() == b"hello"
    assert served.ask(b"GET / HTTP/1.1\r\nA:b\r\nHost : c\r\n\r\n").code == 400
    assert served.ask(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n").code == 414


def test_the_head_may_be_changed_before_the_environment(serve):
    class Handler(WSGIHandler):
        def read_request(self, raw_requestline):
            done = super().read_request(raw_requestline.replace("/old", "/new"))
            self.headers["X-Added"] = "yes"
            del self.headers["X-Secret"]
            return done

    def application(environ, start_response):
        start_response("200 OK", [])
        return [repr([environ["PATH_INFO"], environ["HTTP_X_ADDED"], environ.get("HTTP_X_SECRET")]).encode()]

    served = serve(application, handler_class=Handler)
    assert served.ask(b"GET /old HTTP/1.1\r\nX-Secret: no\r\n\r\n").body == b"['/new', 'yes', None]"


def test_a_handler_may_take_the_connection_over(serve):
    """As gevent-websocket does: rfile and socket of the handler, after a 101."""

    class Handler(WSGIHandler):
        def run_application(self):
            self.result = []
            self.start_response("101 Switching Protocols", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
            self.provided_content_length = False
            self.response_use_chunked = False
            self.close_connection = True
            self.write("")
            while data := self.rfile.read(4):
                self.socket.sendall(data.upper())

    served = serve(hello, handler_class=Handler)
    with served.client() as client:
        ask = b"GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"
        client.sock.sendall(ask + b"one ")
        answer = Answer(client.file)
        assert answer.code == 101 and answer.fields["connection"] == "Upgrade"
        assert not {"content-length", "transfer-encoding"} & set(answer.fields)
        assert client.file.read(4) == b"ONE "
        client.sock.sendall(b"two ")
        assert client.file.read(4) == b"TWO "
        client.sock.shutdown(1)
        assert client.ended()


def test_an_application_may_take_the_connection_over(serve):
    """As simple-websocket does: the socket below wsgi.input."""

    def application(environ, start_response):
        assert environ["wsgi.input_terminated"] is False
        sock = environ["wsgi.input"].raw._sock
        sock.sendall(b"HTTP/1.1 101 Mine\r\n\r\n" + environ["wsgi.input"].read(3))
        start_response("200 ignored", [])
        return []

    with serve(application).client() as client:
        client.sock.sendall(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\nabc\x88\x82 no request")
        assert client.file.read(24) == b"HTTP/1.1 101 Mine\r\n\r\nabc"
        assert b"400" not in client.file.read()  # what follows is not taken for a request


def test_an_upgrade_that_is_refused_leaves_http(serve):
    with serve(echo).client() as client:
        ask = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc"
        assert client.ask(ask).body == b"abc"
        assert client.ask(ask).body == b"abc"


def test_an_upgraded_connection_may_be_silent(serve, virtual_clock):
    def application(environ, start_response):
        start_response("101 Switching Protocols", [])(b"")
        return [environ["wsgi.input"].read(3)]

    with serve(application, settings={"body_timeout": 5, "idle_timeout": 5, "head_timeout": 5}).client() as client:
        answer = client.ask(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
        assert answer.code == 101
        green.sleep(1000)
        client.sock.sendall(b"abc")
        assert client.file.read(3) == b"abc"


def test_logs(serve, capsys):
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(stream := io.StringIO()))
    served = serve(log=logger)
    served.ask(GET)
    assert '"GET / HTTP/1.1" 200 ' in stream.getvalue() and stream.getvalue().count("\n") == 1
    served = serve(log=None, error_log=None)
    served.ask(GET)
    served.ask(b"bad\r\n\r\n")
    assert capsys.readouterr() == ("", "")
    assert serve().server.environ["wsgi.errors"].write


def test_the_default_log_is_stderr(capsys):
    server = WSGIServer(("127.0.0.1", 0), hello)
    assert server.log is sys.stderr and server.error_log is sys.stderr


def test_a_handle_argument_is_warned_of():
    with pytest.warns(DeprecationWarning, match="application="):
        WSGIServer(("127.0.0.1", 0), handle=hello)


def test_other_processes_get_their_share():
    assert WSGIServer(("127.0.0.1", 0), hello, environ={"wsgi.multiprocess": True}).max_accept == 1


def test_an_application_may_be_a_method():
    class Server(WSGIServer):
        def application(self, environ, start_response):
            start_response("200 OK", [])
            return [type(self).__name__.encode()]

    server = Server(("127.0.0.1", 0), log=None)
    server.start()
    with Client(server.address) as client:
        assert client.ask(GET).body == b"Server"
    server.stop()


# -- life ----------------------------------------------------------------------------------------------------------


def test_stop_closes_who_is_idle_and_lets_requests_finish(serve):
    release = green.spawn_later(3600, lambda: None)

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            release.join()
        return hello(environ, start_response)

    served = serve(application, spawn=Pool(10))
    with served.client() as idle, served.client() as busy, served.client() as partial:
        assert idle.ask(GET).code == 200
        busy.sock.sendall(GET.replace(b"/", b"/slow", 1))
        partial.sock.sendall(GET[:10])
        while len(served.server.pool) < 3:
            green.sleep(0.001)
        green.sleep(0.01)
        stopping = green.spawn(served.server.stop, timeout=20)
        assert idle.ended()
        assert not stopping.ready()
        partial.sock.sendall(GET[10:])
        release.kill()
        for client in (busy, partial):
            answer = Answer(client.file)
            assert (answer.body, answer.fields["connection"]) == (b"hello world", "close")
            assert client.ended()
        stopping.get(timeout=20)


def test_stop_ends_requests_that_last(serve):
    def application(environ, start_response):
        green.sleep(3600)

    served = serve(application, spawn=Pool(10))
    with served.client() as client:
        client.sock.sendall(GET)
        while not len(served.server.pool):
            green.sleep(0.001)
        served.server.stop(timeout=0.01)
        client.file.read()


def test_killed_connections_end_at_once(serve, virtual_clock):
    served = serve(spawn=Pool(10))
    with served.client() as idle, served.client() as partial:
        assert idle.ask(GET).code == 200
        partial.sock.sendall(GET[:10])
        while len(served.server.pool) < 2:
            green.sleep(0.001)
        green.sleep(0.01)
        begin = virtual_clock.now_ns()
        served.server.pool.kill()
        assert virtual_clock.now_ns() == begin
        assert idle.ended()
        assert partial.file.read() == b""


def test_a_client_that_has_said_all_gets_its_answers(serve):
    with serve(echo).client() as client:
        client.sock.sendall(GET + b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        client.sock.shutdown(1)
        assert Answer(client.file).body == b""
        assert Answer(client.file).body == b"abc"
        assert client.ended()


def test_it_can_start_again(serve):
    served = serve()
    assert served.ask(GET).code == 200
    served.server.stop()
    served.server.start()
    with served.client() as client:
        assert client.ask(GET).code == 200
        assert client.ask(GET).code == 200


def test_a_listener_may_be_passed():
    server = WSGIServer(create_server(("127.0.0.1", 0)), hello, log=None)
    server.start()
    with Client(server.address) as client:
        assert client.ask(GET).code == 200
    assert server.environ["SERVER_PORT"] == str(server.server_port)
    server.stop()


def test_a_prepared_server_may_be_started_elsewhere():
    server = WSGIServer(("127.0.0.1", 0), hello, log=None)
    server.init_socket()
    server._stop_event.clear()
    server.start_accepting()
    with Client(server.address) as client:
        assert client.ask(GET).code == 200
    server.stop()


def test_connections_leave_nothing_behind(serve):
    served = serve()
    for _ in range(20):
        with served.client() as client:
            client.ask(GET)
            client.ask(b"bad\r\n\r\n")
    while served.server.terms.watch._streams:
        green.sleep(0.001)
    assert served.server.terms.watch._timer is None


def test_from_the_command_line(tmp_path):
    with create_server(("127.0.0.1", 0)) as probe:
        address = probe.getsockname()
    (tmp_path / "served.py").write_text(
        "import time\n"
        "def application(environ, start_response):\n"
        "    time.sleep(0.001)\n"
        "    start_response('200 OK', [])\n"
        "    return [time.sleep.__module__.encode()]\n"
    )
    command = [sys.executable, "-m", "plait.green.pywsgi", "served:application", "--bind", f"127.0.0.1:{address[1]}"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        try:
            with _connected(address, process) as client:
                assert client.ask(GET).body.startswith(b"plait.green")
        finally:
            process.kill()


def _connected(address, process):
    while process.poll() is None:
        try:
            return Client(address)
        except ConnectionRefusedError:
            green.sleep(0.02)
    raise AssertionError(process.stderr.read())


# -- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Who signs, and the server's certificate with its key: files."""
    trustme = pytest.importorskip("trustme")
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder / "authority.pem", folder / "server.pem"


def server_context(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize("how", ["certfile", "ssl_context"])
def test_tls(serve, certificate, how):
    schemes = []

    def application(environ, start_response):
        schemes.append(environ["wsgi.url_scheme"])
        return echo(environ, start_response)

    authority, own = certificate
    served = serve(application, **{how: own if how == "certfile" else server_context(own)})
    context = ssl.create_default_context(cafile=authority)
    big = bytes(range(256)) * 2000
    with served.client() as client:
        client.file.close()
        client.sock = context.wrap_socket(client.sock, server_hostname="127.0.0.1")
        client.file = client.sock.makefile("rb")
        for body in (b"hello", big, b""):
            request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            assert client.ask(request).body == body
        assert client.ask(CLOSE).body == b""
        assert client.ended()
    assert schemes == ["https"] * 4
    assert not served.errors.getvalue()


def test_plain_text_to_a_tls_server_harms_nobody(serve, certificate, errors):
    served = serve(certfile=certificate[1])
    for _ in range(2):
        with served.client() as client, contextlib.suppress(ConnectionResetError):
            client.sock.sendall(GET)
            assert not client.file.read().startswith(b"HTTP")
    assert not served.log.getvalue()
    assert {type(error) for _, error in errors} == {ssl.SSLError}
