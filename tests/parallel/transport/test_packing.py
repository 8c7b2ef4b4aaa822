import os
import pickle

import numpy
import pytest

from plait.parallel.transport import pickling
from plait.parallel.transport.exchange import COPY, PRIVATE, READ, SHARED, Exports, Imports
from plait.parallel.transport.packing import ArrayPolicy, Packer
from plait.parallel.transport.segments import SegmentPool

MB = 1 << 20


def numbers(nbytes, start=0.0):
    return numpy.arange(nbytes // 8, dtype=numpy.float64) + start


def hows(parcel):
    return sorted(enclosure.how for enclosure in parcel.enclosures)


def received(parcel):
    """The value as another process would have it, and the number of descriptors that went along."""
    note, descriptors = Exports().enclose(parcel.enclosures)
    parts = list(parcel.parts)
    copies = [os.dup(fd) for fd in descriptors]
    Imports().open(note, parts, copies)
    assert not copies
    return pickling.unpack_value(parts), len(descriptors)


@pytest.mark.parametrize(
    ("nbytes", "mode", "expected"),
    [
        (1000, "r", []),
        (MB // 2, "r", [COPY]),
        (MB, "r", [PRIVATE]),  # not more than the limit
        (2 * MB, "r", [READ]),
        (2 * MB, "c", [PRIVATE]),
        (2 * MB, "r+", [SHARED]),
        (2 * MB, "w+", [SHARED]),
        (2 * MB, None, [PRIVATE]),
    ],
)
def test_how_an_argument_travels(nbytes, mode, expected):
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy(MB, mode))
    array = numbers(nbytes)
    parcel = packer.pack({"key": array})
    assert hows(parcel) == expected
    value, _ = received(parcel)
    assert (value["key"] == array).all()
    is_memmap = nbytes > MB and mode is not None
    assert isinstance(value["key"], numpy.memmap) is is_memmap
    assert value["key"].flags.writeable is not (is_memmap and mode == "r")


@pytest.mark.parametrize("limit", [0, 100])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_small_arrays_are_memmaps_too_where_the_limit_says_so(limit, mode):
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy(limit, mode))
    (value, empty), _ = received(packer.pack([numbers(800), numpy.empty(0)]))
    assert isinstance(value, numpy.memmap) and not isinstance(empty, numpy.memmap)
    assert value.mode == mode and value.flags.writeable is (mode != "r")
    assert (value == numbers(800)).all()


def test_many_middling_buffers_share_a_segment():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    arrays = [numbers(100_000, i) for i in range(50)]
    parcel = packer.pack(arrays)
    value, descriptors = received(parcel)
    assert descriptors == 1
    assert all((a == b).all() and b.flags.writeable for a, b in zip(arrays, value, strict=True))


def test_more_large_buffers_than_descriptors_travel_all_the_same():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    arrays = [numbers(MB + 800, i) for i in range(70)]
    value, descriptors = received(packer.pack(arrays))
    assert descriptors == 64
    assert all((a == b).all() for a, b in zip(arrays, value, strict=True))
    assert isinstance(value[-1], numpy.memmap) and not value[-1].flags.writeable


def test_a_large_pickle_is_not_sent_either():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    value = {"text": "x" * MB, "bytes": b"y" * MB}
    parcel = packer.pack(value)
    assert sum(map(len, parcel.parts)) == 0
    assert received(parcel)[0] == value


@pytest.mark.parametrize(
    "array",
    [
        numbers(4 * MB).reshape(512, -1).T,
        numbers(4 * MB)[::2],
        numbers(4 * MB).reshape(64, 64, -1)[:, ::-1, 5:100:3],
        numpy.zeros((300, 300, 3), dtype=[("a", "i4"), ("b", "f8", 2)]),
        numpy.arange(300_000).astype("datetime64[s]"),
        numbers(4 * MB).astype(">f8"),
        numpy.array(["abc"] * 200_000),
        numpy.broadcast_to(numbers(8), (500_000,) + (1,)),
    ],
    ids=["fortran", "strided", "reversed", "records", "datetime", "bigendian", "text", "broadcast"],
)
@pytest.mark.parametrize("mode", ["r", None])
def test_arrays_of_every_kind(array, mode):
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy(MB, mode))
    value, _ = received(packer.pack(array))
    assert value.dtype == array.dtype and value.shape == array.shape
    assert (value == array).all()
    if array.ndim > 1 and array.flags.forc:
        assert value.flags.f_contiguous is array.flags.f_contiguous


def test_arrays_of_objects_are_pickled():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    array = numpy.array([{"a": 1}, None] * 200_000)
    value, _ = received(packer.pack(array))
    assert type(value) is numpy.ndarray and list(value) == list(array)


def test_a_read_only_array_in_mode_r_plus_is_writable():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy(MB, "r+"))
    array = numbers(2 * MB)
    array.flags.writeable = False
    value, _ = received(packer.pack(array))
    value[0] = 5
    assert value[0] == 5


def test_within_a_call_an_array_is_copied_once():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    array, other = numbers(2 * MB), numbers(2 * MB)
    first, second, third = packer.pack((array, 1)), packer.pack([array, 2]), packer.pack(other)
    assert first.enclosures[0].segment is second.enclosures[0].segment
    assert third.enclosures[0].segment is not first.enclosures[0].segment


def test_one_that_was_filled_again_is_copied_again():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    array = numbers(4 * MB)
    sent = []
    for change in (lambda: None, lambda: array.__setitem__(0, -1), lambda: array.fill(7), lambda: array.__iadd__(1)):
        change()
        sent.append(packer.pack(array))
        assert (received(sent[-1])[0] == array).all()
    assert len({parcel.enclosures[0].segment for parcel in sent}) == 4
    assert received(sent[1])[0][0] == -1  # nor is what was sent earlier changed


def test_a_dead_array_is_not_taken_for_the_next_at_its_place():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    for start in range(20):
        assert received(packer.pack(numbers(2 * MB, start)))[0][0] == start


def test_a_dead_array_gives_its_segment_back():
    segments = SegmentPool(64 * MB)
    packer = Packer(segments, ArrayPolicy())
    packer.pack(numbers(4 * MB))
    assert segments.idle_bytes == 4 * MB


def test_functions_of_main_and_arrays_travel_together():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    array = numbers(2 * MB)
    inner = lambda x: x + array[5]  # noqa: E731
    parcel = packer.pack((inner, array))
    assert READ in hows(parcel)
    (function, value), _ = received(parcel)
    assert function(1) == array[5] + 1 and isinstance(value, numpy.memmap)


def test_without_segments_the_bytes_travel_in_the_message(run_script):
    ran = run_script(
        """
        import os, resource
        import numpy
        from plait.parallel.transport import pickling
        from plait.parallel.transport.packing import ArrayPolicy, Packer
        from plait.parallel.transport.segments import SegmentPool
        packer = Packer(SegmentPool(1 << 30), ArrayPolicy())
        array = numpy.arange(500_000.0)
        kind, limits = getattr(resource, os.environ["LIMIT"]), None
        limits = resource.getrlimit(kind)
        resource.setrlimit(kind, (3, limits[1]))
        parcel = packer.pack((array, numpy.ones(20_000)))
        resource.setrlimit(kind, limits)
        assert not parcel.enclosures
        large, small = pickling.unpack_value(parcel.parts)
        print(type(large).__name__, large.flags.writeable, (large == array).all(), small.sum())
    """,
        LIMIT="RLIMIT_FSIZE",
    )
    assert ran.stdout.split() == ["memmap", "False", "True", "20000.0"], ran.stderr


def test_where_the_memory_is_not_there_it_is_an_error(monkeypatch):
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    monkeypatch.setattr("plait.parallel.transport.room.available_bytes", lambda: 50 * MB)
    with pytest.raises(OSError, match="are free"):
        packer.pack(numpy.empty(100 * MB, dtype=numpy.uint8))


def test_what_cannot_be_pickled_leaves_nothing():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    with pytest.raises(Exception, match="pickle"):
        packer.pack((numbers(2 * MB), (i for i in "x")))
    assert not packer._noticed


def test_other_buffers_travel_too():
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())

    class Table:
        def __init__(self, data):
            self.data = data

        def __reduce_ex__(self, protocol):
            return bytearray, (pickle.PickleBuffer(self.data),)

    data = bytearray(b"z" * 3 * MB)
    parcel = packer.pack(Table(data))
    assert hows(parcel) == [PRIVATE]
    assert received(parcel)[0] == data


# -- arrays over files -----------------------------------------------------------------------------------------------


def file_array(tmp_path):
    array = numpy.memmap(tmp_path / "data", dtype=numpy.float64, shape=(40, 30), mode="w+", offset=24)
    array[:] = numpy.arange(1200).reshape(40, 30)
    return array


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a[3:9],
        lambda a: a[3:9, 4:8],
        lambda a: a[::-2, ::3],
        lambda a: a.T,
        lambda a: numpy.asarray(a)[5],
        lambda a: numpy.asarray(a).T[2:5],
        lambda a: a.reshape(-1)[7:],
        lambda a: a.reshape(30, 40),
    ],
)
def test_an_array_over_a_file_travels_by_reference(tmp_path, view):
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    file = file_array(tmp_path)
    array = view(file)
    parcel = packer.pack(array)
    assert not parcel.enclosures and sum(map(len, parcel.parts)) < 1000
    value, _ = received(parcel)
    assert value.shape == array.shape and (value == array).all()
    assert isinstance(value, numpy.memmap) is isinstance(array, numpy.memmap)
    value[(0,) * value.ndim] = -5
    assert array[(0,) * array.ndim] == -5


def test_the_mode_of_a_file_is_kept(tmp_path):
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    file = file_array(tmp_path)
    file.flush()
    for mode in ("r", "c"):
        opened = numpy.memmap(file.filename, dtype=numpy.float64, shape=(40, 30), mode=mode, offset=24)
        value, _ = received(packer.pack(opened))
        assert value.mode == mode and value.flags.writeable is (mode == "c") and value.offset == 24


def test_a_computed_memmap_and_a_deleted_file_travel_by_value(tmp_path):
    packer = Packer(SegmentPool(64 * MB), ArrayPolicy())
    file = file_array(tmp_path)
    doubled = file * 2
    value, _ = received(packer.pack(doubled))
    assert (value == doubled).all()
    (tmp_path / "data").unlink()
    value, _ = received(packer.pack(file))
    assert (value == file).all()
