"""Truncated and damaged files: an error that names the file, never a crash, a hang or a hunger for memory."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.parallel import persist
from plait.parallel.persist.errors import DamagedFile

VALUE = {"a": np.arange(50.0), "text": "x" * 300, "rest": [np.array([1, "b"], dtype=object), (1, 2.5), np.arange(5)]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "value.pkl"
    persist.dump(VALUE, path)
    return path


def test_a_file_cut_anywhere_is_named_in_the_error(file: Path) -> None:
    whole = file.read_bytes()
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        with pytest.raises(Exception) as caught:
            persist.load(file)
        assert str(file) in str(caught.value) + "".join(getattr(caught.value, "__notes__", ())), size


@pytest.mark.parametrize("compress", ["zlib", "gzip", "bz2", "xz", "lzma"])
def test_a_compressed_file_that_is_cut_is_damaged(file: Path, compress: str) -> None:
    persist.dump(VALUE, file, compress=compress)
    whole = file.read_bytes()
    for size in (12, len(whole) // 2, len(whole) - 20):
        file.write_bytes(whole[:size])
        with pytest.raises(DamagedFile, match=r"value\.pkl"):
            persist.load(file)


@pytest.mark.parametrize("compress", ["zlib", "gzip", "bz2", "xz"])
def test_a_flipped_bit_of_a_compressed_file_is_found(file: Path, compress: str) -> None:
    persist.dump([np.random.default_rng(0).integers(0, 255, 5000, dtype="u1")], file, compress=compress)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    file.write_bytes(damaged)
    with pytest.raises(DamagedFile, match=r"value\.pkl"):
        persist.load(file)


def test_an_array_longer_than_the_file_is_refused_before_memory_is_taken(file: Path) -> None:
    persist.dump(np.zeros(300), file)
    whole = file.read_bytes()
    assert whole.count(b"J\x2c\x01\x00\x00") == 1
    file.write_bytes(whole.replace(b"J\x2c\x01\x00\x00", b"J\xff\xff\xff\x7f"))
    with pytest.raises(DamagedFile, match="expected 17179869176 bytes"):
        persist.load(file)


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("array", [False, True])
def test_a_number_for_the_memo_that_no_file_needs_is_refused(file: Path, frame: bool, array: bool) -> None:
    opcodes = b"]r\xff\xff\xff\xf0."
    if array:
        opcodes = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n" + opcodes
    if frame:
        opcodes = pickle.FRAME + len(opcodes).to_bytes(8, "little") + opcodes
    file.write_bytes(b"\x80\x04" + opcodes)
    with pytest.raises(DamagedFile, match="object number 4043309055"):
        persist.load(file)


def test_a_persistent_id_that_no_array_is_due_for_is_refused(file: Path) -> None:
    file.write_bytes(b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\nNQ.")
    with pytest.raises(DamagedFile, match="no array was due"):
        persist.load(file)


def test_a_class_that_files_of_joblib_do_not_have_is_refused(file: Path) -> None:
    file.write_bytes(b"\x80\x04cjoblib.numpy_pickle\nPickler\n.")
    with pytest.raises(DamagedFile, match="no class 'Pickler'"):
        persist.load(file)


def test_an_empty_file_is_damaged(file: Path) -> None:
    file.write_bytes(b"")
    with pytest.raises(DamagedFile, match=r"value\.pkl"):
        persist.load(file)


def test_an_error_of_the_users_code_stays_as_it_is(file: Path) -> None:
    persist.dump(Failing(), file)
    with pytest.raises(KeyError, match="mine") as caught:
        persist.load(file)
    assert "value.pkl" in "".join(caught.value.__notes__)


class Failing:
    def __reduce__(self) -> Any:
        return _fail, ()


def _fail() -> None:
    raise KeyError("mine")


def test_an_old_compressed_file_with_a_wrong_length_is_damaged() -> None:
    from plait.parallel.persist.old import read_zfile, write_zfile

    file = io.BytesIO()
    write_zfile(file, b"data" * 100)
    assert read_zfile(file) == b"data" * 100
    damaged = bytearray(file.getvalue())
    damaged[4:7] = b"191"
    with pytest.raises(DamagedFile, match="its head says"):
        read_zfile(io.BytesIO(bytes(damaged)))


MUTATE = """
import faulthandler, io, pickle, random, re, resource, signal, warnings
import numpy as np
from plait.parallel import persist

faulthandler.enable()
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
seed = {seed}
rng = random.Random(seed)
values = [
    {{"a": np.arange(20.0), "b": [np.array([1, 2]), (1, 2.5)], "c": {{1, 2}}}},
    [np.zeros((2, 3), order="F"), np.zeros((2, 0, 3), ">i4"), np.array(["ab"]), np.array("2020", "M8[D]")],
    ["text", b"bytes", 2**70, np.zeros(1)],
    list(range(300)) + [{{str(i): [i] for i in range(50)}}, 1.5, None, (1, 2), frozenset([3])],
]
files = []
for value in values:
    for protocol in (2, 3, 4, 5):
        for compress in (0, ("zlib", 1)):
            file = io.BytesIO()
            persist.dump(value, file, compress=compress, protocol=protocol)
            files.append(file.getvalue())
# What a mutated name may reach: a class or function that does no harm when it is called.
SAFE = {{"numpy", "joblib", "builtins", "_codecs", "copyreg", "numpy._core.multiarray", "numpy.core.multiarray"}}
def find_class(self, module, name):
    if module.startswith("joblib"):
        return original(self, module, name)
    if module not in SAFE or name in HARMFUL:
        raise pickle.UnpicklingError("refused")
    return original(self, module, name)
HARMFUL = ("exit", "quit", "input", "breakpoint", "help", "exec", "eval", "open", "print")
original = persist.NumpyUnpickler.find_class
class Unpickler(persist.NumpyUnpickler):
    find_class = find_class

# numpy restores its dtypes itself, and crashes at some wrong states: these stay as they are, and of their pickles
# and of arrays of objects there is only what is in a record.
DTYPES = re.compile(b"dtype.{{0,90}}?tb", re.DOTALL)

def mutated(data):
    kept = {{place for found in DTYPES.finditer(data) for place in range(found.start() - 9, found.end())}}
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(data))
        if at in kept:
            continue
        kind = rng.randrange(5)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            data[at : at + 4] = rng.choice(NUMBERS)
        if not data:
            data = bytearray(b".")
    return bytes(data)

NUMBERS = (b"\\xff\\xff\\xff\\x7f", b"\\0\\0\\0\\0", b"r\\xff\\xff\\xff", b"B\\0\\xff\\xff")
loaded = failed = 0
for turn in range({turns}):
    data = mutated(rng.choice(files))
    signal.alarm(10)  # ends the process
    try:
        file = io.BytesIO(data)
        if data[:1] == b"\\x80":
            Unpickler("", file, True).load()
        else:
            persist.load(file)
        loaded += 1
    except Exception as error:
        failed += 1
    finally:
        signal.alarm(0)
print("done", loaded + failed, failed > {turns} // 4)
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_mutated_file_loads_or_fails_and_never_crashes_or_hangs(run_script: Any, seed: int) -> None:
    ran = run_script(MUTATE.format(seed=seed, turns=4000), timeout=100)
    assert ran.stdout.endswith("done 4000 True\n"), (seed, ran.returncode, ran.stderr[-2000:])
