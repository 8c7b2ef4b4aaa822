"""Counts the names in Python's standard library with all four layers at once.

A cooperative HTTP server hands out the library's sources, a hundred greenlets fetch them, worker processes tokenise
what has come while the rest is still being fetched, and a lazy graph merges the counts. All but the workers run in one
thread. At the end the same is done one by one, to compare.
"""

import io
import sys
import sysconfig
import tokenize
from collections import Counter
from pathlib import Path

from plait import Parallel, compute, delayed
from plait.green.pool import Pool
from plait.green.server import StreamServer
from plait.green.socket import create_connection, socket

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
LEFT_OUT = {"test", "tests", "site-packages", "dist-packages", "__pycache__"}  # not the library, or its tests

Counts = Counter[str]


def sources() -> list[str]:
    paths = (path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py"))
    return sorted(path.as_posix() for path in paths if not LEFT_OUT & set(path.parts))


def serve(connection: socket, address: tuple[str, int]) -> None:
    """One HTTP/1.0 request: GET /path."""
    with connection.makefile("rb") as request:
        path = request.readline().split()[1].decode().lstrip("/")
        while request.readline().strip():
            pass
    text = (LIBRARY / path).read_bytes()
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)


def fetch(address: tuple[str, int], path: str) -> bytes:
    with create_connection(address) as connection, connection.makefile("rb") as response:
        connection.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        assert response.readline().split()[1] == b"200"
        while response.readline().strip():
            pass
        return response.read()


def count_names(text: bytes) -> Counts:
    """The names in a source; one that does not tokenise (the library has samples of such) counts up to its error."""
    counts: Counts = Counter()
    try:
        for token in tokenize.tokenize(io.BytesIO(text).readline):
            if token.type == tokenize.NAME:
                counts[token.string] += 1
    except (tokenize.TokenError, SyntaxError):
        pass
    return counts


def merge(parts: list[Counts]) -> Counts:
    total: Counts = Counter()
    for part in parts:
        total.update(part)
    return total


def at_once(paths: list[str]) -> Counts:
    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    try:
        texts = Pool(100).imap_unordered(lambda path: fetch(server.address, path), paths)
        tasks = (delayed(count_names)(text) for text in texts)
        counts = Parallel(n_jobs=2, return_as="generator_unordered")(tasks)
        level = [delayed(part) for part in counts]
    finally:
        server.stop()
    while len(level) > 1:
        level = [delayed(merge)(level[i : i + 8]) for i in range(0, len(level), 8)]
    (total,) = compute(level[0])
    return total


def one_by_one(paths: list[str]) -> Counts:
    return merge([count_names((LIBRARY / path).read_bytes()) for path in paths])


if __name__ == "__main__":
    paths = sources()
    total = at_once(paths)
    print(f"{len(paths)} files, {total.total()} names, {len(total)} different; the commonest:")
    print(", ".join(f"{name} {count}" for name, count in total.most_common(10)))
    equal = total == one_by_one(paths)
    print(f"equal to one by one: {equal}")
    sys.exit(not equal)
