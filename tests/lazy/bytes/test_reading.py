import os

import pytest

import plait.lazy
from plait.lazy.bytes import read_bytes
from plait.lazy.bytes.compressing import compress

DATA = b"".join(b"line %d\n" % i for i in range(50))


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "data"
    file.write_bytes(DATA)
    return str(file)


def contents(files):
    return [plait.lazy.compute(*blocks, scheduler="sync") for blocks in files]


@pytest.mark.parametrize("size", [1, 7, 50.0, "100 B", 10_000, None])
def test_blocks_end_behind_a_delimiter_and_are_all_there_is(path, size):
    _, files = read_bytes(path, delimiter=b"\n", blocksize=size)
    (blocks,) = contents(files)
    assert b"".join(blocks) == DATA
    assert all(block.endswith(b"\n") for block in blocks if block)


def test_blocks_are_of_about_the_same_size(path):
    _, files = read_bytes(path, blocksize=100)
    (blocks,) = contents(files)
    assert len(blocks) == len(DATA) // 100
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_a_header_can_be_left_out(path):
    _, files = read_bytes(path, delimiter=b"\n", blocksize=100, not_zero=True)
    assert b"".join(contents(files)[0]) == DATA.partition(b"\n")[2]


@pytest.mark.parametrize("size", [1, 3, 10, "40 B"])
def test_a_sample_ends_behind_a_delimiter_also_where_pieces_meet(path, size):
    sample, _ = read_bytes(path, delimiter=b"e 1\n", sample=size)
    assert DATA.startswith(sample)
    assert sample.endswith(b"e 1\n") or len(sample) > 16
    assert len(read_bytes(path, sample="40 B")[0]) == 40
    assert read_bytes(path, sample=False)[0] is False


def test_keys_change_with_the_file(path):
    keys = [[block.key for block in file] for file in read_bytes(path, blocksize=100)[1]]
    assert keys == [[block.key for block in file] for file in read_bytes(path, blocksize=100)[1]]
    with open(path, "ab") as file:
        file.write(b"more")
    assert keys != [[block.key for block in file] for file in read_bytes(path, blocksize=100)[1]]


def test_paths_come_with_their_blocks(path):
    _, files, paths = read_bytes([path, path], include_path=True)
    assert paths == [path, path]
    assert len(files) == 2


@pytest.mark.parametrize("name", [name for name in compress if name])
def test_compressed_files_are_read_whole(tmp_path, name):
    file = tmp_path / "packed"
    file.write_bytes(compress[name](DATA))
    sample, files = read_bytes(str(file), compression=name, blocksize=None, delimiter=b"\n", sample=20)
    assert contents(files) == [(DATA,)]
    assert sample == DATA[: len(sample)]
    with pytest.raises(ValueError, match="cannot be read in blocks"):
        read_bytes(str(file), compression=name, blocksize=10)


def test_what_cannot_be_read_is_said(path, tmp_path):
    with pytest.raises(TypeError, match="is no path"):
        read_bytes({path})
    with pytest.raises(TypeError, match=r"blocksize=5.5 is no number of bytes"):
        read_bytes(path, blocksize=5.5)
    with pytest.raises(TypeError, match="blocksize=0 is no number of bytes"):
        read_bytes(path, blocksize=0)
    with pytest.raises(FileNotFoundError, match="matches none"):
        read_bytes(os.path.join(tmp_path, "*.csv"))
    with pytest.raises(ValueError):
        read_bytes(path, compression="not-known")


def test_without_fsspec_the_extra_is_named(run_script):
    result = run_script("""
        import sys
        sys.modules["fsspec"] = None
        from plait.lazy.bag import read_text
        try:
            read_text("x")
        except ImportError as error:
            print(error)
    """)
    assert 'pip install "plait[files]"' in result.stdout, result.stderr
