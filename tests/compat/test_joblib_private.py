"""joblib's private modules and its testing tools, as programs know them."""

import sys

import pytest

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
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError
    from joblib.externals.loky.backend import resource_tracker
    set_loky_pickler("pickle")
    set_loky_pickler()
    try:
        set_loky_pickler("math")
    except AttributeError as error:
        print(error)
    print(cpu_count() == joblib.cpu_count(), issubclass(TerminatedWorkerError, BrokenProcessPool))
    print(joblib.externals.loky.backend.resource_tracker._resource_tracker._fd)
    """
    told = run_script(script)
    assert told.stdout == "module 'math' has no Pickler; pass 'cloudpickle' or 'pickle'\nTrue True\nNone\n", told.stderr
