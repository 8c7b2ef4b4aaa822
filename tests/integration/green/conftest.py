"""Programs for gevent with real clients, unmodified, run twice: on gevent, and with plait in its place.

Each program in programs/ has a function that does its work and returns what it saw; witness.py calls it twice and
prints one line of JSON: what it returned, what it left open, and what answers for gevent. The run on gevent shows that
program and witness tell the truth; the run on plait is the test. Whatever is started here gets a session of its own,
so that a process that outlives it is found.

The servers are Debian's, started once a test run, as throwaway instances on loopback, in folders of their own.
"""

import getpass
import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

PROGRAMS = Path(__file__).with_name("programs")
AS_PLAIT = [sys.executable, "-m", "plait", "run", "--as", "gevent,greenlet"]
SIDES = {"gevent": [sys.executable], "plait": AS_PLAIT}


# Programs -----------------------------------------------------------------------------------------------------


@pytest.fixture
def on_both(tmp_path):
    """Run a program on gevent, then on plait; check each witness and that nothing is left; return both results."""

    def run(program, *args, timeout=100, volatile=()):
        """volatile: kinds of descriptors whose number is not ours to keep (a client library's own threads')."""
        results = {}
        for side in SIDES:
            said = json.loads(output(side, [PROGRAMS / program, *map(str, args)], tmp_path / side, timeout))
            check(side, said["witness"])
            results[side] = said["results"]
            assert said["again"] == said["results"]
            left = {kind: count for kind, count in said["left"].items() if kind not in volatile}
            assert not left, f"open on {side} after the second time, and not after the first"
            assert said["children"] == []
        return results["gevent"], results["plait"]

    return run


@pytest.fixture(scope="session")
def programs():
    """For tests with processes of their own kinds: where the programs are, and the functions of this file."""
    return SimpleNamespace(folder=PROGRAMS, started=started, output=output, told=told, check=check)


def check(side, witness):
    """Fail where a process that said `witness` (programs/witness.py) did not run on `side`."""
    if side == "gevent":
        assert not witness["ours"]
        assert [path for path in witness["extensions"] if "/gevent/" in path]
        assert [path for path in witness["extensions"] if "/greenlet/_greenlet." in path]
    else:
        assert witness["ours"]
        assert witness["gevent"].startswith("plait.")
        assert witness["greenlet"] == "plait.greenlet"
        assert not witness["extensions"]
    assert witness["version"] == version("gevent")


def output(side, command, folder, timeout, **environment):
    """The last line that a program prints, run to its end on `side` in `folder`; it must end well and alone."""
    with started(side, command, folder, **environment) as process:
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{command} on {side} runs for more than {timeout} s\n{told(folder)}")
    assert process.returncode == 0, f"{command} on {side}: exit code {process.returncode}\n{told(folder)}"
    lines = (folder / "out").read_text().splitlines()
    assert lines, told(folder)
    return lines[-1]


@contextmanager
def started(side, command, folder, **environment):
    """A process on `side`, with its words in the files out and err of `folder`; it and what it started end here."""
    folder.mkdir(exist_ok=True)
    with open(folder / "out", "w") as out, open(folder / "err", "w") as err:
        process = subprocess.Popen(
            [*SIDES[side], *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        left = ended(process, signal.SIGKILL)
    assert not left, f"{command} on {side} left processes: {left}"


def told(folder, characters=4000):
    """What a process has printed, for a failure's message."""
    return "\n".join((folder / name).read_text(errors="replace")[-characters:] for name in ("out", "err"))


def ended(process, how, patience_s=20):
    """End a process that leads a session; return what it left running, as {pid: command}, which is killed."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 2  # what it has just told to end may take a moment
    while (left := session(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return left


def session(leader):
    """The living processes of a session, as {pid: command}."""
    found = {}
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            state, _, _, number = Path(folder, "stat").read_text().rpartition(")")[2].split()[:4]
            if int(number) == leader and state not in "ZX":
                found[int(folder.rpartition("/")[2])] = Path(folder, "cmdline").read_text().replace("\0", " ")
        except OSError:  # it has ended meanwhile
            continue
    return found


# Certificates -------------------------------------------------------------------------------------------------


class Certificates(NamedTuple):
    """Files: who signs, and the certificate with key of "localhost" and 127.0.0.1."""

    authority: Path
    server: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    import trustme

    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return Certificates(folder / "authority.pem", folder / "server.pem")


# Servers ------------------------------------------------------------------------------------------------------


class Server(NamedTuple):
    host: str
    port: int
    user: str = ""


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    program = tool("redis-server", package="redis-server")

    def command(port):
        options = {"bind": "127.0.0.1", "port": port, "dir": folder, "save": "", "appendonly": "no", "daemonize": "no"}
        return [program, *[word for name, value in options.items() for word in (f"--{name}", str(value))]]

    with serving(command, folder, how_to_end=signal.SIGTERM) as port:
        yield Server("127.0.0.1", port)


@pytest.fixture(scope="session")
def postgres_server():
    """PostgreSQL refuses to run as root, who runs it as Debian's user for it, in a folder which that may enter."""
    initdb = tool("initdb", package="postgresql", folders="/usr/lib/postgresql/*/bin")
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="plait-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, user, user)
        data = folder / "data"
        call([initdb, "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], user, folder)

        def command(port):
            options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off"}
            settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
            return [Path(initdb).with_name("postgres"), "-D", data, *settings]

        with serving(command, folder, how_to_end=signal.SIGINT, user=user) as port:
            yield Server("127.0.0.1", port, user)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mariadb")
    install = tool("mariadb-install-db", package="mariadb-server")
    program = tool("mariadbd", package="mariadb-server")
    common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={getpass.getuser()}"]
    call([install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], getpass.getuser(), folder)

    def command(port):
        place = [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", "--bind-address=127.0.0.1"]
        small = ["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"]
        return [program, *common, *place, *small, f"--port={port}"]

    with serving(command, folder, how_to_end=signal.SIGTERM) as port:
        yield Server("127.0.0.1", port, "root")


def tool(name, package, folders=""):
    """Where a server's program is; Debian keeps some off PATH."""
    path = os.pathsep.join([*sorted(glob.glob(folders), reverse=True), os.environ["PATH"], "/usr/sbin"])
    found = shutil.which(name, path=path)
    assert found, f"this test needs {name}: apt-get install --no-install-recommends {package}"
    return found


def call(command, user, folder):
    """Run a preparation to its end as `user`."""
    done = subprocess.run([*as_user(user), *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"


def as_user(user):
    """The words before a command that run it as `user`, and end it with us, however we end."""
    change = ["--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups"]
    return ["setpriv", "--pdeathsig", "KILL", *(change if user != getpass.getuser() else ())]


@contextmanager
def serving(command, folder, how_to_end, user=None):
    """Run `command(port)` until the block ends, which gets the port; another port where somebody has taken that."""
    with ExitStack() as ends:
        for _ in range(3):
            port = free_port()
            log = folder / f"log.{port}"
            with open(log, "w") as out:
                process = subprocess.Popen(
                    [*as_user(user or getpass.getuser()), *command(port)],
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            ends.callback(ended, process, how_to_end)
            if accepts(process, port):
                yield port
                break
        else:
            pytest.fail(f"{command(port)} does not serve\n{log.read_text(errors='replace')[-4000:]}")
        left = ended(process, how_to_end)
        assert not left, f"{command(port)} left processes: {left}"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def accepts(process, port, patience_s=60):
    """Whether a server takes connections at last, rather than ending or keeping silent."""
    deadline = time.monotonic() + patience_s
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False
