import os
import pickle
import subprocess
import sys
import sysconfig
import textwrap
import threading
from pathlib import Path

import pytest

from plait import trace
from plait.trace import ring


@pytest.fixture(autouse=True)
def _off_afterwards():
    yield
    trace.stop()


def test_off_records_nothing():
    trace.stop()
    trace.emit("green", "wait", 1)
    with trace.span("green", "wait", 2):
        pass
    assert trace.stop() == []
    assert not trace.enabled()


def test_an_event_comes_back_with_all_its_fields():
    trace.start()
    assert trace.enabled()
    assert ring.enabled
    trace.emit("parallel", "task", 7, parent=3, begin_ns=10, end_ns=25, bytes=4096, name="square")
    (event,) = trace.stop()
    assert event == ("parallel", "task", 7, 3, threading.get_native_id(), 10, 25, 4096, "square")
    assert event.duration_ns == 15
    assert not ring.enabled


def test_begin_defaults_to_now_and_an_instant_has_no_length():
    trace.start()
    before = ring.now_ns()
    trace.emit("greenlet", "switch", 1)
    (event,) = trace.stop()
    assert before <= event.begin_ns <= ring.now_ns()
    assert event.end_ns == 0
    assert event.duration_ns == 0
    assert event.name is None


def test_a_span_covers_its_block_also_when_it_raises():
    trace.start()
    with pytest.raises(KeyError), trace.span("lazy", "node", 5, name="f"):
        inside = ring.now_ns()
        raise KeyError
    (event,) = trace.stop()
    assert event.begin_ns <= inside <= event.end_ns
    assert (event.layer, event.kind, event.id, event.name) == ("lazy", "node", 5, "f")


@pytest.mark.parametrize("wrong", [{"layer": 1}, {"kind": b"task"}, {"name": 3}])
def test_names_are_strings(wrong):
    trace.start()
    with pytest.raises(TypeError, match=f"{next(iter(wrong))}=.* is not a str"):
        trace.emit(**{"layer": "green", "kind": "wait", "id": 1} | wrong)
    assert trace.stop() == []


@pytest.mark.parametrize(
    ("args", "keywords", "message"),
    [
        (("green", "wait"), {}, "needs id"),
        (("green", "wait", 1), {"color": 1}, "no parameter 'color'"),
        (("green", "wait", 1), {"kind": "x"}, "kind twice"),
        (("green", "wait", 1, 2, 3, 4, 5, "name", 6), {}, "at most 8 arguments, got 9"),
        (("green", "wait", "one"), {}, "integer"),
    ],
)
def test_wrong_arguments_are_named(args, keywords, message):
    trace.start()
    with pytest.raises(TypeError, match=message):
        trace.emit(*args, **keywords)
    assert trace.stop() == []


def test_a_keyword_that_is_not_interned_is_known():
    trace.start()
    trace.emit("green", "wait", 1, **{"".join(["par", "ent"]): 5})
    assert trace.stop()[0].parent == 5


def test_events_are_sorted_by_their_beginning():
    trace.start()
    for begin_ns in (30, 10, 20):
        trace.emit("green", "wait", begin_ns, begin_ns=begin_ns)
    assert [event.id for event in trace.stop()] == [10, 20, 30]


def test_a_full_ring_overwrites_the_oldest_and_counts():
    trace.start(capacity=8)
    for i in range(20):
        trace.emit("green", "wait", i, name=f"event {i}")
    assert trace.dropped() == 12
    assert [(event.id, event.name) for event in trace.stop()] == [(i, f"event {i}") for i in range(12, 20)]


def test_capacity_is_rounded_up_to_a_power_of_two():
    trace.start(capacity=5)
    for i in range(9):
        trace.emit("green", "wait", i)
    assert trace.dropped() == 1
    assert len(trace.stop()) == 8


@pytest.mark.parametrize("capacity", [0, -1, 2**28 + 1])
def test_an_impossible_capacity_is_refused_and_recording_goes_on(capacity):
    trace.start()
    trace.emit("green", "wait", 1)
    with pytest.raises(ValueError, match=f"capacity={capacity} is not between"):
        trace.start(capacity)
    assert len(trace.stop()) == 1


def test_the_ring_lets_names_go():
    name = "a name of its own" + str(os.getpid())
    before = sys.getrefcount(name)
    trace.start(capacity=4)
    for i in range(10):
        trace.emit("green", "wait", i, name=name)
    assert sys.getrefcount(name) == before + 4
    events = trace.stop()
    assert sys.getrefcount(name) == before + 4
    del events
    assert sys.getrefcount(name) == before
    trace.start(capacity=4)
    trace.emit("green", "wait", 1, name=name)
    trace.start()
    assert sys.getrefcount(name) == before


def test_each_thread_has_a_ring_that_outlives_it():
    trace.start(capacity=64)
    workers = {}

    def work(number):
        workers[number] = threading.get_native_id()
        for i in range(100):
            trace.emit("parallel", "task", i, parent=number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = trace.stop()
    assert trace.dropped() == 4 * 36
    for number, worker in workers.items():
        own = [event for event in events if event.parent == number]
        assert {event.worker for event in own} == {worker}
        assert sorted(event.id for event in own) == list(range(36, 100))


def test_a_thread_that_emitted_in_one_session_emits_in_the_next():
    go, done = threading.Semaphore(0), threading.Semaphore(0)

    def work():
        for i in range(3):
            go.acquire()
            trace.emit("parallel", "task", i)
            done.release()

    thread = threading.Thread(target=work)
    thread.start()
    for i in range(3):
        trace.start()
        go.release()
        done.acquire()
        assert [event.id for event in trace.stop()] == [i]
    thread.join()


def test_drain_takes_events_and_recording_goes_on():
    trace.start()
    trace.emit("green", "wait", 1)
    first = trace.drain()
    trace.emit("green", "wait", 2)
    assert [raw[2] for raw in first] == [1]
    assert type(first[0]) is tuple
    assert [event.id for event in trace.stop()] == [2]


def test_absorbed_events_are_merged_by_time():
    trace.start()
    trace.emit("parallel", "loop", 1, begin_ns=20)
    foreign = [("parallel", "task", 2, 1, 99, 10, 15, 0, "f"), ("parallel", "task", 3, 1, 99, 30, 35, 0, None)]
    trace.absorb(pickle.loads(pickle.dumps(foreign)))
    assert [(event.id, event.worker == 99) for event in trace.stop()] == [(2, True), (1, False), (3, True)]


def test_absorbing_while_off_keeps_nothing():
    trace.stop()
    trace.absorb([("parallel", "task", 2, 1, 99, 10, 15, 0, "f")])
    trace.start()
    assert trace.stop() == []


def test_another_process_ships_its_events(run_script):
    result = run_script("""
        import multiprocessing, os
        from plait import trace

        def work(i):
            trace.start()
            with trace.span("parallel", "task", i):
                pass
            return os.getpid(), trace.drain()

        if __name__ == "__main__":
            trace.start()
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                pid, events = pool.apply(work, (5,))
            trace.absorb(events)
            (event,) = trace.stop()
            assert event.id == 5 and event.begin_ns < event.end_ns, event
            assert event.worker != os.getpid()
            print("shipped")
    """)
    assert result.stdout == "shipped\n", result.stderr


def test_a_forked_child_forgets_its_parents_events_and_goes_on(run_script):
    result = run_script("""
        import os, threading
        from plait import trace

        trace.start()
        trace.emit("green", "wait", 1)
        pid = os.fork()
        if pid == 0:
            trace.emit("green", "wait", 2)
            (event,) = trace.stop()
            os._exit(0 if event.id == 2 and event.worker == threading.get_native_id() == os.getpid() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert [event.id for event in trace.stop()] == [1]
        print("both kept their own")
    """)
    assert result.stdout == "both kept their own\n", result.stderr


def test_a_finalizer_may_emit_while_events_are_collected():
    class Emits:
        def __init__(self):
            self.cycle = self

        def __del__(self):
            trace.emit("green", "wait", 2)

    trace.start()
    for _ in range(2000):
        trace.emit("green", "wait", 1)
        Emits()
    assert sum(event.id == 1 for event in trace.stop()) == 2000


C_CALLER = """
#include "ring.h"

static const PlaitTrace_API *trace;

static PyObject *switches(PyObject *self, PyObject *count)
{
    PyObject *layer = PyUnicode_InternFromString("greenlet"), *kind = PyUnicode_InternFromString("switch");
    for (long i = 0; i < PyLong_AsLong(count); i++)
        if (PlaitTrace_ON(trace))
            trace->emit(layer, kind, i, i - 1, trace->now_ns(), 0, 0, NULL);
    Py_DECREF(layer);
    Py_DECREF(kind);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"switches", switches, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "caller", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_caller(void)
{
    trace = PlaitTrace_Import();
    return trace == NULL ? NULL : PyModule_Create(&definition);
}
"""


def test_c_callers_emit_through_the_capsule(tmp_path, run_script):
    headers = Path(__file__).parents[2] / "src/plait/trace/_native"
    (tmp_path / "caller.c").write_text(C_CALLER)
    compiler = sysconfig.get_config_var("CC").split()
    includes = [f"-I{headers}", f"-I{sysconfig.get_paths()['include']}"]
    subprocess.run(
        [*compiler, "-shared", "-fPIC", "-Wall", "-Werror", *includes, "caller.c", "-o", "caller.so"],
        cwd=tmp_path,
        check=True,
    )
    result = run_script(
        textwrap.dedent("""
        import sys
        import caller
        from plait import trace

        caller.switches(5)
        trace.start()
        caller.switches(3)
        events = trace.stop()
        assert [(e.layer, e.kind, e.id, e.parent, e.name) for e in events] == [
            ("greenlet", "switch", 0, -1, None), ("greenlet", "switch", 1, 0, None), ("greenlet", "switch", 2, 1, None)
        ], events
        print("emitted from C")
        """)
    )
    assert result.stdout == "emitted from C\n", result.stderr
