"""joblib's private modules and its testing tools, as programs know them."""

import sys

import numpy
import pytest

from plait.compat.joblib_private import memmapping_reducer
from plait.compat.joblib_private.pool import MemmappingPool
from plait.compat.joblib_private.testing import SkipTest, check_subprocess_call


def python(code):
    return [sys.executable, "-c", code]


def test_a_command_is_checked_by_its_code_and_its_output():
    check_subprocess_call(python("print(1 + 6)"), stdout_regex=r"^7\s*$", stderr_regex="^$")
    with pytest.raises(ValueError, match="Unexpected stdout: 'nothing' does not match:\n'7"):
        check_subprocess_call(python("print(1 + 6)"), stdout_regex="nothing")
    with pytest.raises(ValueError, match="Non-zero return code: 3.\nStdout:\na\n\nStderr:\nb"):
        check_subprocess_call(python("import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)"))
    with pytest.raises(FileNotFoundError):
        check_subprocess_call(["a-command-that-is-not-there"])


def test_a_command_that_does_not_end_is_ended():
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(100)"
    with (
        pytest.warns(UserWarning, match="Timeout running"),
        pytest.raises(ValueError, match="code: -9.\nStdout:\ndeaf"),
    ):
        check_subprocess_call(python(code), timeout=0.5)


def test_warnings_go_to_stdout_under_the_files_name(run_script):
    script = """
    import warnings
    from plait.compat.joblib_private.testing import warnings_to_stdout
    warnings_to_stdout()
    warnings.warn_explicit("careful", UserWarning, "/a/folder/file.py", 7)
    """
    done = run_script(script)
    assert (done.stdout.strip(), done.stderr) == ("file.py:7: UserWarning: careful", "")


def test_pytests_tools_have_their_other_names():
    with pytest.raises(SkipTest):
        pytest.skip("skips")


@pytest.mark.parametrize(("setting", "works"), [(None, True), ("1", True), ("0", False)])
def test_multiprocessing_may_be_switched_off(run_script, monkeypatch, setting, works):
    if setting is None:
        monkeypatch.delenv("JOBLIB_MULTIPROCESSING", raising=False)
    else:
        monkeypatch.setenv("JOBLIB_MULTIPROCESSING", setting)
    script = """
    from plait import compat
    compat.install("joblib")
    from joblib._multiprocessing_helpers import mp
    print(mp is not None)
    """
    assert run_script(script).stdout == f"{works}\n"


def test_the_package_has_joblibs_helpers(run_script):
    script = """
    from plait import compat
    compat.install("joblib")
    import joblib
    from joblib import *
    from joblib._utils import eval_expr
    print(joblib.__version__, joblib.logger.short_format_time(3), Logger.__name__, eval_expr("3 * 4"))
    print(wrap_non_picklable_objects(lambda: 5)())
    """
    assert run_script(script).stdout == "1.6.0    3.0s Logger 12\n5\n"


def test_loky_has_the_names_that_programs_import(run_script):
    script = """
    from plait import compat
    compat.install("joblib")
    import joblib
    from joblib.externals.loky import cpu_count, set_loky_pickler, wait
    from joblib.externals.loky.backend import resource_tracker
    set_loky_pickler("pickle")
    set_loky_pickler()
    try:
        set_loky_pickler("math")
    except AttributeError as error:
        print(error)
    print(cpu_count() == joblib.cpu_count())
    print(joblib.externals.loky.backend.resource_tracker._resource_tracker._fd)
    """
    told = run_script(script)
    assert told.stdout == "module 'math' has no Pickler; pass 'cloudpickle' or 'pickle'\nTrue\nNone\n", told.stderr


def test_lokys_executor_is_shared_until_it_is_shut_down(run_script):
    script = """
    import os
    from plait import compat
    compat.install("joblib")
    from joblib.executor import MemmappingExecutor, get_memmapping_executor
    from joblib.externals.loky import get_reusable_executor, wait
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError
    one = get_reusable_executor(2)
    print(one is get_reusable_executor(2), one is get_reusable_executor(reuse=True), one is get_reusable_executor(3))
    executor = get_memmapping_executor(2)
    pid, = {future.result() for future in wait([executor.submit(os.getpid)]).done}
    executor.shutdown(kill_workers=True)
    os.environ["NEW"] = "seen"
    other = MemmappingExecutor.get_memmapping_executor(2)
    print(other is executor, other.submit(os.getenv, "NEW").result(), os.path.exists(f"/proc/{pid}"))
    for kind in (BrokenProcessPool, TerminatedWorkerError):
        try:
            other.submit(os._exit, 7).result()
        except kind as error:
            print("_exit" in str(error))
    """
    done = run_script(script)
    assert done.stdout == "True True False\nFalse seen False\nTrue\nTrue\n", done.stderr


def test_pools_have_the_methods_of_multiprocessings(run_script):
    script = """
    from plait import compat
    compat.install("joblib")
    import multiprocessing, time
    from joblib.pool import MemmappingPool
    told = []
    with MemmappingPool(2, max_nbytes=10) as pool:
        print(pool.map(abs, [-1, 2]), pool.apply(pow, (2, 3)), pool.starmap(pow, [(2, 2), (3, 2)]))
        print(list(pool.imap(abs, [-3])), sorted(pool.imap_unordered(abs, [-5, 4])))
        asked = pool.apply_async(int, ("7",), {"base": 8}, callback=told.append)
        wrong = pool.apply_async(int, ("x",), error_callback=told.append)
        print(asked.get(20), asked.ready(), asked.successful(), wrong.wait(20), wrong.successful())
        pool.close()
        pool.join()
        print(sorted(type(value).__name__ for value in told))
        waiting = MemmappingPool(1)
        try:
            waiting.apply_async(time.sleep, (60,)).get(0.01)
        except multiprocessing.TimeoutError as error:
            print(error)
        waiting.terminate()
        try:
            pool.apply(abs, (1,))
        except RuntimeError as error:
            print("after shutdown" in str(error))
    """
    done = run_script(script)
    assert done.stdout.splitlines() == [
        "[1, 2] 8 [4, 9]",
        "[3] [4, 5]",
        "7 True True None False",
        "['ValueError', 'int']",
        "no result within timeout=0.01 s; pass a longer timeout, or None for no limit",
        "True",
    ], done.stderr


def test_a_pool_pickles_by_the_users_reducers(run_script):
    script = """
    from plait import compat
    compat.install("joblib")
    from joblib.pool import PicklingPool

    class Point:
        def __init__(self, x):
            self.x = x
        def __reduce__(self):
            raise TypeError("not by itself")

    def there(point):
        return Point, (point.x + 10,)

    def back(point):
        return Point, (point.x + 100,)

    def moved(point):
        return Point(point.x + 1)

    pool = PicklingPool(2, forward_reducers={Point: there}, backward_reducers={Point: back})
    print([point.x for point in pool.map(moved, [Point(0), Point(1)])])
    pool.terminate()
    """
    done = run_script(script)
    assert done.stdout == "[111, 112]\n", done.stderr


def test_questions_about_arrays_over_files(tmp_path):
    mapped = numpy.memmap(tmp_path / "data", dtype=float, shape=100, mode="w+")
    assert memmapping_reducer.has_shareable_memory(mapped[3:])
    assert memmapping_reducer._get_backing_memmap(numpy.asarray(mapped)[5:]) is mapped
    assert not memmapping_reducer.has_shareable_memory(mapped * 2)
    assert not memmapping_reducer.has_shareable_memory(numpy.ones(3))
    part = memmapping_reducer._strided_from_memmap(mapped.filename, float, "r", 8, "C", (5,), (24,), 99)
    assert (part == mapped[1:16:3]).all()


def test_the_reducer_of_arrays_over_files(tmp_path):
    mapped = numpy.memmap(tmp_path / "data", dtype=float, shape=100, mode="w+")
    reduce = memmapping_reducer.ArrayMemmapForwardReducer(None, None, "c", True)
    function, arguments = reduce(mapped[10:20])
    function(*arguments)[0] = 7
    assert mapped[10] == 7
    function, arguments = reduce(numpy.arange(5))
    assert list(function(*arguments)) == [0, 1, 2, 3, 4]


def test_where_files_would_be(tmp_path, monkeypatch):
    monkeypatch.delenv("JOBLIB_TEMP_FOLDER", raising=False)
    assert memmapping_reducer._get_temp_dir("name", str(tmp_path)) == (str(tmp_path / "name"), False)
    monkeypatch.setattr(memmapping_reducer, "SYSTEM_SHARED_MEM_FS_MIN_SIZE", 2**70)
    assert memmapping_reducer._get_temp_dir("name")[1] is False
    monkeypatch.setattr(memmapping_reducer, "SYSTEM_SHARED_MEM_FS_MIN_SIZE", 0)
    assert memmapping_reducer._get_temp_dir("name") == ("/dev/shm/name", True)
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    assert memmapping_reducer._get_temp_dir("name") == (str(tmp_path / "name"), False)


def test_a_pool_says_how_large_arrays_reach_its_calls():
    with MemmappingPool(2, max_nbytes=10) as large, MemmappingPool(2, max_nbytes=None) as none:
        for pool, expected in ((large, (True, False)), (none, (False, True))):
            assert pool.apply(_described, (numpy.ones(100),)) == expected


def _described(array):
    return isinstance(array, numpy.memmap), array.flags.writeable
