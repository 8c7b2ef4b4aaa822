import io

import pytest

from plait.lazy import bag as db
from plait.lazy.bag.reading_avro import read_head

fastavro = pytest.importorskip("fastavro")

RECORDS = [{"name": f"name {i % 7}", "number": i} for i in range(1000)]
SCHEMA = {
    "name": "Record",
    "type": "record",
    "fields": [{"name": "name", "type": "string"}, {"name": "number", "type": "int"}],
}


@pytest.fixture
def files(tmp_path):
    for i in range(2):
        with open(tmp_path / f"{i}.avro", "wb") as file:
            fastavro.writer(file, SCHEMA, RECORDS[500 * i : 500 * i + 500], sync_interval=100)
    return f"{tmp_path}/*.avro"


@pytest.mark.parametrize("size", [None, 500, "1 kB", 100_000_000])
def test_records_are_read_in_blocks_or_whole(files, size):
    bag = db.read_avro(files, blocksize=size)
    assert bag.npartitions == 2 or size in (500, "1 kB")
    assert bag.compute(scheduler="sync") == RECORDS


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_bags_are_written_and_read(tmp_path, codec):
    bag = db.from_sequence(RECORDS, npartitions=3)
    paths = bag.to_avro(f"{tmp_path}/out-*.avro", SCHEMA, codec=codec)
    assert len(paths) == bag.npartitions
    assert db.read_avro(paths).compute() == RECORDS
    (first, *_) = bag.to_avro(f"{tmp_path}/later-*.avro", SCHEMA, compute=False)
    assert not (tmp_path / "later-0.avro").exists()
    first.compute()
    assert (tmp_path / "later-0.avro").exists()


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ([], "is no dictionary"),
        ({"name": "x"}, "no 'type'"),
        ({**SCHEMA, "type": "map"}, "type is 'map'"),
        ({**SCHEMA, "fields": {}}, "pass a list"),
        ({**SCHEMA, "fields": [{"name": "x"}]}, "needs 'name' and 'type'"),
    ],
)
def test_a_schema_that_is_none_of_records_says_what_is_missing(tmp_path, schema, said):
    with pytest.raises(AssertionError, match=said):
        db.from_sequence(RECORDS).to_avro(f"{tmp_path}/*.avro", schema)


@pytest.mark.parametrize("size", [None, 3000])
def test_a_file_that_is_damaged_is_named(files, tmp_path, size):
    path = tmp_path / "1.avro"
    data = bytearray(path.read_bytes())
    data[-40:-30] = b"\xff" * 10
    path.write_bytes(data)
    with pytest.raises(Exception) as caught:
        db.read_avro(files, blocksize=size).compute(scheduler="sync")
    assert f"in the file {path}" in caught.value.__notes__


def test_heads_that_are_cut_anywhere_are_refused(files, tmp_path):
    whole = (tmp_path / "0.avro").read_bytes()
    head = read_head(io.BytesIO(whole))
    assert whole.startswith(head.data)
    assert head.data.endswith(head.sync)
    for end in range(len(head.data)):
        with pytest.raises(ValueError):
            read_head(io.BytesIO(whole[:end]), "cut.avro")
    (tmp_path / "0.avro").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"0.avro is no Avro file"):
        db.read_avro(files)


def test_a_head_may_say_the_size_of_its_map():
    # two entries as a block of -2 items and 8 bytes, then the end of the map, and the marker
    data = b"Obj\x01" + b"\x03\x10" + b"\x02a\x02b" * 2 + b"\x00" + b"s" * 16
    assert read_head(io.BytesIO(data + b"rest")).sync == b"s" * 16
