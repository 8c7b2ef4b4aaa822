"""Greenlets that share a slot: evicted to the heap and brought back, and everything that may look at them meanwhile.

Each runs in a process of its own with PLAIT_MAX_STACKS=2, so that every greenlet is soon evicted by another.
"""

import pytest

PRELUDE = """
import gc, sys, threading, traceback, weakref
from plait.greenlet import GreenletExit, getcurrent, greenlet, stats

main = getcurrent()

def crowd(count=20):
    "Start and park enough others that all before them are evicted."
    others = [greenlet(lambda: main.switch()) for _ in range(count)]
    for one in others:
        one.switch()
    return others
"""


@pytest.fixture
def evicting(run_script):
    def run(source, expected, **environment):
        done = run_script(PRELUDE + source, **{"PLAIT_MAX_STACKS": "2", **environment})
        assert done.stdout == expected, f"exit {done.returncode}: {done.stdout}\n{done.stderr[-3000:]}"

    return run


def test_values_and_locals_survive(evicting):
    evicting(
        """
def run(n):
    numbers = [n, n + 1]
    text = f"{n}"
    while True:
        got = main.switch(numbers[0] + int(text))
        numbers[0] += got

greenlets = [greenlet(run) for _ in range(50)]
assert [one.switch(n) for n, one in enumerate(greenlets)] == [2 * n for n in range(50)]
for turn in range(1, 20):
    assert [one.switch(1) for one in greenlets] == [2 * n + turn for n in range(50)]
assert stats()["slots"] == 2
assert stats()["evictions"] > 500
print("done")
""",
        "done\n",
    )


def test_two_tenants_of_one_slot_switch_to_each_other(evicting):
    """The current greenlet stands where its target must return to."""
    evicting(
        """
log = []
ring = []

def run(n):
    main.switch()
    for _ in range(100):
        log.append(n)
        ring[(n + 1) % 3].switch()
    main.switch("end")

ring += [greenlet(run) for _ in range(3)]
for n, one in enumerate(ring):
    one.switch(n)
others = crowd(5)
print(ring[0].switch(), log == [0, 1, 2] * 100, stats()["restores"] > 100)
""",
        "end True True\n",
    )


def test_exceptions_cross_evicted_greenlets(evicting):
    evicting(
        """
trail = []
bottom = []

def run(depth):
    try:
        if depth == 0:
            bottom.append(getcurrent())
            main.switch("deepest")
            raise ValueError("from the bottom")
        return greenlet(run).switch(depth - 1)
    finally:
        trail.append(depth)

one = greenlet(run)
print(one.switch(30))
others = crowd()
try:
    bottom[0].switch()  # `one` waits for its child, and that for its own
except ValueError as failure:
    names = [entry.name for entry in traceback.extract_tb(failure.__traceback__)]
    print(failure, names.count("run"), trail == list(range(31)), one.dead)
""",
        "deepest\nfrom the bottom 31 True True\n",
    )


def test_gr_frame_and_tracebacks_of_an_evicted_greenlet(evicting):
    evicting(
        """
def inner(token):
    main.switch()
    return token

def outer():
    return inner("token")

one = greenlet(outer)
one.switch()
others = crowd()
frame = one.gr_frame
names = []
while frame is not None:
    names.append((frame.f_code.co_name, sorted(frame.f_locals)))
    frame = frame.f_back
print(names)
kept = one.gr_frame
others += crowd()
print(kept.f_locals, kept.f_lineno - kept.f_code.co_firstlineno, kept.f_back.f_code.co_name)
print(one.switch())
print(kept.f_locals, kept.f_code.co_name)
""",
        "[('inner', ['token']), ('outer', [])]\n{'token': 'token'} 1 outer\ntoken\n{'token': 'token'} inner\n",
    )


def test_a_frame_object_taken_before_the_eviction_reads_true_afterwards(evicting):
    evicting(
        """
frames = []

def run(value):
    frames.append(sys._getframe())
    main.switch()
    value = value + "!"
    main.switch()
    return value

one = greenlet(run)
one.switch("v")
others = crowd()
print(frames[0].f_locals)
one.switch()
others += crowd()
print(frames[0].f_locals)
print(one.switch())
others += crowd()
print(frames[0].f_locals, frames[0].f_back)
""",
        "{'value': 'v'}\n{'value': 'v!'}\nv!\n{'value': 'v!'} None\n",
    )


def test_generators_of_an_evicted_greenlet_have_their_frames(evicting):
    evicting(
        """
generators = []

def numbers():
    main.switch()
    yield 1

def run():
    generators.append(numbers())
    return next(generators[0])

one = greenlet(run)
one.switch()
others = crowd()
frame = generators[0].gi_frame
print(frame.f_back.f_code.co_name, frame.f_back.f_back)
others += crowd()
print(frame.f_code.co_name, generators[0].gi_running)
try:
    next(generators[0])
except ValueError as refused:
    print(refused)
print(one.switch())
print(generators[0].gi_frame.f_back)
""",
        "run None\nnumbers True\ngenerator already executing\n1\nNone\n",
    )


def test_coroutines_of_an_evicted_greenlet_have_their_frames(evicting):
    evicting(
        """
coroutines = {}

async def inner():
    main.switch()
    return 5

async def outer():
    coroutines["inner"] = inner()
    return await coroutines["inner"]

def run():
    coroutines["outer"] = outer()
    try:
        coroutines["outer"].send(None)
    except StopIteration as end:
        return end.value

one = greenlet(run)
one.switch()
others = crowd()
print([coroutines[name].cr_frame.f_code.co_name for name in ("outer", "inner")])
print([coroutines[name].cr_frame.f_back.f_code.co_name for name in ("outer", "inner")])
others += crowd()
print(one.switch())
""",
        "['outer', 'inner']\n['run', 'outer']\n5\n",
    )


def test_a_greenlet_with_many_data_chunks_is_evicted(evicting):
    evicting(
        """
def dig(n, *more):
    if n:
        return dig(n - 1, n, n, n) + 1
    main.switch("deep")
    return 0

greenlets = [greenlet(dig) for _ in range(10)]
print({one.switch(500) for one in greenlets})
print({one.switch() for one in greenlets}, stats()["evictions"] > 5)
""",
        "{'deep'}\n{500} True\n",
    )


def test_deep_c_stacks_are_evicted(evicting):
    evicting(
        """
def dig(n):
    if n == 0:
        main.switch("deep")
        return 0
    return sorted([0], key=lambda _: dig(n - 1) or 0)[0] + n

greenlets = [greenlet(dig) for _ in range(10)]
print({one.switch(100) for one in greenlets})
print({one.switch() for one in greenlets}, stats()["evictions"] > 5)
""",
        "{'deep'}\n{100} True\n",
    )


def test_a_child_ends_into_an_evicted_parent(evicting):
    evicting(
        """
def parent():
    got = main.switch("parent parked")
    return ("parent got", got)

above = greenlet(parent)
above.switch()
below = greenlet(lambda: main.switch() or "child result", parent=above)
below.switch()
others = crowd()
print(below.switch(), below.dead, above.dead)
""",
        "('parent got', 'child result') True True\n",
    )


def test_a_child_ends_into_a_parent_that_shares_its_slot(evicting):
    evicting(
        """
results = []

def parent(n):
    while True:
        results.append(main.switch())

for n in range(40):
    above = greenlet(parent)
    above.switch(n)
    below = [greenlet(lambda k=k: main.switch() or k, parent=above) for k in range(6)]
    for one in below:
        one.switch()
    for one in below:
        one.switch()
    above.throw()
print(results == list(range(6)) * 40)
""",
        "True\n",
    )


def test_an_evicted_greenlet_that_is_dropped_runs_its_finally(evicting):
    evicting(
        """
log = []

def run(n):
    try:
        main.switch()
    finally:
        log.append(n)

for n in range(10):
    one = greenlet(run)
    one.switch(n)
    others = crowd(6)
    del one
    assert log[-1] == n
del others
print(log == list(range(10)), stats()["used"])
""",
        "True 0\n",
    )


def test_an_exception_thrown_into_an_evicted_greenlet(evicting):
    evicting(
        """
def run():
    try:
        main.switch()
    except ValueError as failure:
        return [entry.name for entry in traceback.extract_tb(failure.__traceback__)], failure.args

one = greenlet(run)
one.switch()
others = crowd()
print(one.throw(ValueError, "thrown"))
""",
        "(['run'], ('thrown',))\n",
    )


def test_handled_exceptions_and_contexts_survive(evicting):
    evicting(
        """
import contextvars
variable = contextvars.ContextVar("variable")

def run(n):
    variable.set(n)
    try:
        raise ValueError(n)
    except ValueError:
        main.switch()
        return sys.exc_info()[1].args[0], variable.get()

greenlets = [greenlet(run) for _ in range(30)]
for n, one in enumerate(greenlets):
    one.switch(n)
print([one.switch() for one in greenlets] == [(n, n) for n in range(30)])
""",
        "True\n",
    )


def test_trace_functions_hold_where_slots_are_reused(evicting):
    """3.11 keeps a flag on the C stack that says whether to trace: read from a slot that others use by now, it would be
    anything."""
    evicting(
        """
calls = []

def tracer(frame, event, _):
    if frame.f_code.co_name == "traced":
        calls.append(event)
    return tracer

def traced():
    pass

def run(n):
    for _ in range(5):
        main.switch()
        traced()

def round(on):
    calls.clear()
    greenlets = [greenlet(run) for _ in range(30)]
    for n, one in enumerate(greenlets):
        one.switch(n)
    for turn in range(5):
        sys.settrace(tracer if on else None)
        for one in greenlets:
            one.switch()
        sys.settrace(None)
    assert all(one.dead for one in greenlets)
    return calls.count("call"), calls.count("return")

print(round(True), round(False), round(True))
""",
        "(150, 150) (0, 0) (150, 150)\n",
    )


def test_tracing_that_flips_at_every_switch(evicting):
    evicting(
        """
seen = []

def tracer(frame, event, _):
    seen.append(frame.f_code.co_name)

def called_on():
    pass

def called_off():
    pass

def run():
    while True:
        called_on() if sys.gettrace() else called_off()
        main.switch()

greenlets = [greenlet(run) for _ in range(25)]
for turn in range(40):
    for n, one in enumerate(greenlets):
        sys.settrace(tracer if (n + turn) % 2 else None)
        one.switch()
sys.settrace(None)
print(seen.count("called_on") == 500, seen.count("called_off"))
""",
        "True 0\n",
    )


def test_threads_do_not_share_slots(evicting):
    evicting(
        """
def work(results):
    here = getcurrent()

    def run(n):
        total = n
        while True:
            total += here.switch(total)

    greenlets = [greenlet(run) for _ in range(30)]
    for n, one in enumerate(greenlets):
        one.switch(n)
    for _ in range(50):
        last = [one.switch(1) for one in greenlets]
    results.append(last == [n + 50 for n in range(30)])

results = []
threads = [threading.Thread(target=work, args=(results,)) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results == [True] * 6)
""",
        "True\n",
    )


def test_collections_while_all_are_evicted(evicting):
    evicting(
        """
class Token:
    pass

refs = []

def run():
    token = Token()
    refs.append(weakref.ref(token))
    cycle = [token]
    cycle.append(cycle)
    main.switch()
    gc.collect()
    return type(cycle[0]).__name__

greenlets = [greenlet(run) for _ in range(30)]
for one in greenlets:
    one.switch()
gc.collect()
print(all(ref() for ref in refs), {one.switch() for one in greenlets})
gc.collect()
print(any(ref() for ref in refs))
""",
        "True {'Token'}\nFalse\n",
    )


def test_the_thread_of_evicted_greenlets_may_end(evicting):
    evicting(
        """
left = []

def work():
    here = getcurrent()
    for _ in range(30):
        one = greenlet(lambda: here.switch())
        one.switch()
        left.append(one)

thread = threading.Thread(target=work)
thread.start()
thread.join()
print(all(one.dead for one in left))
left.clear()
gc.collect()
print(stats()["used"])
""",
        "True\n0\n",
    )


def test_unfinished_evicted_greenlets_at_exit(evicting):
    evicting("others = crowd(30); print('leaving')", "leaving\n")


@pytest.mark.parametrize("stacks", ["2", "3", "7"])
def test_a_ping_pong_among_many(stacks, evicting):
    evicting(
        """
import random
random.seed(1)
count = 40
visits = [0] * count

def run(me):
    while True:
        visits[me] += 1
        if sum(visits) >= 20_000:
            main.switch()
        greenlets[random.randrange(count)].switch(me)

greenlets = [greenlet(run) for _ in range(count)]
for n in range(count):
    greenlets[n].parent = main
main_visits = 0
greenlets[0].switch(0)
print(sum(visits) >= 20_000, stats()["slots"])
""",
        f"True {stacks}\n",
        PLAIT_MAX_STACKS=stacks,
    )
