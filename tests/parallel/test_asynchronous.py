"""Parallel.aio: loops that are awaited, on asyncio's event loop and on plait's."""

import asyncio
import os
import time

import pytest

from plait.green import aio
from plait.parallel import Parallel, TaskTimeout, delayed, pool

RUNS = {"asyncio": asyncio.run, "plait": aio.run}
BACKENDS = ["processes", "threading"]


@pytest.fixture(params=list(RUNS))
def run(request):
    return RUNS[request.param]


@pytest.mark.parametrize("backend", [*BACKENDS, "sequential"])
def test_awaiting_gives_the_list(run, backend):
    async def main():
        return await Parallel(n_jobs=2, backend=backend).aio(delayed(pow)(i, 2) for i in range(500))

    assert run(main()) == [i * i for i in range(500)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_iterating_gives_results_in_order(run, backend):
    async def main():
        return [r async for r in Parallel(n_jobs=2, backend=backend).aio(delayed(pow)(i, 2) for i in range(100))]

    assert run(main()) == [i * i for i in range(100)]


def test_iterating_unordered_gives_what_ends_first(run, tmp_path):
    def wait_to_be_let_go(i):
        while i == 0 and not (tmp_path / "go").exists():
            time.sleep(0.005)
        return i

    async def main():
        results = []
        loop = Parallel(n_jobs=2, return_as="generator_unordered")
        async for result in loop.aio(delayed(wait_to_be_let_go)(i) for i in range(2)):
            (tmp_path / "go").touch()
            results.append(result)
        return results

    assert run(main()) == [1, 0]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_event_loop_goes_on_meanwhile(run, n_jobs, tmp_path):
    def wait_for(name):
        while not (tmp_path / name).exists():
            time.sleep(0.005)
        return os.getpid()

    async def main():
        loop = asyncio.ensure_future(_awaited(Parallel(n_jobs=n_jobs).aio([delayed(wait_for)("go")])))
        await asyncio.sleep(0.01)
        (tmp_path / "go").touch()
        return await loop

    assert run(main())[0] != os.getpid()


async def _awaited(awaitable):
    return await awaitable


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_error_names_its_task_and_keeps_results(run, backend):
    async def main():
        tasks = [delayed(divmod)(6, x) for x in [1, 2, 0]]
        await Parallel(n_jobs=2, backend=backend, batch_size=1, pre_dispatch=1).aio(tasks)

    with pytest.raises(ZeroDivisionError) as caught:
        run(main())
    assert "in task 2: divmod(6, 0)" in caught.value.__notes__
    assert caught.value.results == {0: (6, 0), 1: (3, 0)}


def test_failures_can_be_returned_and_timed(run):
    async def main():
        return await Parallel(n_jobs=2, timeout=0.2, on_error="return").aio(delayed(time.sleep)(s) for s in [0, 30, 0])

    first, second, third = run(main())
    assert (first, third) == (None, None)
    assert isinstance(second, TaskTimeout)
    assert second.index == 1


def test_cancelling_the_asyncio_task_cancels_the_loop(run, tmp_path):
    def work(i):
        try:
            (tmp_path / f"{i} began").touch()
            time.sleep(60)
        finally:
            (tmp_path / f"{i} ended").touch()

    async def main():
        loop = asyncio.ensure_future(_awaited(Parallel(n_jobs=2).aio(delayed(work)(i) for i in range(10))))
        while len(list(tmp_path.iterdir())) < 2:
            await asyncio.sleep(0.005)
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop
        while len(list(tmp_path.glob("* ended"))) < 2:
            await asyncio.sleep(0.005)
        assert len(list(tmp_path.glob("* began"))) == 2
        return await Parallel(n_jobs=2).aio([delayed(abs)(-1)])

    assert run(main()) == [1]


def test_leaving_the_iteration_cancels_the_loop(run, tmp_path):
    def touch(i):
        (tmp_path / str(i)).touch()
        if i:
            time.sleep(0.05)
        return i

    async def main():
        results = Parallel(n_jobs=2, batch_size=1).aio(delayed(touch)(i) for i in range(1000)).__aiter__()
        assert await anext(results) == 0
        await results.aclose()

    run(main())
    assert Parallel(n_jobs=2)([delayed(abs)(-1)]) == [1]
    assert len(list(tmp_path.iterdir())) < 50


def test_a_timeout_of_asyncio_cancels_the_loop(run):
    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_awaited(Parallel(n_jobs=2).aio([delayed(time.sleep)(60)])), 0.1)
        return await Parallel(n_jobs=2).aio([delayed(abs)(-1)])

    assert run(main()) == [1]


def test_several_loops_at_once_share_the_pool(run):
    async def one(n):
        return await Parallel(n_jobs=2).aio(delayed(pow)(n, i) for i in range(20))

    async def main():
        return await asyncio.gather(*map(one, range(5)))

    assert run(main()) == [[n**i for i in range(20)] for n in range(5)]
    assert len(pool.processes().pids()) == 2


def test_no_tasks(run):
    async def main():
        return await Parallel(n_jobs=2).aio([])

    assert run(main()) == []


def test_green_tasks_on_plaits_event_loop():
    from plait import green

    async def main():
        return await Parallel(backend="green").aio(delayed(green.sleep)(0.01) for _ in range(100))

    assert aio.run(main()) == [None] * 100


def test_green_tasks_on_another_event_loop_are_refused():
    async def main():
        await Parallel(backend="green").aio([delayed(abs)(1)])

    with pytest.raises(RuntimeError, match=r"run the program with plait\.green\.aio\.run"):
        asyncio.run(main())


def test_it_is_awaited_once(run):
    async def main():
        results = Parallel(n_jobs=2).aio([delayed(abs)(-1)])
        assert await results == [1]
        await results

    with pytest.raises(RuntimeError, match=r"call aio\(\) again"):
        run(main())


def test_nothing_is_sent_before_it_is_awaited():
    given = []
    Parallel(n_jobs=2).aio(given.append(i) or delayed(abs)(i) for i in range(3))
    assert given == []


def test_an_event_loop_that_is_gone_is_nobodys_concern(run):
    """The program leaves while tasks run; the pool goes on."""

    async def main():
        asyncio.ensure_future(_awaited(Parallel(n_jobs=2).aio(delayed(time.sleep)(0.2) for _ in range(4))))
        await asyncio.sleep(0.05)

    run(main())
    assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
