"""TLS: both sides in one thread, each waiting for the other."""

import ssl as stdlib
import subprocess

import pytest

from plait import green
from plait.green import ssl
from plait.green.server import StreamServer
from plait.green.socket import create_connection, socketpair


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    command += ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def contexts(certificate):
    """Of a server, and of a client that trusts it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    server.set_alpn_protocols(["h2", "http/1.1"])
    client = ssl.create_default_context(cafile=certificate[0])
    client.set_alpn_protocols(["http/1.1"])
    return server, client


@pytest.fixture
def pair(contexts):
    """The two ends of a connection, after the handshake."""
    server, client = contexts
    one, other = socketpair()
    accepting = green.spawn(server.wrap_socket, one, server_side=True)
    connected = client.wrap_socket(other, server_hostname="localhost")
    with accepting.get() as accepted, connected:
        yield accepted, connected


def test_both_sides_shake_hands_and_talk(pair):
    accepted, connected = pair
    assert isinstance(connected, stdlib.SSLSocket)
    assert connected.getpeercert()["subject"] == ((("commonName", "localhost"),),)
    assert connected.selected_alpn_protocol() == accepted.selected_alpn_protocol() == "http/1.1"
    reading = green.spawn(accepted.recv, 100)
    connected.sendall(b"hello")
    assert reading.get() == b"hello"
    buffer = bytearray(10)
    reading = green.spawn(accepted.recv_into, buffer)
    assert connected.send(b"again") == 5
    assert reading.get() == 5
    assert buffer[:5] == b"again"


def test_much_goes_both_ways_at_the_same_time(pair):
    data = bytes(range(256)) * 20_000

    def read_all(sock):
        got = bytearray()
        while len(got) < len(data):
            got += sock.recv(1 << 16)
        return bytes(got)

    readers = [green.spawn(read_all, sock) for sock in pair]
    writers = [green.spawn(sock.sendall, data) for sock in pair]
    green.joinall(writers, raise_error=True)
    assert [reader.get() == data for reader in readers] == [True, True]


def test_a_makefile_reads_lines(pair):
    accepted, connected = pair
    with accepted.makefile("rb") as lines:
        reading = green.spawn(lines.readline)
        connected.sendall(b"one\ntwo\n")
        assert reading.get() == b"one\n"
        assert lines.readline() == b"two\n"


def test_unwrap_ends_tls_and_leaves_the_socket(pair):
    accepted, connected = pair
    ending = green.spawn(accepted.unwrap)
    plain = connected.unwrap()
    other = ending.get()
    reading = green.spawn(other.recv, 10)
    plain.sendall(b"plain")
    assert reading.get() == b"plain"


def test_a_read_gives_up_after_its_timeout(pair):
    pair[0].settimeout(0.01)
    with pytest.raises(TimeoutError, match="read operation timed out"):
        pair[0].recv(1)


def test_a_handshake_gives_up_after_its_timeout(contexts):
    one, other = socketpair()
    with one, other:
        one.settimeout(0.01)
        with pytest.raises(TimeoutError, match="handshake operation timed out"):
            contexts[0].wrap_socket(one, server_side=True)


def test_without_waiting_openssl_says_what_it_wants(pair):
    pair[0].setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        pair[0].recv(1)


def test_a_close_wakes_the_reader(pair):
    reading = green.spawn(pair[0].recv, 1)
    green.sleep(0)
    pair[0].close()
    with pytest.raises((OSError, ValueError)):
        reading.get()


def test_the_end_of_the_other_side_is_an_empty_read(pair):
    reading = green.spawn(pair[1].recv, 1)
    green.sleep(0)
    pair[0].close()  # which has read all: closing what has not resets a connection
    assert reading.get() == b""


def test_a_certificate_that_is_not_trusted_is_refused(contexts):
    one, other = socketpair()
    accepting = green.spawn(contexts[0].wrap_socket, one, server_side=True)
    with other, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(other, server_hostname="localhost")
    with pytest.raises(ssl.SSLError):
        accepting.get()


def test_a_server_with_tls(contexts, certificate):
    def shout(connection, address):
        connection.sendall(connection.recv(100).upper())

    server = StreamServer(("127.0.0.1", 0), shout, keyfile=str(certificate[1]), certfile=str(certificate[0]))
    server.start()
    try:
        address = ("localhost", server.server_port)
        with contexts[1].wrap_socket(create_connection(address), server_hostname="localhost") as connection:
            connection.sendall(b"hello")
            assert connection.recv(100) == b"HELLO"
        assert ssl.get_server_certificate(address) == certificate[0].read_text()
    finally:
        server.stop()
