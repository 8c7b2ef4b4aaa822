"""Tracebacks lose the frames of files that the user does not want to see."""

import traceback

import pytest

from plait.lazy import config
from plait.lazy.shortening import shorten_traceback


def inner():
    raise ValueError("here")


namespace = {"inner": inner}
exec(compile("def library():\n    inner()", "/some/library/file.py", "exec"), namespace)


def outer():
    namespace["library"]()


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (None, ["outer", "library", "inner"]),
        ([], ["outer", "library", "inner"]),
        (["no such"], ["outer", "library", "inner"]),
        (["no such", r"some[\\/]library"], ["outer", "inner"]),
        ([".*"], ["inner"]),
    ],
)
def test_frames_between_the_first_and_the_last_go(patterns, names):
    with config.set({"admin.traceback.shorten": patterns}):
        with pytest.raises(ValueError, match="here") as caught:
            with shorten_traceback():
                outer()
    shown = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert shown == ["test_frames_between_the_first_and_the_last_go", *names]


def test_a_traceback_of_one_frame_stays():
    with config.set({"admin.traceback.shorten": [".*"]}):
        with pytest.raises(ValueError, match="only") as caught:
            with shorten_traceback():
                raise ValueError("only")
    assert len(traceback.extract_tb(caught.value.__traceback__)) == 1
