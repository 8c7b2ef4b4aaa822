"""What needs no name server: numbers, and names of the hosts file where that comes first."""

import _socket
import os

import pytest

from plait.green.resolver.local import Hosts, is_numeric


@pytest.fixture
def files(tmp_path):
    hosts, sources = tmp_path / "hosts", tmp_path / "nsswitch.conf"
    hosts.write_text("127.0.0.1 localhost Box # comment\n::1 localhost\n192.0.2.7\tweb.test web\nnonsense here\n\n")
    sources.write_text("passwd: files\nhosts: files dns\n")
    return hosts, sources


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo", "127.1", "0x7f000001", b"10.0.0.1"])
def test_addresses_in_all_forms_are_numeric(host):
    assert is_numeric(host)


@pytest.mark.parametrize("host", ["localhost", "1.2.3.4.5", "a.invalid", "x" * 300])
def test_names_are_not(host):
    assert not is_numeric(host)


def test_names_are_known_by_family_whatever_their_case(files):
    hosts = Hosts(*map(str, files))
    assert hosts.has_name(b"WEB.test") and hosts.has_name(b"web", _socket.AF_INET)
    assert not hosts.has_name(b"web", _socket.AF_INET6)
    assert hosts.has_name(b"localhost", _socket.AF_INET6) and hosts.has_name(b"box")
    assert not hosts.has_name(b"comment") and not hosts.has_name(b"here")


def test_addresses_are_known_in_any_writing(files):
    hosts = Hosts(*map(str, files))
    assert hosts.has_address("192.0.2.7") and hosts.has_address("0:0:0:0:0:0:0:1")
    assert not hosts.has_address("192.0.2.8") and not hosts.has_address("web")


@pytest.mark.parametrize("order", ["hosts: dns files\n", "hosts: mdns4 files\n", "passwd: files\n"])
def test_where_another_source_comes_first_nothing_is_certain(files, order):
    hosts, sources = files
    sources.write_text(order)
    known = Hosts(str(hosts), str(sources))
    assert not known.has_name(b"web") and not known.has_address("192.0.2.7")


def test_without_a_list_of_sources_the_hosts_file_is_the_first(files):
    hosts, sources = files
    sources.unlink()
    assert Hosts(str(hosts), str(sources)).has_name(b"web")


def test_a_change_is_seen(files):
    hosts, sources = files
    known = Hosts(str(hosts), str(sources))
    assert not known.has_name(b"new")
    hosts.write_text("192.0.2.9 new\n")
    os.utime(hosts, ns=(1, 1))
    assert known.has_name(b"new") and not known.has_name(b"web")
    hosts.unlink()
    assert not known.has_name(b"new")
