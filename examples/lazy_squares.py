"""Six lazy calls that block for one second each, computed together."""

import time

from plait import compute, delayed


def square(i: int) -> int:
    time.sleep(1)
    return i * i


if __name__ == "__main__":
    print(compute(*[delayed(square)(i) for i in range(6)]))
