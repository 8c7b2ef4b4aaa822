import errno
import os
import stat
import time

import pytest

from plait.lazy import config, scratch


@pytest.fixture
def folder(tmp_path):
    with config.set({"temporary-directory": str(tmp_path)}):
        yield tmp_path


def test_it_is_the_users_own_and_goes_with_all_that_is_in_it(folder):
    place = scratch.open_scratch()
    assert stat.S_IMODE(os.stat(place.path).st_mode) == 0o700
    with open(os.path.join(place.path, "file"), "wb", opener=scratch.private) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
    place.close()
    place.close()
    assert list(folder.iterdir()) == []


def test_it_goes_with_the_object_too(folder):
    place = scratch.open_scratch()
    assert os.path.isdir(place.path)
    del place
    assert list(folder.iterdir()) == []


def test_a_copy_does_not_own_it(folder):
    from copy import copy

    place = scratch.open_scratch()
    other = copy(place)
    other.close()
    del other
    assert os.path.isdir(place.path)
    place.close()


def test_a_forked_child_leaves_it(folder):
    place = scratch.open_scratch()
    child = os.fork()
    if not child:
        place.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert os.path.isdir(place.path)
    place.close()


def test_what_a_process_that_died_left_is_removed_by_the_next(run_script, folder):
    source = """
        import os, sys, signal
        from plait.lazy import config, scratch
        config.set({"temporary-directory": sys.argv[1]})
        place = scratch.open_scratch()
        open(os.path.join(place.path, "file"), "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run_script(source, str(folder)).returncode == -9
    (left,) = [path for path in folder.iterdir() if path.is_dir()]
    living = scratch.open_scratch()
    assert left.exists()  # it may be one that is not locked yet
    later = time.time() + 3600
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        newest = scratch.open_scratch()
    assert not left.exists()
    assert os.path.isdir(living.path)
    living.close()
    newest.close()


def test_where_no_space_is_left_the_remedy_is_said():
    error = scratch.explained(OSError(errno.ENOSPC, "none"), "/small", "values are written")
    assert error.errno == errno.ENOSPC
    assert "in /small, while values are written; free some, or set the option temporary-directory" in str(error)
    other = OSError(errno.EACCES, "closed")
    assert scratch.explained(other, "/small", "values are written") is other
