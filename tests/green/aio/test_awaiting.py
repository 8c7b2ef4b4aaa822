"""Coroutines that wait for greenlets, events and results."""

import asyncio
import contextvars
import threading

import pytest

from plait import green
from plait.green import aio
from plait.green.event import AsyncResult, Event
from plait.green.pool import Pool
from plait.green.queue import Queue


def test_await_gives_the_value():
    async def main():
        return await green.spawn(lambda: green.sleep(0.001) or "value")

    assert aio.run(main()) == "value"


def test_await_of_one_that_has_ended_gives_the_value():
    async def main():
        runner = green.spawn(lambda: "value")
        runner.join()
        return await runner, await runner

    assert aio.run(main()) == ("value", "value")


def test_await_raises_what_it_raised_with_its_traceback(errors):
    def failing():
        green.sleep(0)
        raise ValueError("from the greenlet")

    async def main():
        await green.spawn(failing)

    with pytest.raises(ValueError, match="from the greenlet") as caught:
        aio.run(main())
    assert "failing" in [entry.name for entry in caught.traceback]


def test_many_greenlets_gather():
    def work(number):
        green.sleep(0.001)
        return number * number

    async def main():
        pool = Pool(3)
        return await asyncio.gather(*(wrap(pool.spawn(work, number)) for number in range(6)))

    async def wrap(runner):
        return await runner

    assert aio.run(main()) == [0, 1, 4, 9, 16, 25]


def test_cancelling_the_awaiting_task_kills_the_greenlet():
    order = []

    def parked():
        try:
            Event().wait(60)
        finally:
            green.sleep(0)
            order.append("greenlet's finally")

    async def awaiting(runner):
        try:
            await runner
        finally:
            order.append("task's finally")

    async def main():
        runner = green.spawn(parked)
        task = asyncio.create_task(awaiting(runner))
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return runner

    runner = aio.run(main())
    assert isinstance(runner.value, green.GreenletExit)
    assert order == ["greenlet's finally", "task's finally"]


def test_a_shielded_greenlet_survives_the_cancellation():
    event = Event()

    async def awaiting(runner):
        await asyncio.shield(wrap(runner))

    async def wrap(runner):
        return await runner

    async def main():
        runner = green.spawn(event.wait)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(awaiting(runner), 0.001)
        assert not runner.ready()
        event.set()
        return await runner

    assert aio.run(main()) is True


def test_a_greenlet_that_was_killed_is_as_a_cancelled_task():
    async def main():
        runner = green.spawn(green.sleep, 60)
        green.spawn(runner.kill)
        with pytest.raises(asyncio.CancelledError):
            await runner

    aio.run(main())


def test_timeouts_of_asyncio_kill_the_greenlet():
    async def main():
        runner = green.spawn(green.sleep, 60)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await runner
        return runner.ready()

    assert aio.run(main()) is True


def test_to_greenlet_leaves_the_loop_running():
    queue = Queue()
    variable = contextvars.ContextVar("variable", default="unset")

    def blocking(first, second):
        return first, second, queue.get(), variable.get()

    async def main():
        variable.set("set")
        task = asyncio.create_task(aio.to_greenlet(blocking, 1, second=2))
        await asyncio.sleep(0.001)
        queue.put("item")
        return await task

    assert aio.run(main()) == (1, 2, "item", "set")


def test_events_and_results_are_awaitable():
    event, result, failed = Event(), AsyncResult(), AsyncResult()

    def helper():
        green.sleep(0)
        event.set()
        result.set("value")
        failed.set_exception(ValueError("failed"))

    async def main():
        green.spawn(helper)
        with pytest.raises(ValueError, match="failed"):
            await failed
        return await event, await result, await event

    assert aio.run(main()) == (True, "value", True)


def test_cancelling_an_await_of_an_event_leaves_no_link():
    event = Event()

    async def wrap():
        await event

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wrap(), 0.001)

    aio.run(main())
    assert event.linkcount() == 0


def test_a_greenlet_of_another_thread_may_be_awaited():
    made = []
    ready = threading.Event()
    go = Event()

    def other():
        made.append(green.spawn(lambda: go.wait() and "from the thread"))
        ready.set()
        made[0].join()

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait()

    async def main():
        asyncio.get_running_loop().call_later(0.001, go.set)
        return await made[0]

    assert aio.run(main()) == "from the thread"
    thread.join()


def test_await_outside_of_a_loop_says_so():
    async def main():
        await Event()

    coroutine = main()
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)
