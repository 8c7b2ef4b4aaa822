"""A lock that is one in each process however often it was pickled."""

import gc
import pickle

from plait.lazy.locks import SerializableLock


def test_copies_are_one_lock_and_others_are_not():
    one, other = SerializableLock(), SerializableLock()
    copies = [one, pickle.loads(pickle.dumps(one)), pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(one))))]
    for each in copies:
        with each:
            assert not any(copy.acquire(False) for copy in copies)
            assert all(copy.locked() for copy in copies)
            with other:
                assert other.locked()
    assert not one.locked()
    assert one.acquire(blocking=True, timeout=1)
    one.release()


def test_a_name_is_a_lock():
    kept = SerializableLock("a")
    assert SerializableLock("a").lock is kept.lock
    assert SerializableLock("b").lock is not kept.lock


def test_locks_that_nobody_has_go():
    token = SerializableLock().token
    gc.collect()
    assert token not in SerializableLock._locks
