"""Pipelines: steps of a task as one function. What one step gives, the next one takes, as an iterator where it can.

A pipeline is a head, a step whose arguments are pipelines or arguments of the whole, and a tail of steps of one
argument each. One object serves all partitions of a layer, so that it travels once to a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plait.lazy.bag.layers import Step
from plait.lazy.bag.streams import concrete


class Pipeline:
    """See the module.

    inner: for each argument of `head` the pipeline that makes it, or None where it is an argument of the whole.
    """

    __slots__ = ("__name__", "_further", "depth", "head", "inner", "last", "tail")

    def __init__(self, head: Step, inner: tuple[Pipeline | None, ...], tail: tuple[Step, ...] = ()) -> None:
        self.head = head
        self.inner = inner
        self.tail = tail
        self.last: Step = tail[-1] if tail else head
        within = [each for each in inner if each is not None]
        self.depth: int = 1 + len(tail) + max((each.depth for each in within), default=0)
        steps: list[Pipeline | Step] = [*within, head, *tail]
        self.__name__: str = " | ".join(each.__name__ for each in steps)
        self._further: dict[Step, Pipeline] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Pipeline, (self.head, self.inner, self.tail)

    def then(self, step: Step) -> Pipeline:
        """This and a step that takes what it gives; the same object each time."""
        longer = self._further.get(step)
        if longer is None:
            longer = self._further[step] = Pipeline(self.head, self.inner, (*self.tail, step))
        return longer

    def __call__(self, *args: Any) -> Any:
        return concrete(self._stream(iter(args)), self.last.elements)

    def _stream(self, args: Iterator[Any]) -> Any:
        """What the last step gives, of arguments that are taken from an iterator."""
        last = self.head
        values = [
            unwrapped(next(args)) if each is None else given(last, each._stream(args), each.last) for each in self.inner
        ]
        value = last.call(values.pop()) if len(values) == 1 else last.call(*values)
        for step in self.tail:
            value = step.call(value if step.lazily else concrete(value, last.elements))
            last = step
        return value


def given(reader: Step, value: Any, writer: Step) -> Any:
    """What the reader gets of what a step gave: an iterator, or a list."""
    return value if reader.lazily else concrete(value, writer.elements)


class Kept:
    """A constant in the arguments of a pipeline, in which no nodes are looked for."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return Kept, (self.value,)

    def __repr__(self) -> str:
        return repr(self.value)


def unwrapped(argument: Any) -> Any:
    """The argument that a pipeline was given."""
    return argument.value if type(argument) is Kept else argument
