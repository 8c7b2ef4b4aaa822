"""The event loop on the hub: greenlets and coroutines in turn, several loops in one thread, wake-ups."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from plait import green
from plait.green import aio
from plait.green.event import Event
from plait.green.hub import current, get_hub


def test_greenlets_run_while_the_loop_waits(virtual_clock):
    order = []

    def ticker():
        for _ in range(3):
            green.sleep(2)
            order.append("greenlet")

    async def main():
        for _ in range(3):
            await asyncio.sleep(2)
            order.append("coroutine")

    runner = green.spawn(ticker)
    aio.run(main())
    runner.join()
    assert sorted(order) == ["coroutine"] * 3 + ["greenlet"] * 3
    assert set(order[:2]) == set(order[2:4]) == {"coroutine", "greenlet"}


def test_a_loop_that_never_waits_lets_greenlets_and_timers_run():
    done = []

    async def spin():
        while len(done) < 2:
            await asyncio.sleep(0)

    green.spawn(done.append, "greenlet")
    green.spawn_later(0.001, done.append, "timer")
    aio.run(spin())
    assert sorted(done) == ["greenlet", "timer"]


def test_a_coroutine_that_blocks_holds_its_loop_and_nobody_else():
    event = Event()
    order, loops = [], []

    async def other():
        order.append("other task")

    async def main():
        task = asyncio.create_task(other())
        loops.append(task.get_loop())
        green.spawn(helper)
        event.wait()  # blocks this loop: the other task has to wait
        order.append("woken")
        assert asyncio.get_running_loop() is task.get_loop()
        assert asyncio.current_task() is not task
        await task

    def helper():
        assert asyncio._get_running_loop() is None
        assert asyncio.current_task(loops[0]) is None
        order.append("helper")
        event.set()

    aio.run(main())
    assert order == ["helper", "woken", "other task"]


def test_each_greenlet_carries_its_running_loop_and_task():
    async def main(name):
        task = asyncio.current_task()
        task.set_name(name)
        loop = asyncio.get_running_loop()
        for _ in range(5):
            green.sleep(0)  # others' steps are in the middle, too
            assert asyncio.current_task() is task
            await asyncio.sleep(0)
            assert asyncio.get_running_loop() is loop
            assert asyncio.current_task() is task
        return task.get_name(), id(loop)

    runners = [green.spawn(aio.run, main(f"task {number}")) for number in range(3)]
    results = [runner.get() for runner in runners]
    assert [name for name, _ in results] == ["task 0", "task 1", "task 2"]
    assert asyncio._get_running_loop() is None


def test_generator_hooks_belong_to_the_greenlet_that_runs_the_loop():
    outside = sys.get_asyncgen_hooks()
    seen = []

    async def main():
        assert sys.get_asyncgen_hooks() != outside
        runner = green.spawn(lambda: seen.append(sys.get_asyncgen_hooks()))
        runner.join()
        assert sys.get_asyncgen_hooks() != outside

    aio.run(main())
    assert seen == [outside]
    assert sys.get_asyncgen_hooks() == outside


def test_generators_are_closed_by_their_loop():
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            closed.append(asyncio.get_running_loop())

    async def main():
        generator = numbers()
        assert await generator.__anext__() == 1
        green.sleep(0)
        return generator, asyncio.get_running_loop()

    _, loop = aio.run(main())
    assert closed == [loop]


def test_a_second_loop_is_refused_below_a_coroutine():
    async def nothing():
        pass

    async def main():
        coroutine = nothing()
        with pytest.raises(RuntimeError, match="running event loop"):
            aio.run(coroutine)
        coroutine.close()

    aio.run(main())


def test_plain_calls_from_greenlets_wake_a_parked_loop():
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        timed = loop.create_future()

        def helper():
            future.set_result("set")
            green.sleep(0)
            green.sleep(0)
            loop.call_later(0.001, timed.set_result, "timed")

        green.spawn(helper)
        return await future, await timed

    assert aio.run(main()) == ("set", "timed")


def test_stop_from_a_greenlet_ends_run_forever():
    loop = aio.EventLoop()
    green.spawn_later(0.001, loop.stop)
    loop.run_forever()
    assert not loop.is_running()
    loop.close()


def test_other_threads_wake_a_parked_loop():
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(future.set_result, "threaded"))
        thread.start()
        value = await future
        thread.join()
        return value

    assert aio.run(main()) == "threaded"


def test_a_loop_may_run_in_another_thread_than_it_was_made_in():
    loop = aio.EventLoop()
    ends = socket.socketpair()
    got = []
    loop.add_reader(ends[0], lambda: (got.append(ends[0].recv(10)), loop.stop()))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    ends[1].send(b"hello")
    thread.join()
    loop.close()
    for end in ends:
        end.close()
    assert got == [b"hello"]


def test_readiness_is_level_triggered():
    async def main():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        got = []
        done = loop.create_future()

        def readable():
            got.append(ours.recv(1))
            if len(got) == 3:
                done.set_result(None)

        loop.add_reader(ours, readable)
        theirs.send(b"abc")
        await done
        assert loop.remove_reader(ours)
        assert not loop.remove_reader(ours)
        ours.close()
        theirs.close()
        return b"".join(got)

    assert aio.run(main()) == b"abc"


def test_a_bad_descriptor_is_refused_where_it_is_added():
    loop = aio.EventLoop()
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(OSError, match="Bad file descriptor"):
        loop.add_reader(read, print)

    async def main():
        with pytest.raises(OSError, match="Bad file descriptor"):
            loop.add_writer(write, print)

    loop.run_until_complete(main())
    loop.close()


def test_a_stopped_loop_leaves_nothing_in_the_hub():
    loop = aio.EventLoop()
    ours, theirs = socket.socketpair()
    loop.add_reader(ours, print)
    before = get_hub().descriptors.waiting
    loop.run_until_complete(asyncio.sleep(0))
    assert get_hub().descriptors.waiting == before
    loop.close()
    ours.close()
    theirs.close()


def test_subprocesses_are_watched_by_descriptor():
    async def main():
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print(input()[::-1])", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        threads = threading.active_count()
        output, _ = await child.communicate(b"abc\n")
        return output, child.returncode, threads

    before = threading.active_count()
    assert aio.run(main()) == (b"cba\n", 0, before)


def test_signal_handlers_run_in_the_loop():
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.add_signal_handler(signal.SIGUSR1, lambda: future.set_result(asyncio.get_running_loop() is loop))
        green.spawn(os.kill, os.getpid(), signal.SIGUSR1)
        try:
            return await future
        finally:
            loop.remove_signal_handler(signal.SIGUSR1)

    assert aio.run(main()) is True


def test_interrupts_cancel_the_main_task():
    async def main():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    cleaned = []
    green.spawn_later(0.001, os.kill, os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        aio.run(main())
    assert cleaned == [True]


def test_debug_mode_refuses_calls_from_other_threads_and_accepts_greenlets():
    async def main():
        loop = asyncio.get_running_loop()
        accepted = loop.create_future()
        green.spawn(loop.call_soon, accepted.set_result, "greenlet")
        refused = []

        def other_thread():
            try:
                loop.call_soon(print)
            except RuntimeError as error:
                refused.append(str(error))

        thread = threading.Thread(target=other_thread)
        thread.start()
        thread.join()
        return await accepted, refused

    value, refused = aio.run(main(), debug=True)
    assert value == "greenlet"
    assert "Non-thread-safe" in refused[0]


def test_the_policy_serves_asyncio_run_in_several_greenlets():
    async def main():
        await asyncio.sleep(0.001)
        return type(asyncio.get_running_loop())

    asyncio.set_event_loop_policy(aio.EventLoopPolicy())
    try:
        runners = [green.spawn(asyncio.run, main()) for _ in range(3)]
        assert [runner.get() for runner in runners] == [aio.EventLoop] * 3
    finally:
        asyncio.set_event_loop_policy(None)


def test_a_killed_greenlet_stops_its_loop_and_cleans_up():
    cleaned = []

    async def main():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    runner = green.spawn(aio.run, main())
    green.sleep(0.001)
    runner.kill()
    assert cleaned == [True]
    assert current().guest is None
    assert asyncio._get_running_loop() is None


def test_executors_and_names(tmp_path):
    async def main():
        loop = asyncio.get_running_loop()
        name = await loop.run_in_executor(None, threading.get_ident)
        found = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        return name != threading.get_ident(), found[0][4]

    assert aio.run(main()) == (True, ("127.0.0.1", 80))


def test_a_dropped_loop_is_collected():
    import weakref

    loop = aio.EventLoop()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    seen = weakref.ref(loop)
    del loop
    gc.collect()
    assert seen() is None


def test_a_timeout_of_the_greenlet_ends_the_run_and_its_tasks():
    cleaned = []

    async def main():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    with pytest.raises(green.Timeout), green.Timeout(0.001):
        aio.run(main())
    assert cleaned == [True]


def test_a_timeout_is_raised_where_a_step_blocks():
    seen = []

    async def main():
        try:
            Event().wait()
        except green.Timeout:
            seen.append(asyncio.current_task() is not None)
        await asyncio.sleep(0)
        return "went on"

    with green.Timeout(0.001):
        assert aio.run(main()) == "went on"
    assert seen == [True]


def test_a_kill_below_a_callback_ends_the_loop():
    loop = aio.EventLoop()
    loop.call_soon(Event().wait)
    runner = green.spawn(loop.run_forever)
    green.sleep(0.001)
    runner.kill()
    assert runner.ready()
    assert not loop.is_running()
    assert current().guest is None
    loop.close()


def test_failing_callbacks_are_reported_and_the_loop_goes_on():
    reported = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: reported.append(context))
        loop.call_soon(int, "nonsense")
        loop.call_later(0, int, "nonsense")
        await asyncio.sleep(0.001)

    aio.run(main())
    assert [type(context["exception"]) for context in reported] == [ValueError] * 2
    assert "Exception in callback int(" in reported[0]["message"]


def test_slow_callbacks_are_told_of_in_debug_mode(caplog):
    async def main():
        asyncio.get_running_loop().slow_callback_duration = 0.0
        await asyncio.sleep(0)

    aio.run(main(), debug=True)
    assert any("Executing <Task" in message for message in caplog.messages)


def test_handles_are_asyncios_own_and_can_be_cancelled():
    called = []

    async def main():
        loop = asyncio.get_running_loop()
        soon, later = loop.call_soon(called.append, 1), loop.call_later(0.001, called.append, 2)
        assert type(soon) is asyncio.Handle
        assert type(later) is asyncio.TimerHandle
        assert loop.time() <= later.when() <= loop.time() + 0.001
        soon.cancel()
        later.cancel()
        assert soon.cancelled() and later.cancelled()
        await asyncio.sleep(0.002)

    aio.run(main())
    assert called == []


def test_cancelled_timers_do_not_pile_up():
    async def main():
        loop = asyncio.get_running_loop()
        for _ in range(1000):
            loop.call_later(60, print).cancel()
            if _ % 100 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        return len(loop.timers)

    assert aio.run(main()) <= 100


def test_timers_run_in_the_order_of_their_times(virtual_clock):
    order = []

    async def main():
        loop = asyncio.get_running_loop()
        start = loop.time()
        for delay in (3, 1, 2, 1):
            loop.call_at(start + delay, order.append, delay)
        await asyncio.sleep(4)
        return loop.time() - start

    assert aio.run(main()) == pytest.approx(4)
    assert order == [1, 1, 2, 3]


def test_contexts_stay_with_their_tasks_while_others_block():
    import contextvars

    name = contextvars.ContextVar("name")

    async def task(value):
        name.set(value)
        for _ in range(3):
            green.sleep(0)
            assert name.get() == value
            await asyncio.sleep(0)
            assert name.get() == value
        return name.get()

    async def main(group):
        return await asyncio.gather(*(task(f"{group}{number}") for number in range(3)))

    runners = [green.spawn(aio.run, main(group)) for group in "ab"]
    assert [runner.get() for runner in runners] == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]


def test_a_greenlet_of_a_step_shares_its_loop_and_task():
    from plait.greenlet import greenlet

    async def main():
        def inner():
            green.sleep(0)  # parks the coroutine's loop, in its name
            return asyncio.get_running_loop(), asyncio.current_task()

        return greenlet(inner).switch() == (asyncio.get_running_loop(), asyncio.current_task())

    assert aio.run(main()) is True


def test_a_coroutine_that_switches_to_the_hub_by_itself_leaves_its_loop_behind():
    from plait.greenlet import getcurrent

    seen = []

    async def main():
        hub = get_hub()
        green.spawn(lambda: seen.append(asyncio._get_running_loop()))
        hub.run_callback(getcurrent().switch, "resumed")
        value = hub.switch()
        return value, asyncio.get_running_loop() is not None

    assert aio.run(main()) == ("resumed", True)
    assert seen == [None]


def test_the_closing_of_a_watched_descriptor_is_heard():
    async def main():
        loop = asyncio.get_running_loop()
        read, write = os.pipe()
        heard = loop.create_future()
        loop.add_reader(read, heard.set_result, "called")

        def close():
            get_hub().descriptors.closing(read)
            os.close(read)

        green.spawn(close)
        value = await heard
        loop.remove_reader(read)
        os.close(write)
        return value

    assert aio.run(main()) == "called"


def test_a_descriptor_that_was_closed_while_the_loop_stood_still_is_heard_of_once():
    loop = aio.EventLoop()
    read, write = os.pipe()
    called = []
    loop.add_reader(read, called.append, True)
    os.close(read)
    os.close(write)
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
    assert called
    loop.remove_reader(read)
    loop.close()


def test_a_forked_child_may_run_a_loop_of_its_own():
    script = "\n".join(
        [
            "import asyncio, os",
            "from plait.green import aio",
            "async def main(): await asyncio.sleep(0.001); return 7",
            "async def parent():",
            "    child = os.fork()",
            "    if child == 0:",
            "        asyncio._set_running_loop(None)",
            "        os._exit(aio.run(main()))",
            "    await asyncio.sleep(0.001)",
            "    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])",
            "print(aio.run(parent()))",
        ]
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "7\n", "")


def test_tasks_of_many_threads_and_loops():
    seen = []

    def one(number):
        async def main():
            await asyncio.gather(*(asyncio.sleep(0) for _ in range(20)))
            return await green.spawn(lambda: green.sleep(0) or number)

        seen.append(aio.run(main()))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(8))
