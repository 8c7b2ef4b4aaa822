import errno
import gc
import os
import resource
import threading

import numpy
import pytest

from plait.parallel import Parallel, delayed
from plait.parallel._native.memory import Mapping, fingerprint, read
from plait.parallel.transport import room
from plait.parallel.transport.segments import SegmentPool

MB = 1 << 20


def open_files():
    return len(os.listdir("/proc/self/fd"))


def content(segment):
    return os.pread(segment.fd, segment.nbytes, 0)


@pytest.fixture
def segments():
    made = SegmentPool(8 * MB)
    before = open_files()
    yield made
    made.trim()
    assert open_files() <= before


def test_a_segment_holds_its_pieces_one_behind_the_other(segments):
    segment = segments.take(10)
    segment.write([b"abc", memoryview(b"defg"), bytearray(b"hij")])
    assert content(segment) == b"abcdefghij"


def test_memory_is_written_again_once_nobody_holds_it(segments):
    segment = segments.take(MB)
    segment.write([b"a" * MB])
    inode = os.fstat(segment.fd).st_ino
    other = segments.take(MB)  # the first is held
    assert os.fstat(other.fd).st_ino != inode
    del segment
    again = segments.take(MB - 5)
    assert os.fstat(again.fd).st_ino == inode
    again.write([b"b" * (MB - 5)])
    assert content(again) == b"b" * (MB - 5)


def test_a_small_value_does_not_take_large_memory(segments):
    del [segments.take(4 * MB)][0]
    assert segments.idle_bytes == 4 * MB
    assert os.fstat(segments.take(1000).fd).st_size < MB


def test_more_than_is_to_be_kept_is_closed_at_once(segments):
    held = [segments.take(3 * MB) for _ in range(4)]
    assert [segment.kept for segment in held] == [True, True, False, False]
    before = open_files()
    held.clear()
    assert open_files() == before - 2
    assert segments.idle_bytes == 6 * MB


def test_trim_gives_idle_memory_back(segments):
    held = segments.take(MB)
    before = open_files()
    del [segments.take(MB)][0]
    segments.trim()
    assert open_files() == before
    assert segments.idle_bytes == 0
    del held
    assert segments.idle_bytes == MB


def test_a_spoiled_segment_is_never_written_again(segments):
    segment = segments.take(MB)
    before = open_files()
    segment.spoiled = True
    del segment
    assert open_files() == before - 1
    assert segments.idle_bytes == 0
    assert all(segments.take(2 * MB).kept for _ in range(10))  # and it does not count as kept


def test_a_failing_write_raises_and_leaves_nothing(run_script):
    """The limit on file sizes stands for any reason."""
    ran = run_script("""
        import os, resource
        from plait.parallel.transport.segments import SegmentPool
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        segments = SegmentPool(1 << 30)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            try:
                segments.take(4 << 20).write([bytes(4 << 20)])
            except OSError as error:
                print(error.errno)
        print(len(os.listdir("/proc/self/fd")) - before)
    """)
    assert ran.stdout.split() == [str(errno.EFBIG)] * 3 + ["0"], ran.stderr


def test_fresh_memory_is_refused_where_the_system_has_not_so_much(segments, monkeypatch):
    monkeypatch.setattr(room, "available_bytes", lambda: 100 * MB)
    assert segments.take(90 * MB).nbytes == 90 * MB
    with pytest.raises(OSError, match="are free") as caught:
        segments.take(110 * MB)
    assert caught.value.errno == errno.ENOMEM


def test_references_may_die_in_any_thread_and_in_a_collection(segments):
    def work():
        for _ in range(200):
            segment = segments.take(1000)
            cycle = [segment]
            cycle.append(cycle)
            del segment, cycle
            if _ % 50 == 0:
                gc.collect()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    segments.trim()
    assert segments.idle_bytes == 0
    assert segments._kept == 0 and not segments._memories


def test_a_forked_child_closes_its_copies_and_begins_anew(segments):
    held = segments.take(MB)
    fd = held.fd
    pid = os.fork()
    if not pid:
        closed = not os.path.exists(f"/proc/self/fd/{fd}")
        del held
        fresh = segments.take(MB)
        fresh.write([b"x" * MB])
        os._exit(0 if closed and content(fresh) == b"x" * MB else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert os.path.exists(f"/proc/self/fd/{fd}")


def test_available_memory_is_within_what_the_system_has():
    with open("/proc/meminfo") as file:
        total = int(file.readline().split()[1]) * 1024
    assert 0 < room.available_bytes() <= 2 * total


def test_a_group_limits_what_is_available(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_VERSIONS", ((tmp_path, "0::", "memory.max", "memory.current", "inactive_file"),))
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 5000\n")
    assert room._left(tmp_path, "memory.max", "memory.current", "inactive_file") == 605000
    (tmp_path / "memory.max").write_text("max\n")
    assert room._left(tmp_path, "memory.max", "memory.current", "inactive_file") is None


# -- mappings --------------------------------------------------------------------------------------------------------


@pytest.fixture
def file():
    fd = os.memfd_create("test")
    os.pwrite(fd, bytes(range(256)) * 64, 0)
    yield fd
    os.close(fd)


def test_a_mapping_holds_no_descriptor(file):
    before = open_files()
    mapped = [Mapping(file, 4096) for _ in range(10)]
    assert open_files() == before
    assert bytes(mapped[3])[:4] == b"\x00\x01\x02\x03"


@pytest.mark.parametrize(("writable", "shared", "reaches"), [(True, True, True), (True, False, False)])
def test_what_is_written_reaches_the_file_only_where_it_is_shared(file, writable, shared, reaches):
    mapping = Mapping(file, 4096, writable, shared)
    memoryview(mapping)[5] = 77
    mapping.write(6, b"xyz")
    assert bytes(mapping)[4:10] == b"\x04\x4dxyz\x09"
    assert (os.pread(file, 1, 5) == b"\x4d") is reaches


def test_a_read_only_mapping_is_not_written(file):
    mapping = Mapping(file, 4096)
    assert memoryview(mapping).readonly
    with pytest.raises(ValueError, match="do not fit"):
        mapping.write(0, b"x")


@pytest.mark.parametrize("offset", [-1, 4095, 5000])
def test_nothing_is_written_beyond_a_mapping(file, offset):
    with pytest.raises(ValueError, match="do not fit"):
        Mapping(file, 4096, True).write(offset, b"ab")


def test_a_mapping_that_cannot_be_made_raises():
    with pytest.raises(OSError, match="Bad file"):
        Mapping(-1, 4096)


def test_a_mapping_says_its_lease_with_its_last_view(file):
    words = []
    mapping = Mapping(file, 4096, words=words, lease=7)
    view = memoryview(mapping)
    del mapping
    assert words == []
    view.release()
    assert words == [7]


def test_a_fork_meanwhile_makes_the_word_negative(file):
    words = []
    mapping = Mapping(file, 4096, words=words, lease=7)
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    later = Mapping(file, 4096, words=words, lease=8)
    del mapping, later
    assert words == [-7, 8]


# -- fingerprints ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 7, 31, 32, 33, 4096, 100_001, MB])
def test_every_byte_of_a_small_value_counts(size):
    data = bytearray(os.urandom(size))
    mark = fingerprint(data)
    assert fingerprint(bytes(data)) == mark
    for at in {0, size // 3, size // 2, size - 1} if size else ():
        data[at] ^= 1
        assert fingerprint(data) != mark
        data[at] ^= 1
    assert fingerprint(bytes(size + 1)) != fingerprint(bytes(size))


def test_of_a_large_value_both_ends_and_a_line_of_each_page_count():
    data = bytearray(os.urandom(3 * MB + 123))
    mark = fingerprint(data)
    for at in (0, 4095, len(data) - 1, len(data) - 4096):
        data[at] ^= 1
        assert fingerprint(data) != mark
        data[at] ^= 1
    for page in (1, 17, 700):
        begin = page * 4096
        kept = bytes(data[begin : begin + 4096])
        data[begin : begin + 4096] = os.urandom(4096)
        assert fingerprint(data) != mark
        data[begin : begin + 4096] = kept
    assert fingerprint(data) == mark


# -- other memory ----------------------------------------------------------------------------------------------------


def test_a_file_is_read_into_memory_of_its_own(file):
    data = read(file, 100, 300)
    assert type(data) is bytearray and data == (bytes(range(256)) * 64)[100:400]
    assert read(file, 5, 0) == b""
    with pytest.raises(EOFError, match="ends after 16384 of 16484 bytes"):
        read(file, 16000, 484)
    with pytest.raises(OSError, match="Bad file"):
        read(-1, 0, 10)


def test_a_worker_uses_the_memory_of_its_last_arrays_again():
    """Else every task pays for fresh pages: some 5000 faults for 20 MB."""

    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        [numpy.ones(12_500) for _ in range(200)]
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert Parallel(n_jobs=2)(delayed(faults)() for _ in range(10))[-1] < 1000


@pytest.mark.parametrize("nbytes", [1, 2**23 - 1, 2**23, 2**24 + 12345])
def test_a_mapping_takes_any_size_whole(nbytes):
    """Large ones are copied by two threads."""
    data = numpy.random.default_rng(nbytes).integers(0, 256, nbytes, numpy.uint8)
    fd = os.memfd_create("whole")
    try:
        os.ftruncate(fd, nbytes + 5)
        Mapping(fd, nbytes + 5, writable=True).write(3, data)
        assert os.pread(fd, nbytes + 5, 0) == bytes(3) + data.tobytes() + bytes(2)
    finally:
        os.close(fd)
