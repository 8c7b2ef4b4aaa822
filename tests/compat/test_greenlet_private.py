"""The names of greenlet's private module."""

import signal
import subprocess
import sys
import threading

import pytest

from plait.compat import greenlet_private as private
from plait.greenlet import getcurrent, greenlet


def test_the_classes_are_the_cores():
    assert private.greenlet is greenlet
    assert private.getcurrent is getcurrent


def test_main_greenlets_are_counted_by_thread():
    before = private.get_total_main_greenlets()
    inside, leave = threading.Event(), threading.Event()

    def hold():
        getcurrent()
        inside.set()
        leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    assert private.get_total_main_greenlets() == before + 1
    leave.set()
    thread.join()
    assert private.get_total_main_greenlets() == before
    assert private.get_pending_cleanup_count() == 0


def test_the_optional_cleanup_costs_nothing_and_can_be_disabled():
    assert private.get_clocks_used_doing_optional_cleanup() == 0
    private.enable_optional_cleanup(False)
    try:
        assert private.get_clocks_used_doing_optional_cleanup() is None
    finally:
        private.enable_optional_cleanup(True)
    assert private.get_clocks_used_doing_optional_cleanup() == 0


def test_a_thread_keeps_what_it_is_given():
    class Kept: ...

    gone = threading.Event()

    def keep():
        value = Kept()
        value.__class__.__del__ = lambda self: gone.set()
        private.set_thread_local("key", value)

    thread = threading.Thread(target=keep)
    thread.start()
    thread.join()
    assert gone.wait(10)


def test_a_switch_that_is_made_to_fail_raises_and_can_be_tried_again():
    done = []

    def run():
        done.append(1)
        getcurrent().parent.switch()
        done.append(2)

    unswitchable = private.UnswitchableGreenlet(run)
    unswitchable.force_switch_error = True
    with pytest.raises(SystemError, match=r"Failed to switch stacks into a greenlet for the first time\."):
        unswitchable.switch()
    unswitchable.force_switch_error = False
    unswitchable.switch()
    unswitchable.force_switch_error = True
    with pytest.raises(SystemError, match=r"Failed to switch stacks into a running greenlet\."):
        unswitchable.switch()
    assert done == [1]
    unswitchable.force_switch_error = False
    unswitchable.switch()
    assert done == [1, 2]


def test_a_switch_that_is_made_to_damage_the_stack_aborts():
    source = """
from plait.compat.greenlet_private import UnswitchableGreenlet
unswitchable = UnswitchableGreenlet(print)
unswitchable.force_slp_switch_error = True
unswitchable.switch("switched")
"""
    result = subprocess.run([sys.executable, "-c", source], check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (-signal.SIGABRT, "")
