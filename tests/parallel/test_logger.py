"""Durations as text, messages that name their object, and a stopwatch that keeps its old logs."""

import logging

import numpy as np
import pytest

from plait.parallel.logger import Logger, PrintTime, format_time, pformat, short_format_time


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [(0, "0.0s, 0.0min", "   0.0s"), (12.34, "12.3s, 0.2min", "  12.3s"), (60, "60.0s, 1.0min", "  60.0s")],
)
def test_a_duration_reads_in_seconds_and_minutes(seconds, long, short):
    assert format_time(seconds) == long
    assert short_format_time(seconds) == short


def test_past_a_minute_the_short_form_counts_minutes():
    assert short_format_time(90) == " 1.5min"
    assert short_format_time(3600) == "60.0min"


def test_values_are_shown_to_a_depth():
    assert pformat({"a": [[[1]]]}, depth=2) == "{'a': [[...]]}"
    assert Logger(depth=1).format([[1]]) == "[[...]]"


def test_long_arrays_are_abridged_and_printing_stays_as_it_was():
    before = np.get_printoptions()
    text = pformat(np.arange(1000) / 3)
    assert len(text) < 60
    assert "..." in text
    assert np.get_printoptions() == before


class Named(Logger):
    def __repr__(self):
        return "Named()"


def test_messages_name_the_object_and_go_to_its_logger(caplog):
    with caplog.at_level(logging.DEBUG):
        Named().warn("a")
        Named(name="other").info("b")
        Named().debug("100 %")
    assert caplog.record_tuples == [
        ("plait.parallel", logging.WARNING, "[Named()]: a"),
        ("other", logging.INFO, "[Named()]: b"),
        ("plait.parallel", logging.DEBUG, "[Named()]: 100 %"),
    ]


@pytest.fixture
def clock(monkeypatch):
    from plait._base import clock

    now = [100.0]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    return now


def test_the_stopwatch_tells_laps_and_totals(clock, capsys):
    lap = PrintTime()
    clock[0] += 1.5
    lap("one")
    clock[0] += 60
    lap("two")
    lap("all", total=True)
    assert capsys.readouterr().err == "one: 1.5s, 0.0min\ntwo: 60.0s, 1.0min\nall: 61.50s, 1.0 min\n"


def test_the_stopwatch_writes_a_log_and_keeps_nine_old_ones(clock, tmp_path, capsys):
    for number in range(12):
        PrintTime(logdir=tmp_path / "new")(f"run {number}")
    names = ["joblib.log", *(f"joblib.log.{number}" for number in range(1, 10))]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    assert [(tmp_path / "new" / name).read_text().splitlines()[-1] for name in names] == [
        f"run {number}: 0.0s, 0.0min" for number in range(11, 1, -1)
    ]
    assert len(capsys.readouterr().err.splitlines()) == 12


def test_a_log_that_cannot_be_written_stops_nothing(clock, tmp_path, capsys):
    (tmp_path / "file").touch()
    PrintTime(logfile=tmp_path / "file" / "below" / "log")("still")
    assert capsys.readouterr().err == "still: 0.0s, 0.0min\n"


def test_two_places_for_one_log_are_refused(tmp_path):
    with pytest.raises(ValueError, match="pass one of them"):
        PrintTime(logfile=tmp_path / "a", logdir=tmp_path)


def test_nothing_is_imported_before_it_is_needed(run_script):
    script = """
    import sys, plait.parallel.logger
    print([name for name in ("logging", "pprint", "shutil", "numpy") if name in sys.modules])
    """
    assert run_script(script).stdout == "[]\n"
