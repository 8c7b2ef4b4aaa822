"""Six calls of one second each on four worker processes: two rounds."""

import time

from plait import Parallel, delayed


def square(i: int) -> int:
    time.sleep(1)
    return i * i


if __name__ == "__main__":
    print(Parallel(n_jobs=4)(delayed(square)(i) for i in range(6)))
