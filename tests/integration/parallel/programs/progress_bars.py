"""Bars over joblib's loops, by the three ways that are in use: a patched callback, a subclass, a generator."""

import io

import joblib
from joblib import Parallel, delayed
from tqdm import tqdm
from tqdm_joblib import ParallelPbar, tqdm_joblib
from witness import tell

TASKS = 30


def square(x):
    return x * x


def bar(**settings):
    return {"file": io.StringIO(), "mininterval": 0, "total": TASKS, **settings}


def patched(n_jobs, backend):
    """Counts every batch that ends; the callback is joblib's own again afterwards."""
    before = joblib.parallel.BatchCompletionCallBack
    with tqdm_joblib(**bar()) as shown:
        results = Parallel(n_jobs=n_jobs, backend=backend)(delayed(square)(x) for x in range(TASKS))
    restored = joblib.parallel.BatchCompletionCallBack is before
    again = Parallel(n_jobs=n_jobs, backend=backend)(delayed(square)(x) for x in range(5))
    return results == [x * x for x in range(TASKS)], shown.n, restored, again


def package():
    return ParallelPbar("squares", file=io.StringIO())(n_jobs=2)(delayed(square)(x) for x in range(TASKS))


class ProgressParallel(Parallel):
    """A loop that shows what it has dispatched and completed, as many projects have one."""

    def __call__(self, tasks):
        with tqdm(**bar()) as self.bar:
            return super().__call__(tasks)

    def print_progress(self):
        self.bar.total = self.n_dispatched_tasks
        self.bar.n = self.n_completed_tasks
        self.bar.refresh()


def subclassed(n_jobs, backend):
    loop = ProgressParallel(n_jobs=n_jobs, backend=backend, pre_dispatch="all")
    results = loop(delayed(square)(x) for x in range(TASKS))
    return results[-1], loop.bar.n, loop.bar.total


def generated(return_as):
    loop = Parallel(n_jobs=2, return_as=return_as)
    return sorted(tqdm(loop(delayed(square)(x) for x in range(TASKS)), **bar()))


if __name__ == "__main__":
    tell(
        {
            "patched": [patched(n_jobs, backend) for n_jobs, backend in [(2, "loky"), (2, "threading")]],
            "package": package(),
            "subclassed": [subclassed(2, "loky"), subclassed(2, "threading"), subclassed(1, "loky")],
            "generated": [generated("generator"), generated("generator_unordered")],
        }
    )
