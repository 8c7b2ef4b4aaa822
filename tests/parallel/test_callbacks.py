"""How libraries and programs hear of finished batches, in the ways that are in use."""

import contextlib
import pickle

import pytest

from plait.parallel import Parallel, callbacks, delayed
from plait.parallel.callbacks import BatchedCalls

BACKENDS = ["processes", "threading", "sequential"]


@contextlib.contextmanager
def hear(seen):
    """What progress bars for joblib do."""

    class Hearing(callbacks.BatchCompletionCallBack):
        def __call__(self, *args, **kwargs):
            seen.append(self.batch_size)
            return super().__call__(*args, **kwargs)

    before = callbacks.BatchCompletionCallBack
    callbacks.BatchCompletionCallBack = Hearing
    try:
        yield
    finally:
        callbacks.BatchCompletionCallBack = before


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("return_as", ["list", "generator"])
def test_a_callback_in_the_slot_hears_of_every_task(backend, return_as):
    seen = []
    with hear(seen):
        results = Parallel(n_jobs=2, backend=backend, return_as=return_as)(delayed(abs)(-i) for i in range(50))
        assert list(results) == list(range(50))
    assert sum(seen) == 50
    Parallel(n_jobs=2, backend=backend)(delayed(abs)(i) for i in range(5))
    assert sum(seen) == 50


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_subclass_may_follow_the_counts(backend):
    class Following(Parallel):
        def __init__(self, *args, **kwargs):
            self.seen = []
            super().__init__(*args, **kwargs)

        def print_progress(self):
            assert 0 <= self.n_completed_tasks <= self.n_dispatched_tasks
            assert self.n_dispatched_batches <= self.n_dispatched_tasks
            self.seen.append(self.n_completed_tasks)

    following = Following(n_jobs=2, backend=backend)
    assert following(delayed(abs)(-i) for i in range(50)) == list(range(50))
    assert following.seen == sorted(following.seen)
    assert following.seen[-1] == following.n_dispatched_tasks == 50


def test_progress_and_callbacks_go_together():
    seen, done = [], []
    with hear(seen):
        Parallel(n_jobs=2, progress=lambda ended, total: done.append((ended, total)))([delayed(abs)(1)] * 20)
    assert sum(seen) == 20
    assert done[-1] == (20, 20)


def test_a_batch_of_calls_travels_and_runs():
    batch = BatchedCalls([delayed(abs)(-1), (divmod, (7, 2), {})])
    assert len(batch) == 2
    assert pickle.loads(pickle.dumps(batch))() == [1, (3, 1)]
