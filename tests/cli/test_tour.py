"""`plait tour` with programs of the test's own: what it prints and when it fails."""

import pytest

from plait.cli import tour
from plait.cli.errors import UsageError
from plait.cli.tour import Program


@pytest.fixture
def programs(monkeypatch, tmp_path):
    """Make `source` files the tour's programs, with these promises."""

    def make(**files):
        shown = []
        for name, (source, least_s, most_s) in files.items():
            (tmp_path / f"{name}.py").write_text(source)
            shown.append(Program(f"{name}.py", f"what {name} shows", least_s, most_s))
        monkeypatch.setattr(tour, "PROGRAMS", tuple(shown))
        return tmp_path

    return make


def test_each_program_is_shown_with_output_and_wall_time(programs, capfd):
    folder = programs(one=("print('from one')", 0, 60), two=("print('from two')", 0, 60))
    assert tour.tour(folder, check=True) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[0] == "-- 1. one.py: what one shows"
    assert out[1] == "from one"
    assert out[2].startswith("-- 0.")
    assert out[2].endswith("s  promised: at most 60 s")
    assert out[4:6] == ["-- 2. two.py: what two shows", "from two"]


@pytest.mark.parametrize(("least_s", "most_s", "promise"), [(50, 60, "50 to 60 s"), (0, 1e-6, "at most 1e-06 s")])
def test_check_fails_where_a_promise_is_broken(programs, capfd, least_s, most_s, promise):
    folder = programs(one=("", least_s, most_s))
    assert tour.tour(folder) == 0
    assert tour.tour(folder, check=True) == 1
    assert f"promised: {promise}" in capfd.readouterr().err


def test_a_failing_program_fails_the_tour_and_the_others_still_run(programs, capfd):
    folder = programs(one=("import sys; sys.exit(3)", 0, 60), two=("print('from two')", 0, 60))
    assert tour.tour(folder) == 1
    captured = capfd.readouterr()
    assert "one.py exited with 3" in captured.err
    assert "from two" in captured.out


def test_trace_prints_each_programs_timeline(programs, capfd):
    folder = programs(one=("from plait import trace\nwith trace.span('lazy', 'node', 7): pass", 0, 60))
    assert tour.tour(folder, trace=True) == 0
    assert "lazy node 7" in capfd.readouterr().err


def test_an_absent_program_is_named_with_the_remedy(programs, tmp_path):
    folder = programs(one=("", 0, 60))
    (folder / "one.py").unlink()
    with pytest.raises(UsageError, match=r"has no one\.py; pass --examples DIR"):
        tour.tour(folder)
