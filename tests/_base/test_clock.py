import time

import pytest

from plait._base import clock


def test_real_time_is_monotonic_time():
    before = time.monotonic_ns()
    assert before <= clock.now_ns() <= time.monotonic_ns()
    assert abs(clock.now() - time.monotonic()) < 10


def test_the_real_clock_does_not_jump():
    assert clock.jump(clock.now() + 3600) is False


def test_a_virtual_hour_takes_no_time():
    with clock.virtual():
        assert clock.now() == 0.0
        assert clock.jump(3600.0) is True
        assert clock.now() == 3600.0
        assert clock.now_ns() == 3600 * 10**9


def test_a_jump_into_the_past_stays():
    with clock.virtual(start_ns=5_000_000_000) as virtual:
        clock.jump(1.0)
        assert clock.now() == 5.0
        virtual.advance(0.5)
        assert clock.now() == 5.5


def test_the_virtual_clock_refuses_to_go_back():
    with clock.virtual() as virtual, pytest.raises(ValueError, match=r"seconds=-1 would move the clock back"):
        virtual.advance(-1)


def test_clocks_nest_and_are_put_back_after_an_error():
    with clock.virtual():
        clock.jump(10.0)
        with pytest.raises(RuntimeError), clock.virtual():
            assert clock.now() == 0.0
            raise RuntimeError
        assert clock.now() == 10.0
    assert clock.jump(clock.now()) is False
