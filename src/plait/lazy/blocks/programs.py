"""Programs: several functions as one, which gives each what it reads from numbered registers.

The registers are the inputs, then the constants, then one for each step. A register is emptied after its last reader,
so of a chain of large blocks two are alive at a time. Cost: some 0.3 us a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from plait.parallel.naming import function_name


class Step(NamedTuple):
    """A call. reads: registers; names: of the last of them, which are keywords."""

    function: Callable[..., Any]
    reads: tuple[int, ...]
    names: tuple[str, ...] = ()


class Program:
    """Calls its steps in order; the last one's value is its own."""

    __slots__ = ("__name__", "_ends", "constants", "inputs", "steps")

    def __init__(self, inputs: int, constants: Sequence[Any], steps: Sequence[Step]) -> None:
        self.inputs = inputs
        self.constants = tuple(constants)
        self.steps = tuple(steps)
        self._ends = _ends(self.steps)
        self.__name__ = " | ".join(function_name(step.function) for step in steps)

    def __call__(self, *inputs: Any) -> Any:
        registers = [*inputs, *self.constants]
        for step, ended in zip(self.steps, self._ends, strict=True):
            values = [registers[number] for number in step.reads]
            for number in ended:
                registers[number] = None
            if step.names:
                count = len(values) - len(step.names)
                named = dict(zip(step.names, values[count:], strict=True))
                registers.append(step.function(*values[:count], **named))
            else:
                registers.append(step.function(*values))
            del values
        return registers[-1]

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self.inputs, self.constants, self.steps)

    def __repr__(self) -> str:
        return f"Program({self.__name__})"


_mergers: list[Callable[[Program], Program]] = []


def merge_with(function: Callable[[Program], Program]) -> None:
    """From now on function(program) may give one in which a step stands for several."""
    _mergers.append(function)


def merged(program: Program) -> Program:
    """A program as those who know its functions would have it."""
    for function in _mergers:
        program = function(program)
    return program


def _ends(steps: Sequence[Step]) -> list[tuple[int, ...]]:
    """For each step the registers that nobody reads after it."""
    last: dict[int, int] = {}
    for place, step in enumerate(steps):
        for number in step.reads:
            last[number] = place
    ends: list[list[int]] = [[] for _ in steps]
    for number, place in last.items():
        ends[place].append(number)
    return [tuple(each) for each in ends]
