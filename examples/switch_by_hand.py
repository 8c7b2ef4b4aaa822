"""Two greenlets that hand control to each other by hand."""

from plait.greenlet import greenlet


def foo() -> None:
    print("Foo start")
    gr2.switch()
    print("Foo end")
    gr2.switch()


def bar() -> None:
    print("Bar start")
    gr1.switch()
    print("Bar end")


gr1, gr2 = greenlet(foo), greenlet(bar)
gr1.switch()
