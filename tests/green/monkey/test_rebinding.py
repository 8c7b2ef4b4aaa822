"""References to originals that were taken before the patch."""


def test_names_taken_before_are_exchanged(run):
    lines = run(
        """
        from time import sleep
        from time import sleep as pause
        import time
        from plait.green import monkey
        monkey.patch_all()
        print(sleep is time.sleep, pause is time.sleep)
    """,
        patched=False,
    )
    assert lines == ["True True"]


def test_names_that_say_that_they_keep_an_original_keep_it(run):
    lines = run(
        """
        import _thread, time
        native_get_ident = _thread.get_ident
        _real_sleep = time.sleep
        class Saved:
            original_sleep = time.sleep
        from plait.green import monkey
        monkey.patch_all()
        print(native_get_ident is monkey.get_original("_thread", "get_ident"))
        print(_real_sleep is Saved.original_sleep is monkey.get_original("time", "sleep"))
    """,
        patched=False,
    )
    assert lines == ["True", "True"]


def test_other_modules_and_classes_in_them_are_followed_up(run, tmp_path):
    (tmp_path / "library.py").write_text(
        "from time import sleep\n"
        "from socket import socket as Socket\n"
        "class Client:\n"
        "    pause = sleep\n"
        "    make_socket = Socket\n"
        "    def wait(self):\n"
        "        self.pause(0)\n"
    )
    lines = run(
        """
        import library
        from plait.green import monkey
        monkey.patch_all()
        import socket, time
        print(library.sleep is time.sleep, library.Socket is socket.socket)
        print(library.Client.pause is time.sleep, library.Client.make_socket is socket.socket)
        library.Client().wait()  # as a function of C it was not bound to the instance
    """,
        patched=False,
    )
    assert lines == ["True True", "True True"]


def test_what_cannot_be_reached_is_named(run):
    lines = run(
        """
        import socket, time
        def wait(seconds, sleep=time.sleep):
            sleep(seconds)
        class Mine(socket.socket):
            pass
        class Holder:
            pass
        holder = Holder()
        holder.pause = time.sleep
        from plait.green import monkey
        monkey.patch_all()
        for left in monkey.leftovers():
            if "__main__" in left.holder:
                print(left.original, "-", left.holder)
    """,
        patched=False,
    )
    assert lines == [
        "socket.socket - the subclass __main__.Mine",
        "time.sleep - 'pause' of an instance of __main__.Holder",
        "time.sleep - a default of __main__.wait",
    ]


def test_modules_of_this_package_keep_the_originals(run):
    lines = run("""
        from plait._base import natives
        print(natives.sleep is monkey.get_original("time", "sleep"))
        from plait.parallel import Parallel, delayed
        import threading
        here = threading.get_native_id()
        print(here in Parallel(2, backend="threading")(delayed(threading.get_native_id)() for _ in range(4)))
    """)
    assert lines == ["True", "False"]
