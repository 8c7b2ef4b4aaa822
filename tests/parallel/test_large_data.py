"""Large arrays to tasks and back, in whole loops; what is left behind when something dies on the way."""

import gc
import os
import signal
import threading
import time

import numpy
import pytest

from plait.parallel import Parallel, TransportError, WorkerDied, delayed, pool
from plait.parallel.sharing import share
from plait.parallel.transport import room

MB = 1 << 20


def numbers(nbytes, start=0.0):
    return numpy.arange(nbytes // 8, dtype=numpy.float64) + start


def described(array):
    return type(array).__name__, array.flags.writeable, float(array.sum())


def opened_files():
    return sorted(
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{fd}")
    )


def segments_held():
    return sum("plait-segment" in name for name in opened_files())


def held_by_workers():
    """Descriptors and mappings of segments that the workers have."""
    descriptors = mappings = 0
    for pid in pool.processes().pids():
        for fd in os.listdir(f"/proc/{pid}/fd"):
            descriptors += "plait-segment" in os.readlink(f"/proc/{pid}/fd/{fd}")
        with open(f"/proc/{pid}/maps") as file:
            mappings += sum("plait-segment" in line for line in file)
    return descriptors, mappings


def eventually(holds):
    """Whether it comes to hold: a worker tidies up after its reply."""
    limit = time.monotonic() + 30
    while not holds() and time.monotonic() < limit:
        time.sleep(0.001)
    return holds()


def test_a_large_argument_is_read_only_for_its_tasks_and_a_small_one_their_own(launched):
    large, small = numbers(2 * MB), numbers(MB // 2)
    results = Parallel(n_jobs=2)(delayed(described)(array) for array in (large, small))
    assert results == [("memmap", False, large.sum()), ("ndarray", True, small.sum())]


def test_results_arrive_writable_and_private(launched):
    results = Parallel(n_jobs=2)(delayed(numbers)(size, 3) for size in (5 * MB, MB // 2, 100))
    for result in results:
        assert type(result) is numpy.ndarray and result.flags.writeable
        result += 1
        assert (result == numbers(result.nbytes, 4)).all()


def test_an_argument_that_is_returned_is_a_writable_copy():
    array = numbers(2 * MB)

    def twice(x):
        return x, x[10:]

    ((whole, part),) = Parallel(n_jobs=2)([delayed(twice)(array)])
    assert type(whole) is type(part) is numpy.ndarray
    whole += 1
    assert (whole == array + 1).all() and (array == numbers(2 * MB)).all()
    assert part[0] == 10


def test_what_a_forked_child_writes_to_a_result_is_its_own():
    (result,) = Parallel(n_jobs=2)([delayed(numbers)(2 * MB)])
    pid = os.fork()
    if not pid:
        result[:] = -1
        os._exit(0)
    os.waitpid(pid, 0)
    assert (result == numbers(2 * MB)).all()


def test_a_forked_child_reads_its_copy_of_a_result_however_the_parent_goes_on():
    """The parent drops the result, and the worker makes others, which must not reuse that memory."""
    results = Parallel(n_jobs=1 + 1, batch_size=1)(delayed(numbers)(4 * MB, 0.5) for _ in range(4))
    go, done = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.read(go[0], 1)
        same = all((result == numbers(4 * MB, 0.5)).all() for result in results)
        os.write(done[1], b"y" if same else b"n")
        os._exit(0)
    results.clear()
    for _ in range(4):
        Parallel(n_jobs=2, batch_size=1)(delayed(numbers)(4 * MB, 9) for _ in range(4))
    os.write(go[1], b"x")
    answer = os.read(done[0], 1)
    os.waitpid(pid, 0)
    for fd in (*go, *done):
        os.close(fd)
    assert answer == b"y"


def test_memory_of_results_is_used_again():
    def pages():
        return {
            int(os.stat(f"/proc/{pid}/fd/{fd}").st_ino)
            for pid in pool.processes().pids()
            for fd in os.listdir(f"/proc/{pid}/fd")
            if "plait-segment" in os.readlink(f"/proc/{pid}/fd/{fd}")
        }

    seen = set()
    for start in range(6):
        (result,) = Parallel(n_jobs=2)([delayed(numbers)(4 * MB, start)])
        assert (result == numbers(4 * MB, start)).all()
        del result
        seen |= pages()
    assert len(seen) <= 4  # at most two a worker


def test_results_that_are_many_leave_nothing_with_the_workers():
    results = Parallel(n_jobs=2)(delayed(numbers)(8 * MB, i) for i in range(40))
    assert [result[0] for result in results] == list(range(40))
    assert eventually(lambda: held_by_workers()[0] * 8 * MB <= 2 * 64 * MB)
    assert segments_held() == 0  # a mapping needs no descriptor


def test_a_worker_lets_go_of_arguments_with_its_reply():
    array = numbers(4 * MB)
    Parallel(n_jobs=2)(delayed(described)(array) for _ in range(6))
    assert eventually(lambda: held_by_workers()[1] == 0)
    assert eventually(lambda: pool.processes().segments.idle_bytes == 4 * MB)


def test_what_a_task_keeps_is_not_written_again():
    array = numbers(2 * MB, 1)

    def keep(x):
        import builtins

        builtins.kept_for_test = x

    def look():
        import builtins

        kept = getattr(builtins, "kept_for_test", None)
        return None if kept is None else float(kept[5])

    Parallel(n_jobs=2)(delayed(keep)(array) for _ in range(2))
    for start in range(5):
        Parallel(n_jobs=2)(delayed(described)(numbers(2 * MB, 100 + start)) for _ in range(4))
    assert set(Parallel(n_jobs=2, batch_size=1)(delayed(look)() for _ in range(4))) <= {6.0, None}


@pytest.mark.parametrize("change", ["first", "last", "all", "block"])
def test_a_generator_may_change_an_array_between_its_tasks(change):
    array = numpy.zeros(1_000_000)
    places = {"first": slice(0, 1), "last": slice(-1, None), "all": slice(None), "block": slice(500_000, 501_100)}

    def tasks():
        for number in range(10):
            array[places[change]] = number
            yield delayed(numpy.max)(array)

    assert Parallel(n_jobs=2, batch_size=1)(tasks()) == list(range(10))


def test_nothing_is_reused_between_calls():
    """Not even a change that no sample would notice goes unseen by the next call."""
    array = numpy.zeros(1_000_000)
    for at in range(600, 5000, 700):
        array[at] = 1
        assert Parallel(n_jobs=2)(delayed(numpy.sum)(array) for _ in range(2)) == [array.sum()] * 2


def test_loops_in_several_threads():
    outcomes = []

    def work(start):
        array = numbers(3 * MB, start)
        for _ in range(3):
            results = Parallel(n_jobs=2)(delayed(numpy.add)(array, i) for i in range(4))
            outcomes.append(all((result == array + i).all() for i, result in enumerate(results)))

    threads = [threading.Thread(target=work, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 9


# -- shared arrays ---------------------------------------------------------------------------------------------------


def test_a_shared_array_is_not_copied_again():
    array = share(numbers(4 * MB))

    def inode_of(x):
        low = x.__array_interface__["data"][0]
        with open("/proc/self/maps") as file:
            for line in file:
                begin, end = (int(text, 16) for text in line.split()[0].split("-"))
                if begin <= low < end:
                    return int(line.split()[4])
        raise LookupError(low)

    inodes = {
        os.stat(f"/proc/self/fd/{fd}").st_ino
        for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
    }
    found = set()
    for _ in range(3):
        found |= set(Parallel(n_jobs=2)(delayed(inode_of)(x) for x in (array, array[7:], array[::-2])))
    assert len(found) == 1 and found <= inodes


def test_views_of_a_shared_array_travel_with_it():
    array = share(numbers(MB).reshape(256, -1))
    views = [array[3], array.T, array[::-2, ::3], array[5:9, 1:4], array.reshape(-1)[77:]]
    assert Parallel(n_jobs=2)(delayed(described)(view) for view in views) == [
        ("memmap", False, float(view.sum())) for view in views
    ]


def test_tasks_see_what_is_written_to_a_shared_array():
    array = share(numpy.zeros(1000))
    assert Parallel(n_jobs=2)([delayed(numpy.sum)(array)]) == [0]
    array[:] = 2
    assert Parallel(n_jobs=2)([delayed(numpy.sum)(array)]) == [2000]


def test_a_shared_array_goes_with_its_last_view():
    before = opened_files()
    array = share(numbers(2 * MB))
    view = array[5:]
    assert share(view) is view
    Parallel(n_jobs=2)([delayed(described)(view)])
    del array
    assert segments_held() == 1
    del view
    pool.shutdown()
    gc.collect()
    assert opened_files() == before


@pytest.mark.parametrize("value", [[1, 2], b"abc", None, numpy.array([None])])
def test_share_says_what_it_takes(value):
    with pytest.raises(TypeError, match=r"share\(\) got .*; pass|share\(\) got .*pass"):
        share(value)


def test_share_where_there_is_no_room(monkeypatch):
    monkeypatch.setattr(room, "available_bytes", lambda: 1000)
    with pytest.raises(MemoryError, match="cannot have"):
        share(numpy.empty(100 * MB, dtype=numpy.uint8))


# -- faults ----------------------------------------------------------------------------------------------------------


def test_no_memory_for_an_argument_names_the_task(monkeypatch):
    monkeypatch.setattr(room, "available_bytes", lambda: 1000)

    with pytest.raises(TransportError, match=r"task 1: described.*are free"):
        Parallel(n_jobs=2)(delayed(described)(numpy.zeros(size, numpy.uint8)) for size in (10, 100 * MB))


def test_a_limit_on_file_sizes_sends_all_through_the_channel(run_script):
    ran = run_script("""
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        import numpy
        from plait.parallel import Parallel, delayed
        array = numpy.arange(500_000.0)
        def double(x):
            return type(x).__name__, x.flags.writeable, x * 2
        for kind, writeable, result in Parallel(n_jobs=2)(delayed(double)(array) for _ in range(3)):
            print(kind, writeable, bool((result == array * 2).all()))
    """)
    assert ran.stdout.splitlines() == ["memmap False True"] * 3, ran.stderr


@pytest.mark.parametrize("when", ["holding", "replying"])
def test_a_worker_that_dies_with_segments_leaves_nothing(when, launched):
    array = numbers(4 * MB)

    def die(x, when):
        if when == "replying":

            class Bomb:
                def __reduce__(self):
                    os.kill(os.getpid(), signal.SIGKILL)

            return [x * 2, Bomb()]
        return os.kill(os.getpid(), signal.SIGKILL)

    Parallel(n_jobs=2)(delayed(described)(array) for _ in range(4))
    for _ in range(3):
        with pytest.raises(WorkerDied):
            Parallel(n_jobs=2)([delayed(die)(array, when)])
    assert segments_held() <= 1
    assert pool.processes().segments.idle_bytes <= 4 * MB
    assert Parallel(n_jobs=2)([delayed(described)(array)]) == [("memmap", False, array.sum())]


# -- what a call says of its arrays ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("memmap", False)),
        ({"mmap_mode": "c"}, ("memmap", True)),
        ({"mmap_mode": "r+"}, ("memmap", True)),
        ({"mmap_mode": None}, ("ndarray", True)),
        ({"max_nbytes": None}, ("ndarray", True)),
        ({"max_nbytes": "3M"}, ("ndarray", True)),
        ({"backend": "multiprocessing"}, ("memmap", False)),
    ],
)
def test_the_settings_of_a_call(settings, expected):
    array = numbers(2 * MB)
    assert Parallel(n_jobs=2, **settings)([delayed(described)(array)]) == [(*expected, array.sum())]


@pytest.mark.parametrize(("mode", "seen"), [("r+", [0, 1, 2, 3]), ("c", [0, 0, 0, 0])])
def test_who_sees_what_a_task_writes(mode, seen):
    def add(array):
        before = float(array[0])
        array[0] += 1
        return before

    array = numpy.zeros(500_000)
    results = Parallel(n_jobs=2, mmap_mode=mode, pre_dispatch=1, batch_size=1)(delayed(add)(array) for _ in range(4))
    assert results == seen
    assert array[0] == 0  # theirs is a copy, as with joblib


def test_arrays_name_their_memory_by_the_use_of_the_pool():
    def folder_of(array):
        return os.path.dirname(array.filename)

    array = numbers(2 * MB)

    def call(parallel):
        (folder,) = set(parallel(delayed(folder_of)(array) for _ in range(3)))
        return folder

    assert call(Parallel(n_jobs=2)) != call(Parallel(n_jobs=2))
    with Parallel(n_jobs=2) as parallel:
        assert call(parallel) == call(parallel)


def test_an_executor_sends_an_array_as_it_is():
    from plait.parallel.executor import ProcessPoolExecutor

    array = numpy.zeros(1_000_000)
    with ProcessPoolExecutor(2) as executor:
        futures = []
        for at in range(5000, 9000, 1000):  # no sample need notice this
            array[at] = 1
            futures.append(executor.submit(described, array))
        assert [future.result() for future in futures] == [("ndarray", True, total) for total in (1, 2, 3, 4)]


@pytest.mark.parametrize("on_error", ["raise", "return"])
def test_more_results_in_a_batch_than_descriptors_in_a_message(on_error):
    results = Parallel(n_jobs=2, on_error=on_error, batch_size=150)(delayed(numpy.full)(9000, i) for i in range(300))
    assert [result[5] for result in results] == list(range(300))


@pytest.mark.parametrize("on_error", ["raise", "return"])
def test_no_memory_for_a_result_names_the_task(on_error):
    def large(i):
        from plait.parallel.transport import room

        room.available_bytes = lambda: 1000
        return numpy.zeros(i * 100 * MB, numpy.uint8)

    with pytest.raises(TransportError, match=r"task 1: .*large.*its result.*are free"):
        outcome = Parallel(n_jobs=2, on_error=on_error, batch_size=1)(delayed(large)(i) for i in (0, 1))
        raise outcome[1]
    pool.shutdown()  # its workers know no better
