"""The green backend: many calls that wait, in one thread."""

import socket
import threading

import pytest

from plait import green
from plait.green import socket as green_socket
from plait.green.event import Event
from plait.parallel import Parallel, TaskCancelled, TaskTimeout, delayed


def test_results_come_in_order():
    assert Parallel(backend="green")(delayed(pow)(i, 2) for i in range(3000)) == [i * i for i in range(3000)]


def test_a_thousand_wait_at_once():
    count, most = [0], [0]

    def wait():
        count[0] += 1
        most[0] = max(most[0], count[0])
        green.sleep(0.05)
        count[0] -= 1
        return threading.get_ident()

    assert set(Parallel(backend="green")(delayed(wait)() for _ in range(1500))) == {threading.get_ident()}
    assert most[0] == 1000


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_a_number_given_is_strict(n_jobs):
    count, most = [0], [0]

    def wait():
        count[0] += 1
        most[0] = max(most[0], count[0])
        green.sleep(0.001)
        count[0] -= 1

    Parallel(n_jobs=n_jobs, backend="green")(delayed(wait)() for _ in range(20))
    assert most[0] == n_jobs


def test_sockets_of_green_are_waited_for_together():
    """Every task needs what another one sends."""
    pairs = [green_socket.socketpair() for _ in range(50)]

    def talk(i):
        pairs[(i + 1) % 50][0].sendall(b"%d" % i)
        return int(pairs[i][1].recv(10))

    assert Parallel(backend="green")(delayed(talk)(i) for i in range(50)) == [(i - 1) % 50 for i in range(50)]
    for pair in pairs:
        for end in pair:
            end.close()


def test_in_a_patched_program_plain_sockets_are_cooperative(run_script):
    done = run_script("""
        from plait.green import monkey
        monkey.patch_all()
        import socket, time
        from plait.parallel import Parallel, delayed

        pairs = [socket.socketpair() for _ in range(50)]

        def talk(i):
            time.sleep(0.01)
            pairs[(i + 1) % 50][0].sendall(b"%d" % i)
            return int(pairs[i][1].recv(10))

        assert Parallel(backend="green")(delayed(talk)(i) for i in range(50)) == [(i - 1) % 50 for i in range(50)]
        print("ok")
    """)
    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_a_task_past_its_timeout_is_stopped_where_it_waits():
    cleaned = []

    def work(i):
        try:
            green.sleep(30 if i == 1 else 0.01)
        finally:
            cleaned.append(i)
        return i

    results = Parallel(backend="green", timeout=0.1, on_error="return")(delayed(work)(i) for i in range(4))
    assert [results[0], *results[2:]] == [0, 2, 3]
    assert isinstance(results[1], TaskTimeout)
    assert (results[1].index, sorted(cleaned)) == (1, [0, 1, 2, 3])


def test_the_time_of_a_task_begins_with_its_turn():
    """One at a time: all together take longer than each may."""
    assert Parallel(n_jobs=1, backend="green", timeout=0.2)(delayed(green.sleep)(0.05) for _ in range(8)) == [None] * 8


def test_a_task_that_waits_on_in_spite_is_abandoned():
    go = Event()

    def stubborn(i):
        while i == 0 and not go.is_set():
            try:
                go.wait()
            except BaseException:
                pass
        return i

    results = Parallel(n_jobs=1, backend="green", timeout=0.1, on_error="return")(
        delayed(stubborn)(i) for i in range(3)
    )
    go.set()
    assert isinstance(results[0], TaskTimeout)
    assert "abandoned" in results[0].__notes__[0]
    assert results[1:] == [1, 2]


def test_the_first_error_ends_the_others_before_it_is_raised():
    ended = []

    def work(i):
        try:
            green.sleep(30 if i else 0.01)
        except TaskCancelled:
            ended.append(i)
            raise
        raise LookupError(i)

    with pytest.raises(LookupError) as caught:
        Parallel(backend="green")(delayed(work)(i) for i in range(10))
    assert caught.value.__notes__[0] == "in task 0: work(0)"
    assert sorted(ended) == list(range(1, 10))


def test_closing_a_generator_ends_its_tasks():
    ended = []

    def work(i):
        try:
            green.sleep(30 if i else 0)
        finally:
            ended.append(i)
        return i

    results = Parallel(backend="green", return_as="generator")(delayed(work)(i) for i in range(5))
    assert next(results) == 0
    results.close()
    assert sorted(ended) == [0, 1, 2, 3, 4]


def test_retries():
    runs = []

    def flaky(i):
        runs.append(i)
        if runs.count(i) < 3:
            raise OSError(i)
        return i

    assert Parallel(backend="green", retries=2)(delayed(flaky)(i) for i in range(5)) == list(range(5))


def test_a_loop_within_a_task():
    def outer(i):
        return sum(Parallel(backend="green")(delayed(pow)(i, j) for j in range(3)))

    assert Parallel(backend="green")(delayed(outer)(i) for i in range(5)) == [1 + i + i * i for i in range(5)]


def test_tasks_that_wait_for_each_other_are_told(run_script):
    """Nothing outside can wake them, so the hub says so instead of waiting for ever."""
    done = run_script("""
        from plait.green.event import Event
        from plait.green.exceptions import LoopExit
        from plait.parallel import Parallel, delayed

        event = Event()
        try:
            Parallel(backend="green")(delayed(event.wait)() for _ in range(3))
        except LoopExit:
            print(Parallel(backend="green")([delayed(abs)(-1)]))
    """)
    assert (done.stdout, done.returncode) == ("[1]\n", 0)


def test_plain_sockets_that_are_not_patched_still_work():
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert Parallel(backend="green")([delayed(right.recv)(1)]) == [b"x"]
