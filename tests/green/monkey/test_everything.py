"""patch_all and its parts: what they patch, in which order, how often, and what they tell."""

import itertools

import pytest

PARTS = ("os", "time", "thread", "socket", "select", "selectors", "ssl", "subprocess", "signal", "queue")


def test_patch_all_answers_what_it_did(run):
    lines = run(
        """
        from plait.green import monkey
        print(monkey.is_anything_patched(), monkey.patch_all(), monkey.patch_all(), monkey.is_anything_patched())
        """,
        patched=False,
    )
    assert lines == ["False True None True"]


def test_originals_can_be_had(run):
    lines = run("""
        import time
        sleep = monkey.get_original("time", "sleep")
        print(sleep is time.sleep, sleep.__module__, monkey.get_original("time", "sleep") is sleep)
        print(monkey.get_original("time", "monotonic") is time.monotonic)
        lock, ident = monkey.get_original(["no_such_module", "_thread"], ["allocate_lock", "get_ident"])
        print(type(lock()).__module__, ident.__module__)
    """)
    assert lines == ["False time True", "True", "_thread _thread"]


def test_it_can_be_asked_what_is_patched(run):
    lines = run("""
        print(monkey.is_module_patched("socket"), monkey.is_object_patched("socket", "create_connection"))
        print(monkey.is_module_patched("math"), monkey.is_object_patched("socket", "AF_INET"))
    """)
    assert lines == ["True True", "False False"]


def test_nothing_that_a_module_declares_stays_unpatched(run):
    lines = run("""
        from importlib import import_module
        for name in "os time thread threading socket select selectors ssl subprocess signal".split():
            green = import_module(f"plait.green.{name}")
            target = import_module(getattr(green, "__target__", name))
            for item in green.__implements__:
                if getattr(target, item) is not getattr(green, item):
                    print(name, item)
    """)
    assert lines == []


@pytest.mark.parametrize("order", [PARTS, PARTS[::-1], PARTS[5:] + PARTS[:5]], ids=["forth", "back", "cut"])
def test_the_order_of_patching_does_not_matter(run, order):
    program = "from plait.green import monkey\n" + "".join(f"monkey.patch_{part}()\n" for part in order)
    lines = run(
        program
        + """
import queue, select, socket, threading, time
seen = queue.Queue()
here, there = socket.socketpair()
def tick():
    time.sleep(0.001)
    here.send(b"x")
    seen.put(threading.get_native_id())
thread = threading.Thread(target=tick)
thread.start()
readable, _, _ = select.select([there], [], [], 30)
print(readable == [there], there.recv(1), seen.get() == threading.get_native_id())
thread.join()
""",
        patched=False,
    )
    assert lines == ["True b'x' True"]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_can_be_left_out(run, part):
    flag = "select" if part == "selectors" else part
    module, item = {
        "os": ("os", "fork"),
        "time": ("time", "sleep"),
        "thread": ("threading", "Lock"),
        "socket": ("socket", "socket"),
        "select": ("select", "select"),
        "selectors": ("selectors", "DefaultSelector"),
        "ssl": ("ssl", "get_server_certificate"),
        "subprocess": ("subprocess", "Popen"),
        "signal": ("signal", "signal"),
        "queue": ("queue", "Queue"),
    }[part]
    lines = run(
        f"""
        from plait.green import monkey
        monkey.patch_all({flag}=False)
        print(monkey.is_object_patched({module!r}, {item!r}))
        monkey.patch_{part}()
        print(monkey.is_object_patched({module!r}, {item!r}))
        """,
        patched=False,
    )
    assert lines == ["False", "True"]


def test_flags_of_threads_and_names(run):
    lines = run(
        """
        from plait.green import monkey
        monkey.patch_thread(Event=False, _threading_local=False, logging=False)
        monkey.patch_socket(dns=False)
        import _threading_local, threading
        print(monkey.is_object_patched("threading", "Event"), monkey.is_object_patched("threading", "Lock"))
        print(monkey.is_module_patched("_threading_local"), monkey.is_object_patched("socket", "getaddrinfo"))
        monkey.patch_dns()
        print(monkey.is_object_patched("socket", "getaddrinfo"))
        """,
        patched=False,
    )
    assert lines == ["False True", "False False", "True"]


def test_patching_again_adds_and_warns_where_the_arguments_differ(run):
    lines = run(
        """
        import warnings
        from plait.green import monkey
        monkey.patch_all(time=False)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            print(monkey.patch_all(), monkey.is_module_patched("time"))
            print(monkey.patch_all(socket=False), monkey.is_module_patched("socket"))
        print([(item.category.__name__, item.filename == __file__) for item in told])
        """,
        patched=False,
    )
    assert lines == ["True True", "None True", str([("MonkeyPatchWarning", True)] * 2)]


def test_events_come_in_order(run):
    lines = run(
        """
        from plait.green import events, monkey
        events.subscribers.append(lambda event: print(type(event).__name__, getattr(event, "module_name", "")))
        monkey.patch_all(**{name: False for name in (
            "socket", "dns", "select", "thread", "os", "ssl", "subprocess", "signal", "queue")}, mine=1)
        """,
        patched=False,
    )
    assert lines == [
        "GeventWillPatchAllEvent ",
        "GeventWillPatchModuleEvent time",
        "GeventDidPatchModuleEvent time",
        "GeventDidPatchBuiltinModulesEvent ",
        "GeventDidPatchAllEvent ",
    ]


def test_subscribers_can_veto_a_module_or_all_and_change_what_is_patched(run):
    lines = run(
        """
        from plait.green import events, monkey
        def veto(event):
            if isinstance(event, events.GeventWillPatchAllEvent) and event.patch_all_kwargs.get("never"):
                raise events.DoNotPatch
            if isinstance(event, events.GeventWillPatchModuleEvent):
                if event.module_name == "time":
                    raise events.DoNotPatch
                if event.module_name == "socket":
                    event.target_item_names.remove("create_connection")
        events.subscribers.append(veto)
        print(monkey.patch_all(never=True), monkey.is_anything_patched())
        print(monkey.patch_time(), monkey.is_module_patched("time"))
        print(monkey.patch_socket(), monkey.is_object_patched("socket", "create_connection"))
        """,
        patched=False,
    )
    assert lines == ["False False", "False False", "True False"]


def test_other_modules_can_be_patched_by_the_same_means(run):
    lines = run(
        """
        import types
        from plait.green import monkey
        target, source = types.ModuleType("target"), types.ModuleType("source")
        target.wait = lambda: "blocks"
        source.wait, source.__implements__ = (lambda: "parks"), ["wait"]
        source._gevent_will_monkey_patch = lambda module, items, warn: print("will", items)
        source._gevent_did_monkey_patch = lambda module, items, warn: print("did", items)
        print(monkey.patch_module(target, source), target.wait(), monkey.saved["target"]["wait"]())
        del source.__implements__
        try:
            monkey.patch_module(target, source)
        except AttributeError as error:
            print("__implements__" in str(error))
        monkey.remove_item(target, "wait")
        print(hasattr(target, "wait"), monkey.is_object_patched("target", "wait"))
        """,
        patched=False,
    )
    assert lines == ["will ['wait']", "did ['wait']", "True parks blocks", "True", "False True"]


def test_what_needs_no_patch_may_be_asked_for(run):
    calls = itertools.chain(["builtins", "contextvars", "sys"])
    program = "from plait.green import monkey\n" + "".join(f"print(monkey.patch_{name}())\n" for name in calls)
    assert run(program, patched=False) == ["None"] * 3


def test_time_sleep_refuses_what_it_always_refused(run):
    lines = run("""
        import time
        for wrong in (-1, "1"):
            try:
                time.sleep(wrong)
            except (TypeError, ValueError) as error:
                print(type(error).__name__)
    """)
    assert lines == ["ValueError", "TypeError"]
