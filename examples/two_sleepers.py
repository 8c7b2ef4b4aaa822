"""Two greenlets that sleep at the same time: two seconds and one second take two seconds."""

from plait import green


def task(name: str, delay: float) -> None:
    print(f"{name} start")
    green.sleep(delay)
    print(f"{name} done")


if __name__ == "__main__":
    print(green.joinall([green.spawn(task, "T1", 2), green.spawn(task, "T2", 1)]))
