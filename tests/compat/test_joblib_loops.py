"""joblib.parallel under its own name: what programs import from it, and what they put into it."""


def test_a_bar_that_is_put_into_joblib_hears_of_the_tasks(holds):
    out = holds(
        """
        from plait import compat
        compat.install("joblib")
        import joblib
        from joblib import Parallel, delayed

        seen = []

        class Bar(joblib.parallel.BatchCompletionCallBack):
            def __call__(self, *args, **kwargs):
                seen.append(self.batch_size)
                return super().__call__(*args, **kwargs)

        before = joblib.parallel.BatchCompletionCallBack
        joblib.parallel.BatchCompletionCallBack = Bar
        try:
            assert Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(20)) == list(range(20))
        finally:
            joblib.parallel.BatchCompletionCallBack = before
        Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(20))
        print(sum(seen), joblib.parallel.BatchCompletionCallBack is before)
        """
    )
    assert out == "20 True\n"


def test_the_default_backend_is_read_and_set_where_it_is(holds):
    out = holds(
        """
        from plait import compat
        compat.install("joblib")
        from joblib import parallel
        from joblib.parallel import BACKENDS, DEFAULT_BACKEND, register_parallel_backend
        print(DEFAULT_BACKEND, sorted(BACKENDS))
        register_parallel_backend("threading", BACKENDS["threading"], make_default=True)
        print(parallel.DEFAULT_BACKEND, type(parallel.get_active_backend()[0]).__name__)
        parallel.DEFAULT_BACKEND = "loky"
        print(parallel.DEFAULT_BACKEND, type(parallel.get_active_backend()[0]).__name__)
        """
    )
    assert out.splitlines() == [
        "loky ['loky', 'multiprocessing', 'sequential', 'threading']",
        "threading ThreadingBackend",
        "loky LokyBackend",
    ]


def test_a_library_registers_its_backend_by_joblibs_names(holds):
    out = holds(
        """
        from plait import compat
        compat.install("joblib")
        import joblib
        from concurrent.futures import ThreadPoolExecutor
        from joblib.parallel import AutoBatchingMixin, ParallelBackendBase, register_parallel_backend

        class Cluster(AutoBatchingMixin, ParallelBackendBase):
            supports_retrieve_callback = True

            def effective_n_jobs(self, n_jobs):
                return n_jobs

            def configure(self, n_jobs=1, parallel=None, **keywords):
                self.parallel = parallel
                self.executor = ThreadPoolExecutor(n_jobs)
                return n_jobs

            def submit(self, func, callback=None):
                future = self.executor.submit(func)
                future.add_done_callback(callback)
                return future

            def retrieve_result_callback(self, future):
                return future.result()

            def terminate(self):
                self.executor.shutdown()

        register_parallel_backend("cluster", Cluster)
        with joblib.parallel_config("cluster", n_jobs=2):
            print(type(joblib.parallel.get_active_backend()[0]).__name__, joblib.effective_n_jobs(None))
            print(joblib.Parallel()(joblib.delayed(abs)(-i) for i in range(5)))
        """
    )
    assert out.splitlines() == ["Cluster 2", "[0, 1, 2, 3, 4]"]


def test_what_scikit_learn_and_others_take_from_it(holds):
    holds(
        """
        from plait import compat
        compat.install("joblib")
        import joblib
        from joblib.logger import short_format_time
        from joblib._parallel_backends import (
            LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend
        )
        assert joblib.parallel.mp.get_context is not None
        assert joblib.parallel.BACKENDS["loky"] is LokyBackend
        assert joblib.parallel.default_parallel_config["mmap_mode"].value == "r"
        assert joblib.parallel.VALID_BACKEND_HINTS == ("processes", "threads", None)
        assert joblib.parallel.memstr_to_bytes("1K") == 1024
        """
    )
