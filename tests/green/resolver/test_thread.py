"""The default resolver: where answers come from, and that they are the system's."""

import _socket
import socket
import subprocess
import sys
import threading

import pytest

from plait import green
from plait.green import socket as green_socket
from plait.green.hub import get_hub
from plait.green.resolver import thread
from plait.green.resolver.thread import Resolver

QUESTIONS = [
    ("getaddrinfo", ("127.0.0.1", 80)),
    ("getaddrinfo", ("127.0.0.1", "http", 0, socket.SOCK_STREAM)),
    ("getaddrinfo", ("::1", 80, socket.AF_INET6)),
    ("getaddrinfo", (None, 80, 0, 0, 0, socket.AI_PASSIVE)),
    ("getaddrinfo", ("localhost", 80)),
    ("getaddrinfo", (b"LOCALHOST", 80, socket.AF_INET)),
    ("getaddrinfo", ("127.1", 80)),
    ("getaddrinfo", ("127.0.0.1", "no-such-service")),
    ("getaddrinfo", ("localhost", 80, 99)),
    ("getaddrinfo", ("a" * 64 + ".invalid", 80)),
    ("getaddrinfo", ("a..b", 80)),
    ("getaddrinfo", (["list"], 80)),
    ("getaddrinfo", ("name", 80, 0, 0, 0, socket.AI_NUMERICHOST)),
    ("gethostbyname", ("",)),
    ("gethostbyname", ("<broadcast>",)),
    ("gethostbyname", ("localhost",)),
    ("gethostbyname", ("::1",)),
    ("gethostbyname", (7,)),
    ("gethostbyname_ex", ("localhost",)),
    ("gethostbyaddr", ("127.0.0.1",)),
    ("getnameinfo", (("127.0.0.1", 80), 0)),
    ("getnameinfo", (("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)),
    ("getnameinfo", ((1, 2), 0)),
    ("getnameinfo", ("text", 0)),
]


@pytest.fixture
def resolver():
    made = Resolver()
    yield made
    made.close()


class Network:
    """Stands in for the system's module: names are answered when the test opens the gate, and counted."""

    def __init__(self):
        self.asked = []
        self.threads = set()
        self._gate = threading.Lock()
        self._gate.acquire()
        self.failure = None

    def __getattr__(self, name):
        return getattr(_socket, name)

    def getaddrinfo(self, *arguments):
        self.asked.append(arguments[0])
        self.threads.add(threading.get_ident())
        with self._gate:
            if self.failure is not None:
                raise self.failure
            return [(2, 1, 6, "", ("192.0.2.1", arguments[1]))]

    def open(self):
        self._gate.release()


@pytest.fixture
def network(monkeypatch):
    made = Network()
    monkeypatch.setattr(thread, "_socket", made)
    return made


def outcome(function, arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return type(error), error.args


@pytest.mark.parametrize(("name", "arguments"), QUESTIONS)
def test_answers_and_errors_are_the_standard_librarys(name, arguments):
    assert outcome(getattr(green_socket, name), arguments) == outcome(getattr(socket, name), arguments)


def test_families_are_the_standard_librarys_enumerations():
    family, kind, *_ = green_socket.getaddrinfo("127.0.0.1", 80, 0, socket.SOCK_STREAM)[0]
    assert (type(family), type(kind)) == (socket.AddressFamily, socket.SocketKind)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", None])
def test_what_needs_no_network_needs_no_thread_and_no_switch(resolver, host):
    others = []
    green.spawn(others.append, "ran")
    resolver.getaddrinfo(host, 80)
    assert resolver._pool is None and others == []
    green.sleep(0)


def test_a_name_is_looked_up_in_another_thread_while_greenlets_run(resolver, network):
    green.spawn(network.open)
    assert resolver.getaddrinfo("a.invalid", 80) == [(2, 1, 6, "", ("192.0.2.1", 80))]
    assert network.threads and threading.get_ident() not in network.threads


def test_a_busy_thread_pool_of_the_hub_does_not_hold_up_names(resolver, network):
    held = threading.Event()
    pool = get_hub().threadpool
    blocked = [pool.spawn(held.wait) for _ in range(pool.maxsize)]
    network.open()
    assert resolver.getaddrinfo("a.invalid", 80)
    held.set()
    for task in blocked:
        task.get()


def test_one_lookup_answers_all_who_ask_meanwhile_and_each_has_a_list_of_its_own(resolver, network):
    asking = [green.spawn(resolver.getaddrinfo, "a.invalid", 80) for _ in range(5)]
    green.spawn(network.open)
    green.joinall(asking)
    assert network.asked == [b"a.invalid"]
    asking[0].value.clear()
    assert len(asking[1].value) == 1


def test_an_answer_is_kept_for_a_while(resolver, network):
    network.open()
    resolver.cache.lifetime_s = 60
    first = resolver.getaddrinfo("a.invalid", 80)
    first.clear()
    assert len(resolver.getaddrinfo("a.invalid", 80)) == 1
    assert network.asked == [b"a.invalid"]
    resolver.getaddrinfo("a.invalid", 81)
    assert len(network.asked) == 2


def test_no_answer_is_kept_where_that_is_switched_off(network, monkeypatch):
    monkeypatch.setitem(green.config._values, "resolver_cache", 0)
    network.open()
    resolver = Resolver()
    resolver.getaddrinfo("a.invalid", 80)
    resolver.getaddrinfo("a.invalid", 80)
    assert len(network.asked) == 2
    resolver.close()


def test_a_failure_is_raised_for_each_and_is_not_kept(resolver, network, errors):
    network.failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def ask():
        try:
            resolver.getaddrinfo("a.invalid", 80)
        except socket.gaierror as error:
            return error

    asking = [green.spawn(ask) for _ in range(2)]
    green.spawn(network.open)
    green.joinall(asking)
    first, second = asking[0].value, asking[1].value
    assert first.args == second.args == network.failure.args and first is not second
    assert errors == []
    network.failure = None
    assert resolver.getaddrinfo("a.invalid", 80)


def test_who_is_killed_while_it_asks_leaves_the_others_their_answer(resolver, network):
    first, second = (green.spawn(resolver.getaddrinfo, "a.invalid", 80) for _ in range(2))
    green.sleep(0)
    first.kill()
    assert isinstance(first.value, green.GreenletExit)
    network.open()
    assert second.get()
    assert network.asked == [b"a.invalid"]


def test_a_child_of_fork_asks_again():
    code = """
import _socket, os, threading
from plait import green
from plait.green.resolver import thread

gate = threading.Lock()
gate.acquire()

class Network:
    def __getattr__(self, name):
        return getattr(_socket, name)

    def getaddrinfo(self, *arguments):
        asked.append(arguments)
        with gate:
            return [arguments[0]]

asked = []
thread._socket = Network()
asking = green.spawn(thread.Resolver().getaddrinfo, "a.invalid", 80)
while not asked:
    green.sleep(0.001)
child = green.fork()
gate.release()
os.write(1, str(asking.get()).encode() + bytes([10]))
if not child:
    os._exit(0)
os.waitpid(child, 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "[b'a.invalid']\n" * 2), done.stderr


def test_getfqdn_is_a_name_with_a_dot_or_what_there_is():
    assert green_socket.getfqdn("127.0.0.1") == socket.getfqdn("127.0.0.1")
    assert green_socket.getfqdn("no host") == "no host"
