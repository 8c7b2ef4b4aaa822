"""Greenlets that wait for coroutines."""

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from plait import green
from plait.green import aio
from plait.green.event import Event


@pytest.fixture(autouse=True)
def no_loop_left():
    yield
    hub = green.get_hub()
    loop, hub.asyncio_loop = hub.asyncio_loop, None
    if loop is not None:
        loop.discard()
        assert loop.is_closed()


async def value(result, delay=0.001):
    await asyncio.sleep(delay)
    return result


def test_wait_gives_the_value_from_any_greenlet():
    assert aio.wait(value(1)) == 1
    runners = [green.spawn(aio.wait, value(number)) for number in range(3)]
    assert [runner.get() for runner in runners] == [0, 1, 2]


def test_all_waits_of_a_thread_share_one_loop():
    async def loop():
        return asyncio.get_running_loop()

    loops = {aio.wait(loop()), green.spawn(aio.wait, loop()).get(), aio.get_loop()}
    assert len(loops) == 1


def test_helpers_of_a_coroutine_share_its_loop():
    async def main():
        lock = asyncio.Lock()
        await lock.acquire()

        async def locked():
            async with lock:
                return asyncio.get_running_loop()

        runner = green.spawn(lambda: green.spawn(aio.wait, locked()).get())
        await asyncio.sleep(0.001)
        lock.release()
        return await runner is asyncio.get_running_loop()

    assert aio.run(main()) is True


def test_wait_raises_with_the_traceback():
    async def failing():
        await asyncio.sleep(0)
        raise ValueError("from the coroutine")

    with pytest.raises(ValueError, match="from the coroutine") as caught:
        aio.wait(failing())
    assert "failing" in [entry.name for entry in caught.traceback]


def test_a_kill_cancels_the_coroutine_and_waits_for_its_end():
    order = []

    async def parked():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            order.append("coroutine's finally")

    def waiting():
        try:
            aio.wait(parked())
        finally:
            order.append("greenlet's finally")

    runner = green.spawn(waiting)
    green.sleep(0.001)
    runner.kill()
    assert order == ["coroutine's finally", "greenlet's finally"]


def test_a_second_kill_does_not_wait_for_the_coroutine():
    release = Event()
    stubborn_runs = []

    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stubborn_runs.append(True)
            await release

    runner = green.spawn(aio.wait, stubborn())
    green.sleep(0.001)
    runner.kill(timeout=0.001)
    assert stubborn_runs and not runner.ready()
    runner.kill()
    assert runner.ready()
    release.set()
    green.sleep(0.001)


def test_timeouts_cancel_the_coroutine():
    cancelled = []

    async def parked():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(green.Timeout):
        aio.wait(parked(), timeout=0.001)
    with pytest.raises(green.Timeout), green.Timeout(0.001):
        aio.wait(parked())
    with pytest.raises(OSError, match="mine"):
        aio.wait(parked(), timeout=green.Timeout(0.001, OSError("mine")))
    assert cancelled == [True] * 3


def test_a_cancelled_task_raises_where_it_is_waited_for():
    task = aio.spawn(value(1, delay=60))
    green.spawn(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        aio.wait(task)


def test_spawn_runs_in_the_background():
    done = Event()

    async def background():
        await asyncio.sleep(0.001)
        done.set()

    aio.spawn(background())
    assert done.wait(5)


def test_any_awaitable_is_accepted():
    class Custom:
        def __await__(self):
            return value("custom").__await__()

    assert aio.wait(Custom()) == "custom"
    assert aio.wait(green.spawn(lambda: "greenlet")) == "greenlet"


def test_waiting_below_a_coroutine_of_the_same_loop_is_refused():
    async def main():
        with pytest.raises(RuntimeError, match="use await there"):
            aio.wait(value(1))

    aio.run(main())


def test_a_loop_of_another_thread_may_be_waited_for():
    loop = aio.EventLoop()
    began = threading.Event()
    loop.call_soon(began.set)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    began.wait()

    async def where():
        await asyncio.sleep(0.001)
        return threading.get_ident()

    assert aio.wait(where(), loop=loop) == thread.ident
    with pytest.raises(green.Timeout):
        aio.wait(value(1, delay=60), timeout=0.001, loop=loop)
    assert aio.wait(value("cancelled meanwhile"), loop=loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_loop_that_is_closed_or_not_ours_is_refused():
    closed = aio.EventLoop()
    closed.close()
    stock = asyncio.SelectorEventLoop()
    for loop in (closed, stock):
        coroutine = value(1)
        with pytest.raises(RuntimeError):
            aio.wait(coroutine, loop=loop)
        coroutine.close()
    stock.close()


def test_the_background_loop_keeps_nobody_waiting():
    aio.wait(value(1))
    with pytest.raises(green.LoopExit):
        Event().wait()


def test_threads_end_with_a_background_loop():
    seen = []

    def other():
        seen.append(aio.wait(value("thread")))
        seen.append(aio.get_loop())

    before = len(os.listdir("/proc/self/fd"))
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen[0] == "thread"
    assert seen[1].is_closed()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_programs_end_quietly_with_a_background_loop():
    script = "\n".join(
        [
            "import asyncio",
            "from plait.green import aio",
            "aio.spawn(asyncio.sleep(60))",
            "print(aio.wait(asyncio.sleep(0.001, 'done')))",
        ]
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")
