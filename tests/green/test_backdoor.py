"""The console for whoever connects."""

import builtins
import sys

import pytest

from plait import green
from plait.green.backdoor import BackdoorServer, main
from plait.green.socket import create_connection


@pytest.fixture
def serve():
    servers = []

    def start(*args, **kwargs):
        server = BackdoorServer(("127.0.0.1", 0), *args, **kwargs)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


class User:
    def __init__(self, server):
        self.connection = create_connection(server.address)
        self.connection.settimeout(10)
        self.banner = self.until_prompt()

    def until_prompt(self):
        read = b""
        while not read.endswith(b">>> "):
            more = self.connection.recv(1)
            assert more, read
            read += more
        return read[:-4].decode()

    def type(self, line):
        self.connection.sendall(line.encode() + b"\r\n")
        return self.until_prompt()

    def leave(self, line="quit()"):
        self.connection.sendall(line.encode() + b"\r\n")
        assert self.connection.recv(100) == b""
        self.connection.close()


def test_each_who_connects_has_names_of_its_own(serve):
    server = serve(locals={"given": 40}, banner="Welcome")
    first, second = User(server), User(server)
    assert first.banner == "Welcome\n"
    first.type("given += 2")
    assert first.type("given") == "42\n"
    assert second.type("given") == "40\n"
    first.leave()
    second.leave("import sys; sys.exit(3)")


def test_what_a_console_prints_goes_to_its_connection_while_others_print_as_before(serve, capsys):
    def talk():
        print("before")
        green.sleep(0.001)
        print("after")

    user = User(serve(locals={"talk": talk}))
    user.connection.sendall(b"talk()\r\n")
    green.spawn(print, "somebody else").join()
    assert user.until_prompt() == "before\nafter\n"
    user.leave()
    assert capsys.readouterr().out == "somebody else\n"


def test_errors_are_shown_and_the_console_goes_on(serve):
    user = User(serve())
    assert "ZeroDivisionError" in user.type("1 / 0")
    assert user.type("input()\r\ntyped") == "'typed'\n"
    user.leave()


def test_the_streams_are_what_they_were_when_the_last_console_is_closed(serve):
    streams = sys.stdin, sys.stdout, sys.stderr
    server = serve()
    users = [User(server), User(server)]
    assert sys.stdout is not streams[1]
    for user in users:
        user.leave()
    green.sleep(0)
    assert (sys.stdin, sys.stdout, sys.stderr) == streams


def test_a_connection_that_breaks_ends_its_console(serve):
    server = serve()
    User(server).connection.close()
    with green.Timeout(10):
        while len(server.pool):
            green.sleep(0.001)


def test_builtins_show_as_a_module(serve):
    user = User(serve())
    assert user.type('locals()["__builtins__"]') == f"{builtins!r}\n"
    user.leave()


def test_the_command_serves_this_machine_alone(capsys):
    served = []
    assert main(["0", "a", "banner"], served.append) == 0
    assert (served[0].address[0], served[0].banner) == ("127.0.0.1", "a banner")
    assert main([]) == 2 and "usage" in capsys.readouterr().err
