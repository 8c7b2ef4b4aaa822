"""parallel_config: what loops take where their caller named nothing.

A setting is explicit (passed to Parallel), or set around the code by parallel_config, or a default. Inside of a task
nothing is set around the code, and the default backend follows from how deep the task is (see `nesting`).

Settings belong to a context (contextvars): a thread begins with none, a greenlet or asyncio task with its parent's, and
none of them sees what another sets.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple

from plait.parallel import nesting
from plait.parallel.backends import registry
from plait.parallel.backends.base import ACTIVE, ParallelBackendBase, above

PREFERENCES = ("processes", "threads", None)
REQUIREMENTS = ("sharedmem", None)


class Default:
    """Stands for a setting that nobody has made, and knows what it is then."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"default({self.value!r})"


class Settings(NamedTuple):
    """Of a context, each a value or a Default; or in force, all of them values."""

    backend: Any = Default(None)
    n_jobs: Any = Default(None)
    verbose: Any = Default(0)
    temp_folder: Any = Default(None)
    max_nbytes: Any = Default("1M")
    mmap_mode: Any = Default("r")
    prefer: Any = Default(None)
    require: Any = Default(None)

    @property
    def inner_max_num_threads(self) -> int | None:
        return getattr(self.backend, "inner_max_num_threads", None)

    @property
    def backend_params(self) -> dict[str, Any]:
        """Further keywords that the backend was made with."""
        return dict(getattr(self.backend, "backend_kwargs", ()))

    def values(self) -> Settings:
        return Settings(*[item.value if isinstance(item, Default) else item for item in self])

    def or_else(self, outer: Settings) -> Settings:
        """These settings, and where there are none those of `outer`."""
        return Settings(*[theirs if isinstance(own, Default) else own for own, theirs in zip(self, outer, strict=True)])


DEFAULTS = Settings()


def around() -> Settings:
    """What is set around the code that runs."""
    settings: Settings | None = nesting.settings.get()
    return _of_scope() if settings is None else settings


def current() -> Settings:
    """The settings in force, for a loop that is given none."""
    return around().values()


def _of_scope() -> Settings:
    scope = nesting.scope()
    if scope.level == 0 and scope.backend is None:
        return DEFAULTS
    backend = scope.backend
    if backend is None:
        backend = registry.at_level(scope.level)
    elif isinstance(backend, bytes):  # it came to a worker process
        import pickle

        backend = pickle.loads(backend)
    return DEFAULTS._replace(backend=backend, n_jobs=scope.n_jobs)


def get_active_backend(
    prefer: Any = DEFAULTS.prefer, require: Any = DEFAULTS.require, verbose: Any = DEFAULTS.verbose
) -> tuple[ParallelBackendBase, int | None]:
    """The backend, and the number of workers, of a loop that names none. Raises ValueError."""
    given = DEFAULTS._replace(prefer=prefer, require=require, verbose=verbose)
    settings = choose_backend(given.or_else(around()))
    return settings.backend, settings.values().n_jobs


above[ACTIVE] = get_active_backend


def choose_backend(settings: Settings) -> Settings:
    """The same settings with a backend: the one that they have, unless the code asks for what it has not."""
    prefer, require = _checked(settings.values())
    chosen = settings.values().backend
    backend = registry.default(nesting_level=0) if chosen is None else chosen
    threads = getattr(backend, "uses_threads", False)
    if require == "sharedmem" and not getattr(backend, "supports_sharedmem", False):
        substitute = registry.make(registry.DEFAULT_THREAD_BACKEND, nesting_level=backend.nesting_level)
        if chosen is not None and settings.values().verbose >= 10:
            print(
                f"Using {type(substitute).__name__} as joblib backend instead of {type(backend).__name__} "
                "as the latter does not provide shared memory semantics."
            )
        return settings._replace(backend=substitute, n_jobs=1)  # the number was meant for the other backend
    if chosen is None and prefer == "threads" and not threads:
        substitute = registry.make(registry.DEFAULT_THREAD_BACKEND, nesting_level=backend.nesting_level)
        return settings._replace(backend=substitute)
    if chosen is None and prefer == "processes" and threads:
        substitute = registry.make(registry.DEFAULT_PROCESS_BACKEND, nesting_level=backend.nesting_level)
        return settings._replace(backend=substitute)
    return settings._replace(backend=backend)


def _checked(settings: Settings) -> tuple[str | None, str | None]:
    prefer, require = settings.prefer, settings.require
    if prefer not in PREFERENCES:
        raise ValueError(f"prefer={prefer} is not a valid backend hint; pass one of {PREFERENCES}")
    if require not in REQUIREMENTS:
        raise ValueError(f"require={require} is not a valid backend constraint; pass one of {REQUIREMENTS}")
    if prefer == "processes" and require == "sharedmem":
        raise ValueError(
            "prefer == 'processes' and require == 'sharedmem' are inconsistent settings: "
            "processes do not share the caller's memory; leave one of the two out"
        )
    return prefer, require


class parallel_config:
    """Settings for all loops below: in a `with` block, or from the call on until unregister().

        with parallel_config(backend="threading", n_jobs=2):
            Parallel()(delayed(f)(x) for x in xs)

    backend: a name, or a ParallelBackendBase. backend_params: keywords for the backend, where it is a name.
    inner_max_num_threads: threads of BLAS and OpenMP in a worker process. The others: as for Parallel, which goes
    before them where it is given a value. The block's value is the settings as a dict.
    Raises ValueError for settings that do not go together.
    """

    def __init__(
        self,
        backend: Any = DEFAULTS.backend,
        *,
        n_jobs: Any = DEFAULTS.n_jobs,
        verbose: Any = DEFAULTS.verbose,
        temp_folder: Any = DEFAULTS.temp_folder,
        max_nbytes: Any = DEFAULTS.max_nbytes,
        mmap_mode: Any = DEFAULTS.mmap_mode,
        prefer: Any = DEFAULTS.prefer,
        require: Any = DEFAULTS.require,
        inner_max_num_threads: int | None = None,
        **backend_params: Any,
    ) -> None:
        outer = around()
        backend = _backend(backend, outer, inner_max_num_threads, backend_params)
        own = Settings(backend, n_jobs, verbose, temp_folder, max_nbytes, mmap_mode, prefer, require)
        self._before = nesting.settings.get()
        self._outer = outer
        self._settings = own.or_else(outer)
        nesting.settings.set(self._settings)

    def __enter__(self) -> Any:
        return self._settings._asdict()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unregister()

    def unregister(self) -> None:
        """End the settings."""
        nesting.settings.set(self._before)


class parallel_backend(parallel_config):
    """parallel_config with the backend alone, and by default all cores. The block's value is (backend, n_jobs)."""

    def __init__(
        self, backend: Any, n_jobs: int | None = -1, inner_max_num_threads: int | None = None, **backend_params: Any
    ) -> None:
        super().__init__(backend, n_jobs=n_jobs, inner_max_num_threads=inner_max_num_threads, **backend_params)
        self.old_backend_and_jobs = self._outer.backend, self._outer.n_jobs
        self.new_backend_and_jobs = self._settings.backend, self._settings.n_jobs

    def __enter__(self) -> tuple[ParallelBackendBase, int | None]:
        return self.new_backend_and_jobs


def _backend(backend: Any, outer: Settings, inner_max_num_threads: int | None, params: dict[str, Any]) -> Any:
    """The backend that parallel_config was given, ready for use; a Default where it was given none."""
    if isinstance(backend, Default):
        if inner_max_num_threads is not None or params:
            names = ", ".join([*params, *(["inner_max_num_threads"] if inner_max_num_threads is not None else [])])
            raise ValueError(
                f"{names}: parameters of a backend, which are only supported when backend is not None; "
                "name the backend that they are for"
            )
        return backend
    if isinstance(backend, str):
        backend = registry.make(backend, **params)
    elif params:
        raise ValueError(
            f"{', '.join(params)}: parameters of a backend, which are only supported when backend is a string; "
            "make the backend with them instead"
        )
    if inner_max_num_threads is not None:
        if not backend.supports_inner_max_num_threads:
            raise InnerThreadsError(
                f"{type(backend).__name__} does not accept setting the inner_max_num_threads argument; "
                'pass backend="processes", or leave it out'
            )
        backend.inner_max_num_threads = inner_max_num_threads
    if getattr(backend, "nesting_level", None) is None:
        parent = outer.values().backend
        backend.nesting_level = 0 if parent is None else parent.nesting_level
    return backend


class InnerThreadsError(ValueError, AssertionError):
    """A backend has no worker processes whose threads could be limited. An AssertionError for joblib's callers."""
