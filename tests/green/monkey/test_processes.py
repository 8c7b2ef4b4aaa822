"""multiprocessing after patching: nothing that it waits for holds the other greenlets up."""

import pytest


@pytest.mark.parametrize("late", [False, True], ids=["imported after", "imported before"])
def test_an_executor_of_processes_works_beside_greenlets(run, late):
    lines = run(
        f"""
        {"import concurrent.futures.process, multiprocessing.connection, multiprocessing.synchronize" if late else ""}
        from plait.green import monkey
        monkey.patch_all()
        import multiprocessing, time
        from concurrent.futures import ProcessPoolExecutor
        from plait import green
        def work(size):
            time.sleep(0.05)
            return b"x" * size
        ticks = []
        def tick():
            while True:
                ticks.append(1)
                time.sleep(0.005)
        ticker = green.spawn(tick)
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
            results = list(pool.map(work, [1, 300_000, 2]))
        print([len(result) for result in results], len(ticks) > 5)
        ticker.kill()
        """,
        patched=False,
    )
    assert lines == ["[1, 300000, 2] True"]


def test_large_messages_both_ways_do_not_block_each_other(run):
    lines = run("""
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            big = [b"x" * 400_000] * 4
            print([len(result) for result in pool.map(bytes.upper, big)])
    """)
    assert lines == ["[400000, 400000, 400000, 400000]"]


def test_a_pool_and_a_queue_work(run):
    lines = run("""
        import multiprocessing
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        def child(queue):
            queue.put(queue.get() + 1)
        process = context.Process(target=child, args=(queue,))
        process.start()
        queue.put(1)
        process.join()
        print(queue.get(), process.exitcode)
        with context.Pool(2) as pool:
            print(pool.map(abs, [-1, -2, -3]))
    """)
    assert lines == ["2 0", "[1, 2, 3]"]


def test_greenlets_exclude_each_other_by_a_recursive_lock_of_processes(run):
    lines = run("""
        import multiprocessing, threading, time
        lock = multiprocessing.get_context("fork").RLock()
        def work(name):
            with lock, lock:
                print(name, "in")
                time.sleep(0.005)
                print(name, "out")
        threads = [threading.Thread(target=work, args=name) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """)
    assert lines == ["a in", "a out", "b in", "b out"]


def test_a_lock_of_processes_times_out(run):
    lines = run("""
        import multiprocessing, time
        lock = multiprocessing.get_context("fork").Lock()
        lock.acquire()
        time.sleep(0)
        print(lock.acquire(timeout=0.01), lock.acquire(False))
    """)
    assert lines == ["False False"]


def test_a_forked_process_has_none_of_the_parent_s_greenlets(run):
    lines = run("""
        import multiprocessing, os, threading, time
        parent = os.getpid()
        seen = multiprocessing.get_context("fork").SimpleQueue()
        def tick():
            while True:
                if os.getpid() != parent:
                    seen.put("a greenlet of the parent's runs")
                time.sleep(0.002)
        threading.Thread(target=tick, daemon=True).start()
        def child():
            time.sleep(0.02)
            thread = threading.Thread(target=seen.put, args=("the child's own thread",))
            thread.start()
            thread.join()
        def start():
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            process.join()
            print(process.exitcode, seen.get(), seen.empty())
        starter = threading.Thread(target=start)
        starter.start()
        starter.join()
    """)
    assert lines == ["0 the child's own thread True"]
