"""A pool that waits for work is no hope for a hub: a deadlock is found beside it."""

import pytest

KINDS = {"threads": 'Parallel(n_jobs=2, prefer="threads")', "processes": "Parallel(n_jobs=2)"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_deadlock_beside_a_warm_pool_raises(run_script, kind):
    done = run_script(f"""
from plait import Parallel, delayed, green
from plait.green.event import Event

if __name__ == "__main__":
    assert {KINDS[kind]}(delayed(abs)(-n) for n in range(4)) == [0, 1, 2, 3]
    try:
        Event().wait()
    except green.LoopExit:
        print("found")
    assert {KINDS[kind]}(delayed(abs)(-n) for n in range(4)) == [0, 1, 2, 3]
""")
    assert (done.stdout, done.stderr) == ("found\n", "")
