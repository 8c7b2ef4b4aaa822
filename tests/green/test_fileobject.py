"""File objects: the same outcomes as io.open's, and others run meanwhile."""

import errno
import gc
import io
import os
import socket

import pytest

from plait import green
from plait.green import fileobject
from plait.green.descriptorio import DescriptorIO, WriteallMixin, cooperative
from plait.green.exceptions import FileObjectClosed
from plait.green.fileobject import FileObject, FileObjectBlock, FileObjectPosix, FileObjectThread
from plait.green.hub import get_hub
from plait.green.opening import GreenOpenDescriptor, OpenDescriptor


@pytest.fixture(autouse=True)
def no_descriptor_leaks():
    get_hub()
    green.sleep(0)
    before = set(os.listdir("/proc/self/fd"))
    yield
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) <= before


@pytest.fixture(params=[FileObjectBlock, FileObjectPosix, FileObjectThread])
def kind(request):
    return request.param


def is_closed(fd):
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False


# -- what every kind does


@pytest.mark.parametrize("mode", ["rb", "r", "rt", "r+", "rb+"])
@pytest.mark.parametrize("method", ["read", "readline", "readlines"])
def test_a_path_gives_what_io_open_gives(kind, mode, method, tmp_path):
    path = tmp_path / "file"
    path.write_bytes("one\r\ntwo\rthrée\n\n".encode())
    with open(path, mode) as stock, kind(path, mode) as ours:
        assert getattr(ours, method)() == getattr(stock, method)()
        assert ours.mode == stock.mode or (mode, ours.mode) in {("rb+", "rb+"), ("r+", "r+")}
        assert ours.name == stock.name
    assert ours.closed


def test_a_file_object_gives_what_it_would_give(kind, tmp_path):
    path = tmp_path / "file"
    path.write_text("one\ntwo\n")
    with open(path) as raw, kind(raw) as ours:
        assert list(ours) == ["one\n", "two\n"]
    assert raw.closed


def test_writing_appending_creating_and_truncating(kind, tmp_path):
    path = tmp_path / "file"
    with kind(path, "x", encoding="utf-8", newline="\r\n") as file:
        file.write("é\n")
    with kind(path, "ab") as file:
        file.writelines([b"a", b"b"])
    assert path.read_bytes() == "é\r\nab".encode()
    with kind(str(path), "r+b") as file:
        file.seek(2)
        file.truncate()
        assert file.tell() == 2
    assert path.read_bytes() == "é".encode()
    with pytest.raises(FileExistsError):
        kind(path, "x")


def test_a_closed_file_says_so_and_keeps_its_name(kind):
    ready, write = os.pipe()
    file = kind(ready, "rb")
    os.close(write)
    assert file.name == ready
    file.close()
    file.close()
    assert file.closed
    assert file.name == ready
    for error in (OSError, ValueError, FileObjectClosed):
        with pytest.raises(error, match="closed") as caught:
            file.read()
    assert caught.value.errno == errno.EBADF
    assert is_closed(ready)
    assert "closed" in repr(file)


def test_a_collected_file_writes_what_is_buffered_and_closes(kind):
    ready, write = os.pipe()
    file = kind(write, "wb")
    file.write(b"x")
    with pytest.warns(ResourceWarning) if kind is FileObjectBlock else pytest.warns(ResourceWarning):
        del file
        gc.collect()
    assert is_closed(write)
    assert os.read(ready, 10) == b"x"
    os.close(ready)


@pytest.mark.parametrize("argument", ["close", "closefd"])
def test_closefd_false_leaves_the_descriptor_open(kind, argument):
    ready, write = os.pipe()
    file = kind(write, "w", **{argument: False})
    file.write("x")
    file.close()
    assert os.read(ready, 10) == b"x"
    os.close(write)
    raw = io.FileIO(ready)
    kind(raw, "rb", closefd=False).close()
    assert not raw.closed
    raw.close()


def test_an_object_with_fileno_may_have_no_name(kind):
    class Nameless:
        def fileno(self):
            return ready

        close = flush = isatty = closed = writable = lambda self: False
        seekable = readable = lambda self: True

    ready, write = os.pipe()
    file = kind(Nameless(), "rb")
    with pytest.raises(AttributeError):
        file.name  # noqa: B018
    file.close()
    with pytest.raises(AttributeError):
        file.name  # noqa: B018
    os.close(ready)
    os.close(write)


@pytest.mark.parametrize("opening", [OpenDescriptor, GreenOpenDescriptor])
@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (TypeError, "mode=42", {"mode": 42}),
        (TypeError, "buffering='nope'", {"buffering": "nope"}),
        (TypeError, "encoding=42", {"encoding": 42}),
        (TypeError, "errors=42", {"errors": 42}),
        (TypeError, "one argument", {"close": True, "closefd": True}),
        (TypeError, "one argument", {"bufsize": 0, "buffering": 0}),
        (ValueError, "invalid mode", {"mode": "qrs"}),
        (ValueError, "invalid mode", {"mode": "rr"}),
        (ValueError, "U cannot be combined", {"mode": "wU"}),
        (ValueError, "text and binary", {"mode": "rtb"}),
        (ValueError, "at once", {"mode": "rw"}),
        (ValueError, "exactly one", {"mode": "+"}),
        (ValueError, "take an encoding", {"mode": "rb", "encoding": "ascii"}),
        (ValueError, "take an errors", {"mode": "rb", "errors": "strict"}),
        (ValueError, "take a newline", {"mode": "rb", "newline": "\n"}),
    ],
)
def test_arguments_that_make_no_sense_are_refused(opening, error, message, arguments):
    with pytest.raises(error, match=message):
        opening(1, **arguments)


@pytest.mark.parametrize("opening", [OpenDescriptor, GreenOpenDescriptor])
def test_an_atomic_write_without_buffer_writes_all(opening):
    ready, write = os.pipe()
    file = opening(write, "wb", buffering=0, atomic_write=True).opened()
    assert isinstance(file, WriteallMixin)
    assert file.writeall(b"ab") == 2
    with file:
        assert file.write(b"cd") == 2
    assert os.read(ready, 10) == b"abcd"
    os.close(ready)


def test_lines_are_flushed_where_that_is_asked_for():
    ready, write = os.pipe()
    with FileObject(write, "w", buffering=1) as file:
        file.write("one\ntw")
        assert os.read(ready, 10) == b"one\ntw"
        assert file.line_buffering
    os.close(ready)
    with pytest.warns(RuntimeWarning, match="line buffering"):
        OpenDescriptor(0, "rb", buffering=1)


def test_a_failing_text_layer_leaves_no_descriptor(tmp_path):
    path = tmp_path / "file"
    path.touch()
    for kind in (FileObjectBlock, FileObjectPosix):
        with pytest.raises(LookupError):
            kind(path, encoding="no-such-encoding")
    with open(path) as text, pytest.raises(ValueError, match="text file"):
        FileObjectBlock(text, "rb")


# -- what only the cooperative kind does


@pytest.mark.parametrize("bufsize", [0, -1])
def test_reading_and_writing_let_others_run(bufsize):
    ready, write = os.pipe()
    size = 1 << 20
    written = []

    def produce():
        with FileObject(write, "wb", bufsize) as file:
            data = memoryview(bytes(size))
            while data:
                data = data[file.write(data) :]
            written.append(True)

    producer = green.spawn(produce)
    with FileObject(ready, "rb", bufsize) as file:
        assert len(file.read()) == size
    assert written
    producer.get()


@pytest.mark.parametrize("read", ["read", "readline", "read1", "peek", "readlines", "readinto", "iterate"])
def test_every_way_of_reading_waits_for_data_and_finds_the_end(read):
    ready, write = os.pipe()

    def produce():
        os.write(write, b"line\n")
        os.close(write)

    buffer = bytearray(10)
    with FileObject(ready, "rb") as file:
        ways = {
            "read": lambda: file.read(5),
            "readlines": lambda: file.readlines()[0],
            "readinto": lambda: bytes(buffer[: file.readinto(buffer)]),
            "iterate": lambda: next(file),
        }
        producer = green.spawn(produce)
        assert ways.get(read, getattr(file, read, None))() == b"line\n"
        producer.get()
        file.read()
        assert file.read(1) == file.read() == file.readline() == b""


def test_a_socket_is_a_file_for_reading_and_writing():
    ours, theirs = socket.socketpair()
    with ours, theirs, FileObject(ours, "rb+", bufsize=0) as file:
        reader = green.spawn(file.read, 5)
        green.sleep(0)
        assert file.write(b"there") == 5
        assert theirs.recv(5) == b"there"
        theirs.sendall(b"hello")
        assert reader.get() == b"hello"


def test_a_terminal_flushes_lines():
    terminal, other = os.openpty()
    with FileObject(terminal, "wb", buffering=0) as keyboard, FileObject(other, "r") as file:
        assert file.isatty()
        assert file.line_buffering
        reader = green.spawn(file.readline)
        green.sleep(0)
        keyboard.write(b"typed\n")
        assert reader.get() == "typed\n"


@pytest.mark.parametrize("mode", ["r", "rb"])
def test_several_readers_take_turns_and_lose_nothing(mode):
    ready, write = os.pipe()
    lines = [f"{number} {'x' * (number % 50)}\n" for number in range(500)]
    got = []

    def read(file):
        while line := file.readline():
            got.append(line if mode == "r" else line.decode())

    def produce():
        with FileObject(write, "w") as file:
            for line in lines:
                file.write(line)
                if len(line) % 7 == 0:
                    file.flush()
                    green.sleep(0)

    with FileObject(ready, mode) as file:
        greenlets = [green.spawn(read, file) for _ in range(5)] + [green.spawn(produce)]
        green.joinall(greenlets, raise_error=True)
    assert sorted(got) == sorted(lines)


@pytest.mark.parametrize(
    ("mode", "read"), [("rb", "readline"), ("r", "readline"), ("rb", "read1"), ("rb", "peek"), ("raw", "read")]
)
def test_closing_during_a_read_ends_the_read(mode, read):
    ready, write = os.pipe()
    file = FileObject(ready, "rb", bufsize=0) if mode == "raw" else FileObject(ready, mode)
    readers = [green.spawn(getattr(file, read), 1) for _ in range(2)]
    green.sleep(0)
    file.close()
    green.joinall(readers, timeout=30)
    assert [type(reader.exception) for reader in readers][0] is OSError
    assert all(isinstance(reader.exception, (OSError, ValueError)) for reader in readers)
    assert is_closed(ready)
    os.close(write)


def test_closing_during_a_read_to_the_end_gives_what_has_come():
    ready, write = os.pipe()
    file = FileObject(ready, "rb")
    reader = green.spawn(file.read)
    os.write(write, b"some")
    green.sleep(0.01)
    file.close()
    assert reader.get() == b"some"
    os.close(write)


def test_closing_while_a_writer_waits_ends_the_write():
    ready, write = os.pipe()
    file = FileObject(write, "wb", bufsize=0)
    writer = green.spawn(lambda: [file.write(bytes(1 << 16)) for _ in range(100)])
    green.sleep(0.01)
    file.close()
    writer.join(30)
    assert writer.exception.errno == errno.EBADF
    os.close(ready)


def test_a_killed_reader_leaves_the_file_usable():
    ready, write = os.pipe()
    with FileObject(ready, "r") as file:
        reader = green.spawn(file.readline)
        green.sleep(0)
        reader.kill()
        os.write(write, b"next\n")
        assert file.readline() == "next\n"
    os.close(write)


def test_a_reused_number_is_another_file():
    ready, write = os.pipe()
    with FileObject(ready, "rb") as file:
        os.write(write, b"x")
        assert file.read(1) == b"x"
        waiting = green.spawn(file.read, 1)
        green.sleep(0)
    waiting.join()
    again, other = os.pipe()
    assert again == ready
    with FileObject(again, "rb") as file:
        reader = green.spawn(file.read, 1)
        green.sleep(0)
        os.write(other, b"y")
        assert reader.get() == b"y"
    os.close(write)
    os.close(other)


def test_layers_made_by_open_are_replaced_with_their_settings():
    ready, write = os.pipe()
    text = cooperative(open(write, "w", buffering=1, encoding="latin-1", errors="replace"))
    assert (text.encoding, text.errors, text.line_buffering) == ("latin-1", "replace", True)
    assert isinstance(text, io.TextIOWrapper)
    assert isinstance(text.buffer, io.BufferedWriter)
    assert isinstance(text.buffer.raw, DescriptorIO)
    text.write("é\n")
    assert os.read(ready, 10) == b"\xe9\n"
    text.close()
    assert is_closed(write)
    os.close(ready)


def test_the_default_is_the_cooperative_kind():
    assert fileobject.FileObject is FileObjectPosix


@pytest.mark.parametrize("bufsize", [0, -1])
def test_a_file_that_is_always_ready_starves_nobody(bufsize):
    zeros = FileObject("/dev/zero", "rb", bufsize)
    ready, write = os.pipe()
    rounds = []

    def read():
        while not turns:
            zeros.read(1 << 14)
            rounds.append(True)

    turns = []
    with zeros:
        reader = green.spawn(read)
        green.spawn(turns.append, True)
        reader.join(30)
    assert turns
    assert len(rounds) < 10_000
    os.close(ready)
    os.close(write)


def test_a_number_that_was_closed_behind_our_back_is_waited_for_anew():
    ready, write = os.pipe()
    first = FileObject(ready, "rb", 0)
    os.write(write, b"1")
    assert first.read(1) == b"1"
    waiting = green.spawn(first.read, 1)
    green.sleep(0)
    waiting.kill()
    os.close(ready)  # the file object is not told
    again, other = os.pipe()
    assert again == ready
    with FileObject(again, "rb", 0) as second:
        reader = green.spawn(second.read, 1)
        green.sleep(0)
        os.write(other, b"2")
        assert reader.get(timeout=30) == b"2"
    with pytest.raises(OSError):
        first.close()
    os.close(write)
    os.close(other)


def test_a_reader_that_is_killed_when_its_turn_has_come_passes_the_turn_on():
    ready, write = os.pipe()
    with FileObject(ready, "rb") as file:
        first, second, third = (green.spawn(file.readline) for _ in range(3))

        green.sleep(0)
        watcher = get_hub().loop.io(ready, 1)  # fires after the first has run, which wakes the second
        watcher.start(lambda: (watcher.stop(), second.throw(green.GreenletExit)))
        os.write(write, b"one\ntwo\n")
        assert first.get() == b"one\n"
        assert third.get(timeout=30) == b"two\n"
        assert isinstance(second.value, green.GreenletExit)
    os.close(write)
