"""What verbose= prints: lines in joblib's form, more of them the higher it is."""

import re

import pytest

from plait.parallel import Parallel, delayed
from plait.parallel.verbose import State, final_line, line

FINISHED = r"\[Parallel\(n_jobs=2\)\]: Done  30 out of  30 \| elapsed:    0\.\ds finished"


def state(verbose, done, sent, exhausted=False, total=None, batches=None, elapsed=2.0, pre_dispatch=4):
    return State(verbose, total, pre_dispatch, sent if batches is None else batches, sent, done, exhausted, elapsed)


def test_while_tasks_are_sent_how_many_there_are_is_unknown():
    assert line(state(11, 3, 7)) == "Done   3 tasks      | elapsed:    2.0s"


def test_or_known_where_the_tasks_have_a_length():
    assert line(state(11, 3, 7, total=1000)) == "Done    3 out of 1000 | elapsed:    2.0s"


def test_when_all_are_sent_the_rest_is_estimated():
    assert line(state(100, 5, 10, exhausted=True)) == "Done   5 out of  10 | elapsed:    2.0s remaining:    2.0s"
    assert line(state(100, 5, 10, exhausted=True, elapsed=300)) == (
        "Done   5 out of  10 | elapsed:  5.0min remaining:  5.0min"
    )


def test_the_last_task_is_waited_for_without_a_word():
    assert line(state(100, 9, 10, exhausted=True)) is None


def test_at_the_end_all_are_done():
    assert final_line(state(1, 10, 10, exhausted=True)) == "Done  10 out of  10 | elapsed:    2.0s finished"


@pytest.mark.parametrize(("verbose", "least", "most"), [(1, 1, 8), (5, 8, 30), (10, 40, 200), (11, 1000, 1000)])
def test_a_higher_verbosity_prints_more_while_tasks_are_sent(verbose, least, most):
    printed = [batch for batch in range(1000) if line(state(verbose, batch, batch)) is not None]
    assert least <= len(printed) <= most
    gaps = [after - before for before, after in zip(printed[1:], printed[2:], strict=False)]
    assert gaps == sorted(gaps) or max(gaps) <= 2  # the more there are, the further apart


def test_and_while_the_last_are_under_way():
    def printed(verbose):
        return sum(line(state(verbose, done, 100, exhausted=True)) is not None for done in range(1, 100))

    assert printed(1) <= 2
    assert 3 <= printed(5) < printed(20) < printed(200) == 98


def run(capfd, **keywords):
    Parallel(n_jobs=2, **keywords)(delayed(abs)(i) for i in range(30))
    return capfd.readouterr()


@pytest.mark.parametrize(
    ("backend", "name"),
    [("loky", "LokyBackend"), ("threading", "ThreadingBackend"), ("multiprocessing", "MultiprocessingBackend")],
)
def test_the_first_line_names_the_backend_and_the_last_the_time(capfd, backend, name):
    out, err = run(capfd, verbose=1, backend=backend)
    first, *_, last = err.splitlines()
    assert out == ""
    assert first == f"[Parallel(n_jobs=2)]: Using backend {name} with 2 concurrent workers."
    assert re.fullmatch(FINISHED, last)
    assert err.count("finished") == 1


def test_from_50_on_it_is_printed_on_stdout(capfd):
    out, err = run(capfd, verbose=50)
    assert err == ""
    assert re.fullmatch(FINISHED, out.splitlines()[-1])


def test_changed_sizes_of_batches_are_reported(capfd):
    _, err = run(capfd, verbose=10)
    assert re.search(r"Batch computation too fast \([\d.e-]+s\.\) Setting batch_size=\d+\.", err)


def test_nothing_is_printed_without_verbose(capfd):
    assert run(capfd) == ("", "")


def test_in_place_each_task_is_reported_and_no_backend(capfd):
    Parallel(n_jobs=1, verbose=11)(delayed(abs)(i) for i in range(3))
    assert [re.sub(r"\d\.\ds", "-", text) for text in capfd.readouterr().err.splitlines()] == [
        f"[Parallel(n_jobs=1)]: Done   {i} tasks      | elapsed:    -" for i in (1, 2, 3)
    ] + ["[Parallel(n_jobs=1)]: Done   3 out of   3 | elapsed:    - finished"]


def test_a_generator_reports_when_it_is_used_up(capfd):
    results = Parallel(n_jobs=2, verbose=1, return_as="generator")(delayed(abs)(i) for i in range(30))
    assert "finished" not in capfd.readouterr().err
    assert list(results) == list(range(30))
    assert "finished" in capfd.readouterr().err


def test_a_subclass_goes_by_its_own_name(capfd):
    class Mine(Parallel):
        pass

    Mine(n_jobs=2, verbose=1)([delayed(abs)(1)])
    assert capfd.readouterr().err.startswith("[Mine(n_jobs=2)]: Using backend")
