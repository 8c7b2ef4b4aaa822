"""Fuzzes what a WSGI server does with the bytes of a connection. No input may

- raise anything but the errors of clients, or hang;
- be taken for other requests when it comes in pieces: whole, byte by byte and cut anywhere are the same;
- be taken for other requests than llhttp, which reads the stream by itself, takes it for;
- get an answer that is no sequence of HTTP responses, or an error of the server.

    python tests/fuzz/http_requests.py -max_total_time=60     guided by coverage, with atheris; options are libFuzzer's
    python tests/fuzz/http_requests.py --mutate SECONDS [SEED]    by mutation of SEEDS alone, without atheris
"""

import random
import re
import sys
import tempfile
import time
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

if atheris is not None and __name__ == "__main__" and "--mutate" not in sys.argv:
    with atheris.instrument_imports(include=["plait.green.http1", "plait.green.wsgihandler"]):
        import plait.green.pywsgi  # noqa: F401  (instrumented as it is imported)

import httptools

from plait.green.http1.body import Input
from plait.green.http1.errors import InvalidClientInput, InvalidClientRequest
from plait.green.http1.head import HeadLimits, HeadParser, read_head
from plait.green.http1.stream import Stream, Watch
from plait.green.pywsgi import WSGIHandler, WSGIServer

LIMITS = HeadLimits(line_bytes=200, head_bytes=1000, fields=20)

SEEDS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%20a?b=c HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcHEAD / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\r\n c\r\nCookie: a\r\nCookie: b\r\nHost: x\r\nHost: y\r\n\r\n",
    b"\r\n\r\nGET http://a/b HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    b"CONNECT a:80 HTTP/1.1\r\n\r\nOPTIONS * HTTP/1.1\r\n\r\n",
]

TOKENS = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b";",
        b",",
        b"\0",
        b"0\r\n\r\n",
        b"5\r\n",
        b"\xff",
        b"%",
        b"-1",
        b"+5",
        b"_",
    ),
    *(
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"chunked",
        b"Connection: close\r\n",
        b"HTTP/1.1",
        b"HTTP/1.0",
    ),
    *(
        b"GET / HTTP/1.1\r\n\r\n",
        b"Upgrade: websocket\r\n",
        b"Expect: 100-continue\r\n",
        b"Host: a\r\n",
        b"0x5",
        b"FFFFFFFF",
    ),
]


# Folded fields; odd extensions of chunks; trailers that speak of the connection, which llhttp believes.
MAY_DIFFER = re.compile(rb"\r\n[ \t]|;|\r\n0+\r\n(?:.+\r\n)*?.*(?:connection|upgrade):", re.IGNORECASE)


class Wire:
    """The client's side of a connection: what it sends, in pieces, and what it was answered."""

    def __init__(self, pieces):
        self.pieces = [piece for piece in pieces if piece]
        self.answer = bytearray()

    def recv(self, size):
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def sendall(self, data):
        self.answer += data

    def shutdown(self, how):
        pass

    def close(self):
        pass


def requests_in(pieces):
    """The requests that a server sees, (method, target, fields, body), up to the first that it refuses."""
    stream, parser, seen = Stream(Wire(pieces), Watch()), HeadParser(), []
    try:
        while raw := read_head(stream, LIMITS, None):
            head = parser.parse(raw, LIMITS)
            body = Input(stream, head.length, None, head.chunked).read()
            assert len(body) == (head.length or 0) or head.chunked
            seen.append((head.method, head.target, tuple(head.fields.items()), body))
            if not head.keep_alive or head.upgrade or head.method == "CONNECT":
                break
    except (InvalidClientRequest, InvalidClientInput):
        pass
    except OSError as error:
        assert "unexpected end of file" in str(error), error
    return seen


class Reference:
    """The requests that llhttp sees where it reads the whole stream."""

    def __init__(self, data):
        self.seen, self.body, self.target = [], b"", b""
        self.upgraded = self.ended = False
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.upgraded = self.ended = True
            self.seen.pop()  # it leaves the body of this one, and all that follows, to others
        except httptools.HttpParserError:
            self.ended = True

    def on_message_begin(self):
        self.body = self.target = b""

    def on_url(self, url):
        self.target += url

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.seen.append((self.parser.get_method().decode(), self.target.decode("latin-1"), self.body))


def check_pieces(data, chooser):
    whole = requests_in([data])
    assert requests_in([data[at : at + 1] for at in range(len(data))]) == whole
    cuts = sorted(chooser.randrange(len(data) + 1) for _ in range(3))
    assert requests_in([data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]) == whole
    return whole


def check_against_llhttp(data, whole):
    reference = Reference(data)
    ours = [(method, target, body) for method, target, _, body in whole]
    shared = min(len(ours), len(reference.seen))
    assert ours[:shared] == reference.seen[:shared], (ours, reference.seen)
    if len(ours) > shared:  # what we take and llhttp does not
        assert reference.ended
        assert reference.upgraded or MAY_DIFFER.search(data), ours


def echo(environ, start_response):
    body = environ["wsgi.input"].read() if environ["wsgi.input_terminated"] else b""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body] if environ["REQUEST_METHOD"] != "PUT" else iter([body])


class Handler(WSGIHandler):
    def handle_error(self, t, v, tb):
        if not issubclass(t, OSError):  # a body cut short is one
            raise v
        self._answer_error("500 Internal Server Error")


class Answers:
    """The responses in what was sent; each method's response may have a body or not."""

    def __init__(self):
        self.complete = 0
        self.parser = httptools.HttpResponseParser(self)

    def on_message_complete(self):
        self.complete += 1


def check_answers(data, server):
    wire = Wire([data])
    Handler(wire, ("127.0.0.1", 1), server).handle()
    answer = bytes(wire.answer)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    if b"HEAD" not in data and b"CONNECT" not in data and b"HTTP/1.0" not in data:  # whose ends only the asker knows
        answers = Answers()
        answers.parser.feed_data(answer)  # raises where it is no HTTP
        assert answers.complete >= answer.count(b"\r\nDate: ")


def make_server():
    server = WSGIServer(("127.0.0.1", 0), echo, log=None, error_log=None)
    server.terms.limits = LIMITS
    return server


SERVER = make_server()


def check(data, seed=0):
    whole = check_pieces(data, random.Random(seed))
    check_against_llhttp(data, whole)
    check_answers(data, SERVER)


def mutated(chooser):
    data = bytearray(b"".join(chooser.choices(SEEDS, k=chooser.choice((1, 1, 2)))))
    for _ in range(chooser.randrange(1, 6)):
        at, kind = chooser.randrange(len(data) + 1), chooser.randrange(6)
        if kind == 0:
            data[at:at] = chooser.choice(TOKENS)
        elif kind == 1:
            del data[at : at + chooser.randrange(1, 6)]
        elif kind == 2 and at < len(data):
            data[at] = chooser.randrange(256)
        elif kind == 3 and at < len(data):
            data[at] ^= 1 << chooser.randrange(8)
        elif kind == 4:
            data[at:at] = data[at : at + chooser.randrange(1, 40)]
        else:
            end = chooser.randrange(len(data) + 1)
            data[at:at] = data[min(at, end) : max(at, end)]
    return bytes(data[:3000])


def mutate(seconds, seed):
    """Check mutated seeds for so long; returns how many. A failure names its input."""
    chooser, count, end = random.Random(seed), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(chooser)
        try:
            check(data, seed)
        except BaseException:
            print(f"seed {seed}, input {count}: {data!r}", file=sys.stderr)
            raise
        count += 1
    return count


def escaped(token):
    return "".join(f"\\x{byte:02x}" for byte in token)


def main(arguments):
    if arguments and arguments[0] == "--mutate":
        seed = int(arguments[2]) if len(arguments) > 2 else random.randrange(1 << 32)
        print(f"{mutate(float(arguments[1]), seed)} inputs, seed {seed}")
        return
    if atheris is None:
        sys.exit("atheris is not installed; pip install atheris, or pass --mutate SECONDS")

    def one_input(data):
        check(data, len(data))

    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder, "seeds")
        known.mkdir()
        for number, data in enumerate(SEEDS):
            (known / str(number)).write_bytes(data)
        words = Path(folder, "words")
        words.write_text("".join(f'"{escaped(token)}"\n' for token in TOKENS))
        atheris.Setup(
            [
                sys.argv[0],
                f"-dict={words}",
                "-max_len=3000",
                f"-artifact_prefix={tempfile.gettempdir()}/",
                *arguments,
                str(known),
            ],
            one_input,
        )
        atheris.Fuzz()


if __name__ == "__main__":
    for seed_input in SEEDS:
        check(seed_input)
    main(sys.argv[1:])
