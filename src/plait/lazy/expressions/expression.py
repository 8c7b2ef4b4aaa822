"""Expression: an operation and its operands, immutable, with all that is known before data is touched.

A class is an operation. `parameters` names its operands, each of which becomes an attribute; operands that are
expressions, also inside tuples, lists and values of dictionaries, are its inputs. What follows from the operands
(shape, dtype, chunks of an array; columns, dtypes, divisions of a dataframe) is a cached property of the class, so
building costs no more than the operands do. Two expressions with equal operands have the same name, and are computed
once.

    class Transpose(ArrayExpression):
        parameters = ("array", "axes")
        ...
        def layer(self, array: Layer) -> Layer: ...

`layer` is the physical form: given the layers of the inputs, in their order, that of the expression (see `blocks`). It
is asked after rewriting, when a graph is lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from plait.lazy.blocks import Layer
from plait.lazy.tokens import tokenize

Self = TypeVar("Self", bound="Expression")


class Expression:
    """An operation. See the module.

    parameters: the operands' names; defaults: name -> value of those that may be left out. label: how names of such
    expressions start. family: "array" or "dataframe".
    """

    __slots__ = ("__dict__", "__weakref__", "given_name", "operands")

    parameters: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}
    label: ClassVar[str] = "expression"
    family: ClassVar[str] = ""

    operands: tuple[Any, ...]
    given_name: str | None
    note = ""  # what a rewrite has to say of it, for explain()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # operands are attributes

    def __init_subclass__(cls) -> None:
        if "label" not in cls.__dict__:
            cls.label = cls.__name__.lower()
        for place, name in enumerate(cls.__dict__.get("parameters", ())):
            if name not in cls.__dict__:
                setattr(cls, name, property(_getter(place)))

    def __init__(self, *operands: Any, name: str | None = None, **named: Any) -> None:
        """name: one that was given, instead of one that tells the operands."""
        if named or len(operands) < len(self.parameters):
            rest = self.parameters[len(operands) :]
            try:
                operands = (*operands, *[named.pop(each) if each in named else self.defaults[each] for each in rest])
            except KeyError as error:
                raise TypeError(f"{type(self).__name__} needs {error.args[0]}") from None
        if named or len(operands) != len(self.parameters):
            raise TypeError(f"{type(self).__name__} takes {self.parameters}; got {len(operands)}, and {list(named)}")
        self.operands = operands
        self.given_name = name

    @cached_property
    def name(self) -> str:
        """The start of its blocks' keys."""
        for each in walk([self], lambda each: "name" in each.__dict__):  # inputs first: chains may be long
            if each is not self:
                _ = each.name
        return self.given_name or f"{self.prefix}-{tokenize(type(self).__qualname__, *self.operands)}"

    @property
    def prefix(self) -> str:
        """The start of the name: `label`, or what says more."""
        return self.label

    @cached_property
    def inputs(self) -> tuple[Expression, ...]:
        """The expressions among the operands, each occurrence, in order."""
        found: list[Expression] = []
        for operand in self.operands:
            _collect(operand, found)
        return tuple(found)

    def with_inputs(self: Self, inputs: Sequence[Expression]) -> Self:
        """The same operation on inputs of equal value, given in the order of `inputs`."""
        if all(new is old for new, old in zip(inputs, self.inputs, strict=True)):
            return self
        rest = iter(inputs)
        operands = [filled(operand, rest) for operand in self.operands]
        return type(self)(*operands, name=self.given_name)

    @property
    def numblocks(self) -> tuple[int, ...]:
        """How many blocks there are along each axis; a dataframe has one axis."""
        raise NotImplementedError

    def layer(self, *inputs: Layer) -> Layer:
        """The blocks. inputs: the layers of the expression's inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no physical form")

    def describe(self) -> str:
        """What explain() prints of it."""
        shown = [
            f"{name}={_short(operand)}"
            for name, operand in zip(self.parameters, self.operands, strict=True)
            if not _holds(operand) and operand is not self.defaults.get(name, _ABSENT)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __dask_tokenize__(self) -> Any:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.name}>"


_ABSENT: Any = object()


def walk(
    roots: Iterable[Expression], done_with: Callable[[Expression], bool] = lambda expression: False
) -> list[Expression]:
    """All expressions below some, these included, each once, inputs first. Not recursive: chains may be long.

    done_with: whether to leave one out, with what is below it.
    """
    done: dict[int, Expression] = {}
    stack: list[tuple[Expression, bool]] = [(root, False) for root in reversed(list(roots))]
    while stack:
        expression, entered = stack.pop()
        if id(expression) in done:
            continue
        if entered:
            done[id(expression)] = expression
        else:
            stack.append((expression, True))
            stack.extend(
                (each, False) for each in reversed(expression.inputs) if id(each) not in done and not done_with(each)
            )
    return list(done.values())


def mapped(roots: Sequence[Expression], function: Callable[[Any], Expression]) -> list[Expression]:
    """Some expressions with each one below replaced by function(it on its replaced inputs), inputs first.

    Equal expressions become one object.
    """
    new: dict[int, Expression] = {}
    by_name: dict[str, Expression] = {}
    for expression in walk(roots):
        replaced = function(expression.with_inputs([new[id(each)] for each in expression.inputs]))
        new[id(expression)] = by_name.setdefault(replaced.name, replaced)
    return [new[id(root)] for root in roots]


def _getter(place: int) -> Callable[[Expression], Any]:
    return lambda self: self.operands[place]


def _collect(operand: Any, found: list[Expression]) -> None:
    if isinstance(operand, Expression):
        found.append(operand)
    elif type(operand) in (tuple, list):
        for each in operand:
            _collect(each, found)
    elif type(operand) is dict:
        for each in operand.values():
            _collect(each, found)


def _holds(operand: Any) -> bool:
    found: list[Expression] = []
    _collect(operand, found)
    return bool(found)


def filled(operand: Any, inputs: Iterator[Any]) -> Any:
    """An operand with the next of some values in the place of each expression in it."""
    if isinstance(operand, Expression):
        return next(inputs)
    if type(operand) in (tuple, list) and _holds(operand):
        return type(operand)([filled(each, inputs) for each in operand])
    if type(operand) is dict and _holds(operand):
        return {name: filled(each, inputs) for name, each in operand.items()}
    return operand


def _short(value: Any) -> str:
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
