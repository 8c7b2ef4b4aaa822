"""Threads after patching: greenlets under the names of `_thread` and `threading`."""


def test_threads_take_turns_where_they_wait(run):
    lines = run("""
        import threading, time
        def count(name):
            for i in range(3):
                print(name, i)
                time.sleep(0)
        threads = [threading.Thread(target=count, args=name) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(threading.active_count())
    """)
    assert lines == ["a 0", "a 1", "b 0", "a 2", "b 1", "b 2", "1"]


def test_the_main_thread_can_be_joined_and_other_threads_are_waited_for(run):
    lines = run("""
        import threading
        def last():
            threading.main_thread().join()
            print("main has ended:", not threading.main_thread().is_alive())
        threading.Thread(target=last).start()
        print("main ends")
    """)
    assert lines == ["main ends", "main has ended: True"]


def test_daemons_are_not_waited_for(run):
    lines = run("""
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        print("main ends")
    """)
    assert lines == ["main ends"]


def test_functions_registered_with_threading_run_before_threads_are_joined(run):
    lines = run("""
        import threading
        stop = threading.Event()
        threading._register_atexit(lambda: (print("told to stop"), stop.set()))
        def work():
            stop.wait()
            print("stopped")
        threading.Thread(target=work).start()
    """)
    assert lines == ["told to stop", "stopped"]


def test_a_greenlet_that_is_no_thread_has_a_current_thread_which_goes_with_it(run):
    lines = run("""
        import threading
        from plait import green
        main = threading.main_thread()
        def ask():
            current = threading.current_thread()
            print(current is threading.current_thread(), current is not main, len(threading.enumerate()))
        for _ in range(2):
            green.spawn(ask).join()
        green.sleep(0)
        print(threading.current_thread() is main, threading.enumerate() == [main])
    """)
    assert lines == ["True True 2", "True True 2", "True True"]


def test_the_main_greenlet_keeps_the_ident_of_its_thread(run):
    lines = run(
        """
        import threading
        before = threading.get_ident(), threading.main_thread().ident
        from plait.green import monkey
        monkey.patch_all()
        print(before == (threading.get_ident(), threading.main_thread().ident))
        """,
        patched=False,
    )
    assert lines == ["True"]


def test_thread_locals_belong_to_greenlets(run):
    lines = run("""
        import threading
        local = threading.local()
        local.value = 1
        def ask():
            print(hasattr(local, "value"))
            local.value = 2
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        print(local.value)
    """)
    assert lines == ["False", "1"]


def test_os_threads_from_before_can_be_joined_while_greenlets_run(run):
    lines = run(
        """
        import threading, time
        go = threading.Event()
        thread = threading.Thread(target=go.wait)
        thread.start()
        from plait.green import monkey
        monkey.patch_all()
        def release():
            print("released", thread.is_alive())
            go.set()
        threading.Thread(target=release).start()
        thread.join()
        print("joined", thread.is_alive())
        """,
        patched=False,
    )
    assert lines == ["released True", "joined False"]


def test_joining_an_os_thread_from_before_can_time_out(run):
    lines = run(
        """
        import threading
        go = threading.Event()
        thread = threading.Thread(target=go.wait)
        thread.start()
        from plait.green import monkey
        monkey.patch_all()
        thread.join(0.01)
        print(thread.is_alive())
        go.set()
        """,
        patched=False,
    )
    assert lines == ["True"]


def test_a_thread_object_from_before_becomes_a_greenlet(run):
    lines = run(
        """
        import threading
        thread = threading.Thread(target=lambda: print(threading.get_native_id() == main))
        main = threading.get_native_id()
        from plait.green import monkey
        monkey.patch_all()
        thread.start()
        thread.join()
        print(thread.is_alive())
        """,
        patched=False,
    )
    assert lines == ["True", "False"]


def test_conditions_and_events_from_before_do_not_block_the_thread(run):
    lines = run(
        """
        import threading
        condition, event = threading.Condition(), threading.Event()
        from plait.green import monkey
        monkey.patch_all()
        def wait():
            with condition:
                condition.wait()
            print("notified")
            event.wait()
            print("set")
        thread = threading.Thread(target=wait)
        thread.start()
        with condition:
            condition.notify()
        event.set()
        thread.join()
        """,
        patched=False,
    )
    assert lines == ["notified", "set"]


def test_what_a_thread_raises_is_reported_as_the_interpreter_does(run):
    lines = run("""
        import _thread, sys, time
        seen = []
        sys.unraisablehook = seen.append
        def fail():
            raise ValueError("of the thread")
        _thread.start_new_thread(fail, ())
        _thread.start_new_thread(sys.exit, ())
        time.sleep(0)
        print([(args.exc_type.__name__, args.err_msg.partition(" <")[0]) for args in seen])
    """)
    assert lines == ["[('ValueError', 'Exception ignored in thread started by')]"]


def test_executors_work(run):
    lines = run("""
        import threading
        from concurrent.futures import ThreadPoolExecutor
        met = threading.Barrier(3)
        with ThreadPoolExecutor(3) as pool:
            print(sorted(pool.map(lambda _: met.wait(), range(3))))
            print(len({threading.get_native_id(), pool.submit(threading.get_native_id).result()}))
    """)
    assert lines == ["[0, 1, 2]", "1"]


def test_executors_from_before_go_on(run):
    lines = run(
        """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        print(pool.submit(abs, -1).result())
        from plait.green import monkey
        monkey.patch_all()
        print(pool.submit(abs, -2).result())
        """,
        patched=False,
    )
    assert lines == ["1", "2"]


def test_loggings_locks_from_before_park_the_greenlet(run):
    lines = run(
        """
        import logging, sys, time
        class Slow(logging.StreamHandler):
            def emit(self, record):
                for word in record.getMessage().split():
                    time.sleep(0)
                    print(word)
        logging.getLogger().addHandler(Slow(sys.stdout))
        from plait.green import monkey
        monkey.patch_all()
        import threading
        threads = [threading.Thread(target=logging.warning, args=(text,)) for text in ("a a", "b b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
        patched=False,
    )
    assert lines == ["a", "a", "b", "b"]


def test_modules_imported_by_two_greenlets_at_once_are_loaded_once(run, tmp_path):
    (tmp_path / "slow_module.py").write_text("import time\nprint('begins')\ntime.sleep(0.01)\nvalue = 1\n")
    lines = run("""
        import threading
        def load():
            import slow_module
            print(slow_module.value)
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """)
    assert lines == ["begins", "1", "1"]


def test_threads_in_a_library_s_os_thread_are_os_threads(run):
    lines = run("""
        import threading
        start = monkey.get_original("_thread", "start_new_thread")
        main, seen, done = threading.get_native_id(), [], threading.Event()
        def outer():
            inner = threading.Thread(target=lambda: seen.append(threading.get_native_id()))
            inner.start()
            inner.join()
            done.set()
        start(outer, ())
        done.wait()  # which finds a thread that may not even have begun
        print(len(seen), main in seen)
    """)
    assert lines == ["1 False"]


def test_a_fork_in_a_thread_while_others_wait_for_its_start_and_its_end(run):
    lines = run("""
        import os, sys, threading
        main_thread = threading.current_thread()
        def end():
            main_thread.join()
            print("joined a thread that the child has not")
        def work():
            child = os.fork()
            if child:
                print(os.waitpid(child, 0)[1])
                return
            thread = threading.Thread(target=end)
            thread.start()
            thread.join()
            sys.stdout.flush()
            os._exit(0)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(30)
        print(thread.is_alive())
    """)
    assert lines == ["joined a thread that the child has not", "0", "False"]


def test_a_child_waits_for_the_thread_that_forked_it(run):
    lines = run("""
        import os, sys, threading
        def work():
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                sys.exit(0)
            other = threading.Thread(target=lambda: os.write(1, b"other\\n"))
            other.start()
            other.join()
            os.write(1, b"forked\\n")
        threading.Thread(target=work).start()
    """)
    assert lines == ["other", "forked"]


def test_a_child_forked_in_a_greenlet_that_is_no_thread_ends_as_it_should(run):
    lines = run("""
        import multiprocessing, os, threading
        from plait import green
        def ask():
            print(threading.current_thread() is threading.main_thread(), flush=True)
        def start():
            threading.current_thread()
            process = multiprocessing.get_context("fork").Process(target=ask)
            process.start()
            process.join()
            child = os.fork()
            if not child:
                ask()
                return
            print(process.exitcode, os.waitpid(child, 0)[1], flush=True)
        parent = os.getpid()
        green.spawn(start).join()
        if os.getpid() == parent:
            print(threading.enumerate() == [threading.main_thread()])
    """)
    assert lines == ["True", "True", "0 0", "True"]
