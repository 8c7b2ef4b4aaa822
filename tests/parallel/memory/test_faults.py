"""Caches under faults: damage is computed again, equal calls compute once, and nothing half-written stays."""

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy
import pytest

from plait import green
from plait.parallel import Memory, Parallel, delayed, expires_after
from plait.parallel.memory import CacheWarning
from plait.parallel.memory.locks import entry_lock

runs = []


def array_of(x):
    runs.append(x)
    return numpy.full(100_000, float(x))


def small(x):
    runs.append(x)
    return {"value": x}


def write_down(path):
    with open(path, "a") as file:
        file.write("ran\n")
    time.sleep(0.2)
    return 7


def die_first(writer, folder):
    if not os.path.exists(f"{folder}/second"):
        os.write(writer, b".")
        signal.pause()
    return "computed"


def files(memory, name):
    return list(Path(memory.store_backend.location).rglob(name))


@pytest.fixture
def memory(tmp_path):
    runs.clear()
    return Memory(str(tmp_path), verbose=0)


@pytest.mark.parametrize("function", [small, array_of])
@pytest.mark.parametrize("place", [0.3, 0.5, 0.9, 0.999])
def test_a_flipped_bit_is_seen_and_computed_again(memory, function, place, caplog):
    cached = memory.cache(function)
    expected = cached(1)
    (file,) = files(memory, "output.pkl")
    data = bytearray(file.read_bytes())
    data[int((len(data) - 25) * place)] ^= 4
    file.write_bytes(data)
    assert numpy.all(cached(1) == expected)
    assert len(runs) == 2
    assert "it is damaged" in caplog.text
    cached(1)
    assert len(runs) == 2


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_value_is_computed_again(memory, kept, caplog):
    cached = memory.cache(array_of)
    cached(2)
    (file,) = files(memory, "output.pkl")
    os.truncate(file, int(file.stat().st_size * kept))
    assert (cached(2) == 2).all()
    assert runs == [2, 2]
    assert "Exception while loading results for array_of(2)" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"duration": 1}), json.dumps({"time": "yesterday"})])
def test_notes_that_make_no_sense_are_an_expired_result(memory, text):
    cached = memory.cache(small, cache_validation_callback=expires_after(days=1))
    cached(1)
    (file,) = files(memory, "metadata.json")
    file.write_text(text)
    assert cached(1) == {"value": 1}
    assert runs == [1, 1]
    assert cached(1) == {"value": 1}
    assert runs == [1, 1]


def test_a_damaged_value_behind_a_reference_is_named(memory):
    reference = memory.cache(array_of).call_and_shelve(1)
    (file,) = files(memory, "output.pkl")
    with file.open("r+b") as opened:
        opened.seek(5000)
        opened.write(b"\xff")
    with pytest.raises(KeyError, match="this folder is corrupted"):
        reference.get()


def test_four_threads_that_miss_an_entry_compute_it_once(memory):
    started = threading.Barrier(4)
    release = threading.Event()
    values = []

    def slow(x):
        runs.append(x)
        release.wait(10)
        return x

    cached = memory.cache(slow)

    def call():
        started.wait()
        values.append(cached(1))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    while not runs:
        release.wait(0.001)
    release.set()
    for thread in threads:
        thread.join()
    assert values == [1] * 4
    assert runs == [1]


def test_greenlets_that_miss_an_entry_wait_and_let_others_run(memory):
    seen = []

    def slow(x):
        runs.append(x)
        green.sleep(0.05)
        return x

    def count():
        for _ in range(10):
            seen.append(len(runs))
            green.sleep(0.001)

    cached = memory.cache(slow)
    callers = [green.spawn(cached, 1) for _ in range(4)]
    green.joinall([*callers, green.spawn(count)])
    assert [caller.value for caller in callers] == [1] * 4
    assert runs == [1]
    assert len(seen) == 10


def test_processes_that_miss_an_entry_compute_it_once(memory, tmp_path):
    cached = memory.cache(write_down)
    noted = tmp_path / "noted"
    noted.touch()
    assert Parallel(n_jobs=4, batch_size=1)(delayed(cached)(str(noted)) for _ in range(4)) == [7] * 4
    assert noted.read_text() == "ran\n"


def test_a_computation_that_fails_leaves_the_entry_to_the_next(memory):
    def failing(x):
        runs.append(x)
        if len(runs) == 1:
            raise OSError("not yet")
        return x

    cached = memory.cache(failing)
    with pytest.raises(OSError, match="not yet"):
        cached(1)
    assert [path for path in files(memory, "*") if len(path.name) == 32] == []
    assert cached(1) == 1


def test_a_process_that_dies_while_it_computes_frees_the_entry(memory, tmp_path):
    reader, writer = os.pipe()
    cached = memory.cache(die_first)
    child = os.fork()
    if not child:
        cached(writer, str(tmp_path))
        os._exit(1)
    os.read(reader, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    (tmp_path / "second").touch()
    assert cached(writer, str(tmp_path)) == "computed"
    os.close(writer)


def test_a_call_of_its_own_entry_does_not_wait_for_itself(memory):
    depth = []

    def nested(x):
        depth.append(x)
        return cached(x) + 1 if len(depth) == 1 else 0

    cached = memory.cache(nested)
    assert cached(5) == 1


def test_without_room_the_value_is_given_and_nothing_stays(memory):
    cached = memory.cache(array_of)
    cached.check_call_in_cache(3)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.warns(CacheWarning, match="File too large"):
            value = cached(3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (value == 3).all()
    assert files(memory, "output.pkl*") == []


def test_a_folder_that_cannot_be_written_still_answers(memory, monkeypatch):
    cached = memory.cache(small)
    cached(1)

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)
    monkeypatch.setattr(os, "makedirs", refuse)
    assert cached(1) == {"value": 1}
    with pytest.warns(CacheWarning, match="Permission denied"):
        assert cached(2) == {"value": 2}
    assert runs == [1, 2]


def test_a_folder_that_was_moved_away_is_another_lock(tmp_path):
    folder = tmp_path / ("0" * 32)
    entered = []

    def second():
        with entry_lock(str(folder)):
            entered.append("second")

    with entry_lock(str(folder)):
        os.rename(folder, tmp_path / "elsewhere")
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(10)
        assert entered == ["second"]


PROGRAM = """
    import numpy
    from {module} import Memory
    from shared_function import build

    value = Memory({place!r}, verbose=0).cache(build)(7)
    assert value["array"].sum() == sum(range(700)) * 2 and value["text"] == "t" * 7
"""
FUNCTION = """
    import numpy

    def build(x, scale=2):
        print("ran")
        return {"array": numpy.arange(x * 100) * scale, "text": "t" * x}
"""


@pytest.mark.parametrize("order", [("joblib", "plait.parallel"), ("plait.parallel", "joblib")])
def test_joblib_and_plait_read_what_the_other_kept(tmp_path, run_script, order):
    (tmp_path / "shared_function.py").write_text(textwrap.dedent(FUNCTION))
    outputs = []
    for module in order:
        done = run_script(PROGRAM.format(module=module, place=str(tmp_path / "cache")))
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs == ["ran\n", ""]


def test_a_value_without_a_seal_is_taken_as_it_is(memory):
    cached = memory.cache(small)
    cached(1)
    (file,) = files(memory, "output.pkl")
    file.write_bytes(file.read_bytes()[:-24])
    assert cached(1) == {"value": 1}
    assert runs == [1]


def test_a_killed_writer_leaves_no_entry(memory, tmp_path):
    program = f"""
        import os, signal
        from plait.parallel import Memory

        class Last:
            def __reduce__(self):
                os.kill(os.getpid(), signal.SIGKILL)

        def make():
            return [bytes(300_000), Last()]

        Memory({str(tmp_path)!r}, verbose=0).cache(make)()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert files(memory, "output.pkl") == []
