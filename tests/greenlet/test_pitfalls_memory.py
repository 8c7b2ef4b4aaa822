"""Memory that runs out is a MemoryError, never a crash, and the process is usable afterwards; the knobs of stack.c."""

import os
import signal
import sys

import pytest

from plait.greenlet import stats

SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
measures_memory = pytest.mark.skipif(SANITIZED, reason="AddressSanitizer keeps memory of its own")

PARK = """
import gc
from plait.greenlet import getcurrent, greenlet, stats

main = getcurrent()

def run(n):
    got = main.switch(n)
    return got + n

def park(count):
    parked = [greenlet(run) for _ in range(count)]
    assert [one.switch(n) for n, one in enumerate(parked)] == list(range(count))
    return parked

def finish(parked):
    assert [one.switch(1) for one in parked] == list(range(1, len(parked) + 1))
    assert all(one.dead for one in parked)
"""


def guarded_by_madvise():
    return stats()["guard"] == "madvise"


# Limits of the kernel -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [0, 4])
def test_40_000_greenlets_without_the_madvise_guard(depth, run_script):
    """A guard by mprotect costs two mappings a stack, and vm.max_map_count is 65530 by default. Small stacks share
    early what deeper ones fill one by one."""
    done = run_script(
        PARK
        + """
import sys

def beneath(depth):
    return main.switch() if depth == 0 else sorted([0], key=lambda _: beneath(depth - 1) or 0)

parked = [greenlet(beneath) for _ in range(40_000)]
for one in parked:
    one.switch(int(sys.argv[1]))
mappings = len(open("/proc/self/maps").readlines())
limit = int(open("/proc/sys/vm/max_map_count").read())
assert all(parked)
for one in parked:
    one.switch(0)
assert all(one.dead for one in parked)
assert stats()["guard"] == "mprotect"
print("done", mappings < min(limit, 65530))
""",
        str(depth),
        PLAIT_GUARD="mprotect",
    )
    assert done.stdout == "done True\n", f"exit {done.returncode}: {done.stdout} {done.stderr[-2000:]}"


@pytest.mark.parametrize("guard", ["auto", "mprotect", "none"])
def test_every_kind_of_guard_serves(guard, run_script):
    done = run_script(PARK + "finish(park(500)); print(stats()['guard'])", PLAIT_GUARD=guard)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ({"madvise", "mprotect"} if guard == "auto" else {guard})


def test_many_stacks_take_few_mappings(run_script):
    if not guarded_by_madvise():
        pytest.skip("this kernel has no MADV_GUARD_INSTALL")
    done = run_script(
        PARK
        + """
def beneath(depth):
    return main.switch() if depth == 0 else sorted([0], key=lambda _: beneath(depth - 1) or 0)

def mapped():
    return len(open("/proc/self/maps").readlines())

before = mapped()
parked = [greenlet(beneath) for _ in range(20_000)]
for one in parked:
    one.switch(5)
assert stats()["slots"] >= 20_000, stats()
print(mapped() - before)
"""
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50


@measures_memory
def test_a_limit_on_address_space_is_a_memory_error_and_what_lives_goes_on(run_script):
    done = run_script(
        PARK
        + """
import resource

def beneath(depth):
    return main.switch() if depth == 0 else sorted([0], key=lambda _: beneath(depth - 1) or 0)

def address_space():
    return int(open("/proc/self/statm").read().split()[0]) * 4096

first = park(10)
reserve = bytearray(64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (address_space() + (256 << 20), resource.RLIM_INFINITY))
more = []
try:
    for _ in range(1_000_000):
        one = greenlet(beneath)
        one.switch(3)
        more.append(one)
    print("no limit met")
except MemoryError:
    print("refused", len(more) > 10)
del reserve
alive = len(more)
assert all(more)
for one in more:
    one.switch(0)
assert all(one.dead for one in more)
more.clear()
finish(first)
finish(park(alive))
print("usable")
"""
    )
    assert done.stdout == "refused True\nusable\n", f"exit {done.returncode}: {done.stderr[-2000:]}"


def test_a_start_that_fails_for_memory_leaves_the_greenlet_to_be_started_later(run_script):
    done = run_script(
        """
        import resource
        from plait.greenlet import greenlet

        def address_space():
            return int(open("/proc/self/statm").read().split()[0]) * 4096

        one = greenlet(lambda value: value)
        unlimited = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (address_space(), unlimited[1]))
        try:
            one.switch("too early")
        except MemoryError:
            print("refused")
        print(one.dead, bool(one))
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
        print(one.switch("now"))
        """
    )
    assert done.stdout == "refused\nFalse False\nnow\n", f"exit {done.returncode}: {done.stderr[-2000:]}"


def test_a_cap_that_is_reached_evicts_rather_than_fails(run_script):
    done = run_script(
        PARK + "parked = park(5000); print(stats()['slots'], stats()['evictions'] > 0); finish(parked)",
        PLAIT_MAX_STACKS="100",
    )
    assert done.stdout == "100 True\n", done.stderr


@measures_memory
def test_the_guard_stops_what_overruns_its_stack(run_script):
    """Iterators within iterators recurse through C and CPython counts nothing. Ten stacks lie below this small one, so
    that overrunning it would write to theirs and go on: it must fault."""
    done = run_script(
        PARK
        + """
neighbours = park(10)

def run():
    deep = iter([0])
    for _ in range(4000):
        deep = map(int, deep)
    return list(deep)

greenlet(run).switch()
print("ran on")
""",
        PLAIT_STACK_SIZE=str(128 * 1024),
    )
    assert done.returncode == -signal.SIGSEGV, f"exit {done.returncode}: {done.stdout} {done.stderr[-500:]}"


# What is given back ---------------------------------------------------------------------------------------------


def resident_mb(script, run_script, **environment):
    done = run_script(
        PARK
        + """
def resident():
    fields = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(fields["VmRSS"].split()[0]) / 1024
"""
        + script,
        **environment,
    )
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


def test_stacks_are_reused(run_script):
    done = run_script(
        PARK
        + """
for _ in range(1000):
    finish(park(3))
print(stats()["slots"], stats()["used"])
"""
    )
    assert done.stdout == "3 0\n", done.stderr


@measures_memory
def test_the_pages_of_many_free_stacks_are_given_back(run_script):
    before, most, after = resident_mb(
        """
def beneath(depth):
    return main.switch() if depth == 0 else sorted([0], key=lambda _: beneath(depth - 1) or 0)

print(resident())
parked = [greenlet(beneath) for _ in range(10_000)]
for one in parked:
    one.switch(10)
print(resident())
for one in parked:
    one.switch(0)
parked.clear()
gc.collect()
print(resident())
""",
        run_script,
    )
    assert most - before > 200
    assert after - before < (most - before) / 2


@measures_memory
def test_a_deep_excursion_does_not_keep_its_pages_forever(run_script):
    before, after = resident_mb(
        """
def beneath(depth):
    return 0 if depth == 0 else sorted([0], key=lambda _: beneath(depth - 1) or 0)

greenlet(beneath).switch(150)
print(resident())
for _ in range(100):
    parked = [greenlet(run) for _ in range(100)]
    for one in parked:
        one.switch(1)
    greenlet(beneath).switch(150)
    for one in parked:
        one.switch(1)
print(resident())
""",
        run_script,
    )
    assert after - before < 30


@measures_memory
def test_an_endless_recursion_leaves_no_data_chunks_behind(run_script):
    before, after = resident_mb(
        """
def forever():
    forever()

def once():
    try:
        greenlet(forever).switch()
    except RecursionError:
        pass

for _ in range(20):
    once()
print(resident())
for _ in range(300):
    once()
print(resident())
""",
        run_script,
    )
    assert after - before < 10


@measures_memory
def test_greenlets_dropped_while_deep_leave_no_data_chunks_behind(run_script):
    before, after = resident_mb(
        """
def dig(n):
    return main.switch() if n == 0 else dig(n - 1)

def once():
    one = greenlet(dig)
    one.switch(800)
    del one

for _ in range(50):
    once()
print(resident())
for _ in range(2000):
    once()
print(resident())
""",
        run_script,
    )
    assert after - before < 10


# Knobs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLAIT_STACK_SIZE", "many"),
        ("PLAIT_STACK_SIZE", "300000"),
        ("PLAIT_STACK_SIZE", "4096"),
        ("PLAIT_STACK_SIZE", "-1"),
        ("PLAIT_STACK_SIZE", "1e6"),
        ("PLAIT_MAX_STACKS", "0"),
        ("PLAIT_MAX_STACKS", "ten"),
        ("PLAIT_MAX_STACKS", "-5"),
        ("PLAIT_GUARD", "sometimes"),
    ],
)
def test_a_wrong_knob_is_an_error_that_names_it_and_its_value(name, value, run_script):
    done = run_script("import plait.greenlet", **{name: value})
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert name in last
    assert value in last


@pytest.mark.parametrize(("name", "value"), [("PLAIT_STACK_SIZE", ""), ("PLAIT_MAX_STACKS", ""), ("PLAIT_GUARD", "")])
def test_an_empty_knob_is_the_default(name, value, run_script):
    done = run_script("from plait.greenlet import stats; print(stats()['slot_bytes'])", **{name: value})
    assert int(done.stdout) == stats()["slot_bytes"] or "PLAIT_STACK_SIZE" in os.environ


def test_the_size_of_a_stack_is_what_was_asked_for(run_script):
    done = run_script(PARK + "finish(park(10)); print(stats()['slot_bytes'])", PLAIT_STACK_SIZE=str(1 << 22))
    assert done.stdout == f"{1 << 22}\n", done.stderr


# Debug builds ---------------------------------------------------------------------------------------------------


def debug_build():
    return hasattr(sys.modules["plait.greenlet._core"], "fail_allocation")


@pytest.mark.skipif(not debug_build(), reason="only a debug build can make an allocation fail")
def test_every_allocation_may_fail(run_script):
    """The n-th allocation from now fails, for each n up to where a whole round passes untouched."""
    done = run_script(
        PARK
        + """
from plait.greenlet._core import fail_allocation

def rounds():
    parked = park(6)
    for _ in range(2):
        other = greenlet(lambda: [one.switch(0) for one in park(3)])
        other.switch()
    finish(parked)

failures = 0
for n in range(1, 500):
    fail_allocation(n)
    try:
        rounds()
    except MemoryError:
        failures += 1
        fail_allocation(0)
    else:
        fail_allocation(0)
        break
    gc.collect()
    rounds()
else:
    print("never passed")
print("done", failures > 0)
""",
        PLAIT_MAX_STACKS="2",
        timeout=100,
    )
    assert done.stdout == "done True\n", f"exit {done.returncode}: {done.stdout} {done.stderr[-2000:]}"
