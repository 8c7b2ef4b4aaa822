import bz2
import gzip

import pytest

import plait.lazy
from plait.lazy import bag as db

LINES = [f"line {i}\n" for i in range(40)]


@pytest.fixture
def files(tmp_path):
    for i in range(4):
        (tmp_path / f"{i}.txt").write_text("".join(LINES[10 * i : 10 * i + 10]))
    return tmp_path


def in_this_thread(lazy):
    return lazy.compute(scheduler="sync")


def test_files_are_partitions_by_pattern_list_or_url(files):
    for paths in (f"{files}/*.txt", [f"{files}/{i}.txt" for i in range(4)], f"file://{files}/*.txt"):
        bag = db.read_text(paths)
        assert bag.npartitions == 4
        assert in_this_thread(bag) == LINES
    assert db.read_text(f"{files}/*.txt", files_per_partition=3).npartitions == 2
    assert in_this_thread(db.read_text(f"{files}/*.txt", files_per_partition=3)) == LINES


@pytest.mark.parametrize("size", [7, 33, "100 B", 10_000])
def test_blocks_begin_and_end_at_lines(files, size):
    bag = db.read_text(f"{files}/*.txt", blocksize=size)
    assert in_this_thread(bag) == LINES
    paths = in_this_thread(db.read_text(f"{files}/*.txt", blocksize=size, include_path=True).pluck(1))
    assert paths == [str(files / f"{i // 10}.txt") for i in range(40)]


def test_paths_go_with_lines(files):
    bag = db.read_text(f"{files}/*.txt", include_path=True)
    assert bag.take(1) == ((LINES[0], str(files / "0.txt")),)


@pytest.mark.parametrize(("end", "opener"), [(".gz", gzip.open), (".bz2", bz2.open)])
def test_compression_is_known_by_the_name(tmp_path, end, opener):
    path = tmp_path / f"lines{end}"
    with opener(path, "wt") as file:
        file.writelines(LINES)
    assert in_this_thread(db.read_text(str(path))) == LINES
    with pytest.raises(ValueError, match=r"cannot be read in blocks; pass blocksize=None"):
        db.read_text(str(path), blocksize=10)


@pytest.mark.parametrize("size", [None, 2, 5, 1000])
def test_any_text_may_end_lines(tmp_path, size):
    path = tmp_path / "text"
    path.write_bytes(b"a\nb$$$$c\r\n$$$$d")
    assert in_this_thread(db.read_text(str(path), linedelimiter="$$$$", blocksize=size)) == [
        "a\nb$$$$",
        "c\r\n$$$$",
        "d",
    ]


def test_a_long_text_is_split_as_it_is_read(tmp_path):
    path = tmp_path / "text"
    parts = ["x" * 300_000 + "<>" for _ in range(8)]
    path.write_text("".join(parts))
    assert in_this_thread(db.read_text(str(path), linedelimiter="<>")) == parts


def test_what_is_no_text_in_the_encoding_is_named_with_its_file(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"Jos\xe9\nAlice")
    for size in (None, 100):
        with pytest.raises(UnicodeDecodeError) as caught:
            in_this_thread(db.read_text(str(path), encoding="ascii", blocksize=size))
        assert any(str(path) in note and "encoding=" in note for note in caught.value.__notes__)
    assert in_this_thread(db.read_text(str(path), encoding="ascii", errors="ignore")) == ["Jos\n", "Alice"]
    assert in_this_thread(db.read_text(str(path), encoding="latin-1")) == ["José\n", "Alice"]


@pytest.mark.parametrize("size", [20, -12])
def test_a_file_that_is_cut_is_named(tmp_path, size):
    path = tmp_path / "lines.gz"
    path.write_bytes(gzip.compress("".join(LINES).encode())[:size])
    with pytest.raises(EOFError) as caught:
        in_this_thread(db.read_text(str(path)))
    assert f"in the file {path}" in caught.value.__notes__


def test_a_full_disk_is_named_by_its_file(tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        db.from_sequence(["x" * 100_000]).to_textfiles([str(tmp_path / "full")], scheduler="sync")
    assert any(f"while the file {tmp_path / 'full'} was written" in note for note in caught.value.__notes__)


def test_where_no_file_is_it_is_said(tmp_path):
    with pytest.raises(ValueError, match="no files found"):
        db.read_text(f"{tmp_path}/*.txt")
    with pytest.raises(ValueError, match="contradict each other"):
        db.read_text(f"{tmp_path}/*.txt", blocksize=1, files_per_partition=1)
    with pytest.raises(FileNotFoundError):
        in_this_thread(db.read_text(f"{tmp_path}/absent.txt"))


def test_a_file_that_changed_has_another_name(files):
    name = db.read_text(f"{files}/*.txt").name
    assert db.read_text(f"{files}/*.txt").name == name
    (files / "0.txt").write_text("longer than it was before, by some lines\n" * 10)
    assert db.read_text(f"{files}/*.txt").name != name


def test_partitions_may_come_as_delayed_values(files):
    blocks = db.read_text(f"{files}/*.txt", collection=False)
    assert sum(plait.lazy.compute(*blocks), []) == LINES


@pytest.mark.parametrize("end", ["", ".gz", ".bz2", ".xz"])
def test_bags_are_written_and_read(tmp_path, end, scheduler):
    bag = db.range(25, npartitions=3).map(str)
    paths = bag.to_textfiles(f"{tmp_path}/out-*.txt{end}", scheduler=scheduler)
    assert paths == [str(tmp_path / f"out-{i}.txt{end}") for i in range(3)]
    assert in_this_thread(db.read_text(paths).str.strip()) == [str(i) for i in range(25)]


def test_the_last_line_ends_if_it_is_told_to(tmp_path):
    bag = db.from_sequence("abc", npartitions=1)
    path = tmp_path / "text"
    bag.to_textfiles([str(path)])
    assert path.read_bytes() == b"a\nb\nc"
    bag.to_textfiles([str(path)], last_endline=True, encoding=None)
    assert path.read_bytes() == b"a\nb\nc\n"


def test_names_of_files_are_made_or_given(tmp_path):
    bag = db.range(4, npartitions=2).map(str)
    bag.to_textfiles(f"{tmp_path}/*.txt", name_function=lambda i: "ab"[i])
    assert (tmp_path / "b.txt").read_text() == "2\n3"
    delayed = bag.to_textfiles(str(tmp_path / "folder"), compute=False)
    assert not (tmp_path / "folder" / "0.part").exists()
    plait.lazy.compute(*delayed)
    assert (tmp_path / "folder" / "0.part").read_text() == "0\n1"
    with pytest.raises(ValueError, match="1 paths for 2 partitions"):
        bag.to_textfiles([str(tmp_path / "one")])
    with pytest.raises(TypeError, match="5 is no path"):
        bag.to_textfiles(5)


def test_what_is_no_line_is_named(tmp_path):
    with pytest.raises(TypeError, match="17 is no line of text; map the bag to text first"):
        db.from_sequence([17]).to_textfiles(f"{tmp_path}/*", scheduler="sync")


def test_partitions_without_elements_are_files_too(tmp_path):
    db.range(5, npartitions=5).filter(lambda x: x == 1).map(str).to_textfiles(f"{tmp_path}/*.txt")
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == [0, 0, 0, 0, 1]


def test_a_stream_of_lines_is_not_held():
    import tracemalloc

    def lines():
        for i in range(50_000):
            yield f"{i:0100d}"

    from plait.lazy import delayed

    bag = db.from_delayed([delayed(lines)()]).map(len).filter(None)
    tracemalloc.start()
    try:
        assert in_this_thread(bag.count()) == 50_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_from_url_gives_the_lines_of_what_is_there(files):
    url = (files / "0.txt").as_uri()
    assert in_this_thread(db.from_url([url, url])) == [line.encode() for line in LINES[:10]] * 2
    assert db.from_url(url).npartitions == 1


def test_other_file_systems_are_reached_by_url_and_get_their_options():
    import fsspec

    files = fsspec.filesystem("memory")
    files.pipe({"/bags/a.txt": b"one\ntwo\n", "/bags/b.txt": b"three\n"})
    try:
        assert in_this_thread(db.read_text("memory://bags/*.txt")) == ["one\n", "two\n", "three\n"]
        assert in_this_thread(db.read_text("memory://bags/*.txt", blocksize=5)) == ["one\n", "two\n", "three\n"]
        db.from_sequence("abc", npartitions=1).to_textfiles("memory://bags/out-*", scheduler="sync")
        assert files.cat("/bags/out-0") == b"a\nb\nc"
        options = {"skip_instance_cache": True, "auto_mkdir": False}
        (file,) = db.read_text("file:///etc/hostname", storage_options=options)._layer.nodes[0]._args
        assert file.fs.auto_mkdir is False
    finally:
        files.rm("/bags", recursive=True)
