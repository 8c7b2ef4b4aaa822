"""parallel_config and parallel_backend: what loops take where their caller named nothing."""

import threading

import pytest

from plait import green
from plait.green.event import Event
from plait.parallel import (
    Parallel,
    ParallelBackendBase,
    config,
    delayed,
    effective_n_jobs,
    parallel_backend,
    parallel_config,
    register_parallel_backend,
)
from plait.parallel.backends import LokyBackend, SequentialBackend, ThreadingBackend, registry

CONTEXTS = [parallel_config, parallel_backend]


def backend_of(parallel):
    return type(parallel._backend)


def test_without_a_context_the_defaults_are_in_force():
    settings = config.current()
    assert settings == (None, None, 0, None, "1M", "r", None, None)
    assert backend_of(Parallel()) is LokyBackend
    assert Parallel().n_jobs == 1


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_context_names_backend_and_workers(context):
    with context("threading", n_jobs=3):
        assert backend_of(Parallel()) is ThreadingBackend
        assert Parallel().n_jobs == Parallel(n_jobs=None).n_jobs == effective_n_jobs(None) == 3
        assert (backend_of(Parallel(backend="loky")), Parallel(n_jobs=2).n_jobs) == (LokyBackend, 2)
    assert backend_of(Parallel()) is LokyBackend


def test_parallel_backend_takes_all_cores_by_default():
    with parallel_backend("threading") as (backend, n_jobs):
        assert (type(backend), n_jobs) == (ThreadingBackend, -1)


def test_the_block_has_the_settings_as_a_dict():
    with parallel_config("threading", n_jobs=2, verbose=5) as settings:
        assert (type(settings["backend"]), settings["n_jobs"], settings["verbose"]) == (ThreadingBackend, 2, 5)


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_plain_call_holds_until_it_is_unregistered(context):
    held = context("threading", n_jobs=2)
    try:
        assert Parallel().n_jobs == 2
    finally:
        held.unregister()
    assert Parallel().n_jobs == 1


def test_an_inner_context_adds_to_the_outer_one():
    with parallel_config("threading", verbose=7), parallel_config(n_jobs=2, max_nbytes=None):
        settings = config.current()
        assert (type(settings.backend), settings.verbose, settings.n_jobs) == (ThreadingBackend, 7, 2)
        assert settings.max_nbytes is None
        with parallel_config(n_jobs=None):
            assert Parallel().n_jobs == 1


def test_what_is_passed_goes_before_the_context():
    with parallel_config(verbose=11, mmap_mode="c", max_nbytes="10M"):
        parallel = Parallel(verbose=0, mmap_mode=None)
        assert parallel.verbose == 0
        assert parallel._backend_kwargs["mmap_mode"] is None
        assert parallel._backend_kwargs["max_nbytes"] == 10 << 20


def test_the_settings_know_the_parameters_of_their_backend():
    with parallel_config("processes", inner_max_num_threads=2, initializer=print, initargs=("hello",)):
        settings = config.current()
        assert settings.inner_max_num_threads == 2
        assert settings.backend_params == {"initializer": print, "initargs": ("hello",)}


def test_threads_begin_with_no_settings():
    seen = []
    with parallel_config(n_jobs=3):
        thread = threading.Thread(target=lambda: seen.append(Parallel().n_jobs))
        thread.start()
        thread.join()
    assert seen == [1]


def test_greenlets_do_not_see_what_another_sets():
    inside, leave = Event(), Event()

    def set_it():
        with parallel_config(n_jobs=5):
            inside.set()
            leave.wait()

    greenlet = green.spawn(set_it)
    inside.wait()
    assert Parallel().n_jobs == 1
    leave.set()
    greenlet.join()


def test_settings_that_a_task_leaves_behind_end_with_it():
    def leave_settings():
        parallel_config(n_jobs=7)

    def n_jobs():
        return Parallel().n_jobs

    for backend in ("threading", "processes"):
        with Parallel(n_jobs=2, backend=backend, batch_size=1) as parallel:
            parallel(delayed(leave_settings)() for _ in range(8))
            assert set(parallel(delayed(n_jobs)() for _ in range(8))) == {1}


# -- preference and requirement ----------------------------------------------------------------------------------


def test_a_preference_chooses_where_no_backend_is_named():
    assert backend_of(Parallel(prefer="threads")) is ThreadingBackend
    assert backend_of(Parallel(prefer="processes")) is LokyBackend
    assert backend_of(Parallel(backend="loky", prefer="threads")) is LokyBackend
    with parallel_config("loky"):
        assert backend_of(Parallel(prefer="threads")) is LokyBackend


def test_a_requirement_goes_before_the_context_and_drops_its_number():
    with parallel_config("loky", n_jobs=2):
        parallel = Parallel(require="sharedmem")
        assert (backend_of(parallel), parallel.n_jobs) == (ThreadingBackend, 1)
        assert Parallel(n_jobs=3, require="sharedmem").n_jobs == 3


def test_at_high_verbosity_it_says_which_backend_it_takes_instead(capsys):
    with parallel_config("loky"):
        Parallel(require="sharedmem", verbose=10)
    assert capsys.readouterr().out == (
        "Using ThreadingBackend as joblib backend instead of LokyBackend "
        "as the latter does not provide shared memory semantics.\n"
    )


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"prefer": "wrong"}, "prefer=wrong is not a valid"),
        ({"require": "wrong"}, "require=wrong is not a valid"),
        ({"prefer": "processes", "require": "sharedmem"}, "inconsistent"),
    ],
)
def test_bad_preferences_are_refused(keywords, message):
    with pytest.raises(ValueError, match=message), parallel_config(**keywords):
        Parallel()


@pytest.mark.parametrize(
    ("backend", "keywords", "message"),
    [
        ("nowhere", {}, "Invalid backend: 'nowhere'; pass one of"),
        (config.DEFAULTS.backend, {"inner_max_num_threads": 1}, "inner_max_num_threads: .* backend is not None"),
        (config.DEFAULTS.backend, {"scatter": 1}, "scatter: .* backend is not None"),
        (SequentialBackend(), {"scatter": 1}, "scatter: .* backend is a string"),
        ("threading", {"inner_max_num_threads": 1}, "ThreadingBackend does not accept"),
    ],
)
def test_parameters_without_their_backend_are_refused(backend, keywords, message):
    with pytest.raises(ValueError, match=message):
        parallel_config(backend, **keywords)
    assert config.current().backend is None


# -- nesting -----------------------------------------------------------------------------------------------------


def chain(depth):
    """Backend and level of this loop, and of those below it."""
    with Parallel(n_jobs=2) as parallel:
        here = [(type(parallel._backend).__name__, parallel._backend.nesting_level)]
        return here + parallel([delayed(chain)(depth - 1)])[0] if depth else here


@pytest.mark.parametrize(("backend", "name"), [("loky", "LokyBackend"), ("threading", "ThreadingBackend")])
def test_under_processes_are_threads_and_under_threads_nothing(backend, name):
    with parallel_config(backend, n_jobs=2):
        assert chain(3) == [(name, 0), ("ThreadingBackend", 1), ("SequentialBackend", 2), ("SequentialBackend", 2)]


def test_one_worker_is_no_level():
    def inner():
        return type(Parallel(n_jobs=2)._backend), Parallel(n_jobs=2)._backend.nesting_level

    assert Parallel(n_jobs=1)([delayed(inner)()]) == [(LokyBackend, 0)]
    with parallel_config("threading", n_jobs=4):
        assert Parallel(n_jobs=1)([delayed(effective_n_jobs)(None)]) == [4]


def test_a_backend_may_choose_the_nested_one():
    class Flat(ThreadingBackend):
        def get_nested_backend(self):
            return SequentialBackend(nesting_level=5), 3

    def inner():
        return type(Parallel()._backend).__name__, Parallel()._backend.nesting_level, Parallel().n_jobs

    assert Parallel(n_jobs=2, backend=Flat())([delayed(inner)()] * 2) == [("SequentialBackend", 5, 3)] * 2


class LevelOfItsOwn(LokyBackend):
    def get_nested_backend(self):
        return ThreadingBackend(nesting_level=1), 2


def test_a_process_backend_may_choose_it_too():
    assert Parallel(n_jobs=2, backend=LevelOfItsOwn())([delayed(effective_n_jobs)(None)] * 2) == [2, 2]


# -- names -------------------------------------------------------------------------------------------------------


def test_a_registered_backend_goes_by_its_name(monkeypatch):
    class Mine(SequentialBackend):
        def __init__(self, param=None, **keywords):
            super().__init__(**keywords)
            self.param = param

    monkeypatch.setattr(registry, "BACKENDS", registry.BACKENDS.copy())
    register_parallel_backend("mine", Mine)
    with parallel_config("mine", param=42, n_jobs=3):
        backend, n_jobs = config.get_active_backend()
        assert (type(backend), backend.param, n_jobs) == (Mine, 42, 3)
        assert Parallel()._backend is backend
    assert type(Parallel(backend="mine")._backend) is Mine


def test_a_registered_backend_may_be_the_default(monkeypatch):
    monkeypatch.setattr(registry, "BACKENDS", registry.BACKENDS.copy())
    monkeypatch.setattr(registry, "DEFAULT_BACKEND", registry.DEFAULT_BACKEND)
    register_parallel_backend("mine", SequentialBackend, make_default=True)
    assert backend_of(Parallel()) is SequentialBackend


def test_an_external_backend_registers_when_it_is_named(monkeypatch):
    monkeypatch.setattr(registry, "BACKENDS", registry.BACKENDS.copy())
    monkeypatch.setitem(registry.EXTERNAL_BACKENDS, "far", lambda: register_parallel_backend("far", ThreadingBackend))
    with parallel_config("far"):
        assert backend_of(Parallel()) is ThreadingBackend


def test_switching_processes_off_leaves_threads(run_script):
    result = run_script(
        """
        import warnings
        from plait.parallel import Parallel, delayed
        print(type(Parallel(n_jobs=2)._backend).__name__)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            print(Parallel(n_jobs=2, backend="loky")(delayed(abs)(i) for i in range(3)))
        print(caught[0].message)
        """,
        JOBLIB_MULTIPROCESSING="0",
    )
    assert result.stdout.splitlines() == [
        "ThreadingBackend",
        "[0, 1, 2]",
        "joblib backend 'loky' is not available on your system, falling back to threading.",
    ]


def test_the_interface_cannot_be_made_without_a_number_of_workers():
    with pytest.raises(TypeError, match="effective_n_jobs"):
        ParallelBackendBase()
