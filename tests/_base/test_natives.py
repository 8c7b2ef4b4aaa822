"""Threads of the interpreter's own."""


def test_a_thread_that_imports_threading_first_is_not_taken_for_the_main_one(run_script):
    script = """
    import sys
    from plait._base import natives

    def imports():
        import threading
        done.release()
        natives.sleep(60)

    done = natives.allocate_lock()
    done.acquire()
    before = "threading" in sys.modules
    natives.start_new_thread(imports, ())
    done.acquire()
    import threading
    print(before, threading.main_thread() is threading.current_thread())
    """
    assert run_script(script, timeout=20).stdout == "False True\n"
