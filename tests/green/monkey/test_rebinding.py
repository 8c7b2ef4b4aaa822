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
