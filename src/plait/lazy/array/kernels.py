"""Kernels: steps of a program that work element by element, with the reduction behind them, as one pass over memory.

`merged` is asked for each program that fused layers have become (see `blocks.programs`): steps whose results only one
of them reads become one step, a `Kernel`. What its elements are is known when it is first called; it is compiled then,
once for each combination of dtypes, to numpy's own inner loops over tiles (see `_native.tiles`). So promotion, overflow
and rounding are numpy's. A Kernel calls its steps one by one, as before, wherever a loop is not enough: for arrays of
other libraries, masked ones, objects and dates, for shapes that do not broadcast, where an operand would be computed
again for each row of a larger one, and where numpy would warn or raise.

Rejected: numba and numexpr, which have rules of promotion, functions and rounding of their own, cost half a second to
import or compile, and were no faster (see docs/design/collections.md).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from plait.lazy.array._native.tiles import Tiles, UnsupportedError
from plait.lazy.array.kinds import Chunk
from plait.lazy.blocks.programs import Program, Step, merge_with

UFUNCS: dict[Any, np.ufunc] = {
    operator.abs: np.absolute,
    operator.neg: np.negative,
    operator.pos: np.positive,
    operator.invert: np.invert,
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.floordiv: np.floor_divide,
    operator.mod: np.remainder,
    operator.pow: np.power,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or,
    operator.xor: np.bitwise_xor,
    operator.lshift: np.left_shift,
    operator.rshift: np.right_shift,
}
FLAGS = ((1, "divide"), (2, "over"), (4, "under"), (8, "invalid"))
CACHE = 24 * 1024  # bytes of all operands' tiles together: they stay in 32 KiB with what else is needed
TILE = (128, 4096)  # elements of a tile, at least and at most
NUMBERS = "?bBhHiIlLqQfdFD"  # dtypes' characters; half precision has no loops of its own worth it


class Cast:
    """block.astype(dtype, **options)."""

    __name__ = "astype"

    def __init__(self, dtype: Any, options: tuple[tuple[str, Any], ...] = ()) -> None:
        self.dtype = dtype
        self.options = options

    def __call__(self, block: Any) -> Any:
        return block.astype(self.dtype, **dict(self.options))

    def __dask_tokenize__(self) -> Any:
        return "astype", self.dtype, self.options


class Kernel:
    """A program that is run in one pass where it can be. See the module."""

    __slots__ = ("__name__", "_compiled", "_needs", "_program", "chunk")

    def __init__(self, program: Program) -> None:
        last = program.steps[-1].function
        self._program = program
        self._compiled: dict[Any, Tiles | None] = {}
        self._needs = _needs(program)
        self.chunk: Chunk | None = last if isinstance(last, Chunk) else None
        self.__name__ = f"kernel({program.__name__})"

    def __call__(self, *inputs: Any) -> Any:
        arrays = tuple([np.asarray(each) if isinstance(each, np.generic) else each for each in inputs])
        tiles = self._tiles(arrays)
        found = (
            None
            if tiles is None or not self._even(arrays)
            else tiles.run(arrays, self.chunk.axis if self.chunk else ())
        )
        if found is None:
            return self._program(*inputs)
        result, size, raised = found
        if raised and not _ignored(raised):
            return self._program(*inputs)  # numpy warns, raises or calls, as it is set to
        return result if self.chunk is None else self.chunk.kind.folded(result, size)

    def _tiles(self, arrays: tuple[Any, ...]) -> Tiles | None:
        """What to run for arrays of such dtypes."""
        for each in arrays:
            if type(each) is not np.ndarray:
                return None
        dtypes = tuple([each.dtype for each in arrays])
        try:
            return self._compiled[dtypes]
        except KeyError:
            try:
                tiles = _Compiling(self._program, dtypes).run()
            except (UnsupportedError, TypeError, ValueError, OverflowError):  # the plain call says what is wrong
                tiles = None
            return self._compiled.setdefault(dtypes, tiles)

    def _even(self, arrays: tuple[Any, ...]) -> bool:
        """Whether no step's result is smaller than the whole: it would be computed more than once."""
        shapes = [each.shape for each in arrays]
        if len(set(shapes)) == 1:
            return True
        try:
            whole = np.broadcast_shapes(*shapes)
            return all(np.broadcast_shapes(*[shapes[i] for i in needed]) == whole for needed in self._needs)
        except ValueError:
            return False

    def __reduce__(self) -> tuple[Any, ...]:
        return Kernel, (self._program,)

    def __repr__(self) -> str:
        return self.__name__


def _needs(program: Program) -> set[frozenset[int]]:
    """The inputs that each step follows from."""
    needed = [frozenset([i]) for i in range(program.inputs)] + [frozenset[int]()] * len(program.constants)
    for step in program.steps:
        needed.append(frozenset[int]().union(*[needed[each] for each in step.reads]))
    return set(needed[program.inputs + len(program.constants) :]) - {frozenset()}


def _ignored(raised: int) -> bool:
    """Whether numpy is set to say nothing of these floating-point errors."""
    settings = np.geterr()
    return all(settings[name] == "ignore" for bit, name in FLAGS if raised & bit)


class _Value(NamedTuple):
    """What a register holds: `place` among the operands; or a constant, whose dtype may be int, float or complex."""

    place: int | None
    dtype: Any
    constant: Any = None


class _Compiling:
    """From the steps of a program to instructions, for inputs of some dtypes.

    Temporaries are numbered as they are written; `_allocated` then lets those that are not alive together share one.
    """

    def __init__(self, program: Program, dtypes: Sequence[Any]) -> None:
        self._program = program
        self._inputs = len(dtypes)
        self._values: list[_Value] = [_Value(i, _plain(dtype)) for i, dtype in enumerate(dtypes)]
        self._values += [_Value(None, _kind_of(value), value) for value in program.constants]
        self._constants: list[Any] = []
        self._code: list[tuple[str, tuple[Any, ...], list[Any], Any]] = []  # what, its data, operands, dtype written
        self._fold: tuple[Any, ...] | None = None

    def run(self) -> Tiles:
        for step in self._program.steps:
            values = [self._values[each] for each in step.reads]
            if all(each.place is None for each in values):
                raise UnsupportedError("scalars only")
            if isinstance(step.function, Chunk):
                self._fold = self._folded(step.function, values[0])
            else:
                self._values.append(self._step(step.function, values))
        if not self._code or self._values[-1].place is None:
            raise UnsupportedError("nothing to compute")
        return self._built()

    def _step(self, function: Any, values: list[_Value]) -> _Value:
        if isinstance(function, Cast):
            return self._as(values[0], _plain(function.dtype))
        if function is np.where:
            return self._select(*values)
        if function is np.clip:
            return self._clipped(*values)
        if function is operator.pow and _is_root(*values):
            return self._call(np.sqrt, values[:1])
        return self._call(UFUNCS.get(function, function), values)

    def _call(self, ufunc: Any, values: list[_Value]) -> _Value:
        *given, result = ufunc.resolve_dtypes((*[each.dtype for each in values], None))
        place = _place(ufunc, (*given, result))
        operands = [self._as(value, dtype).place for value, dtype in zip(values, given, strict=True)]
        return self._write("call", (ufunc, place), operands, result)

    def _clipped(self, value: _Value, low: _Value, high: _Value) -> _Value:
        for ufunc, bound in ((np.maximum, low), (np.minimum, high)):
            if bound.place is not None or bound.constant is not None:
                value = self._call(ufunc, [value, bound])
        return value

    def _select(self, condition: _Value, one: _Value, other: _Value) -> _Value:
        kinds = [each.dtype if each.place is not None else each.constant for each in (one, other)]
        dtype = _plain(np.result_type(*kinds))
        read = [self._as(condition, np.dtype(bool)), self._as(one, dtype), self._as(other, dtype)]
        return self._write("select", (dtype.itemsize,), [each.place for each in read], dtype)

    def _as(self, value: _Value, dtype: Any) -> _Value:
        """A value as elements of a dtype."""
        if value.place is None:
            converted = np.array(value.constant, dtype=dtype)
            if isinstance(value.constant, np.generic):
                converted = np.asarray(value.constant).astype(dtype)
            self._constants.append(converted)
            return _Value(-len(self._constants), dtype)
        if value.dtype == dtype:
            return value
        _plain(dtype)
        beside = value
        if value.place < self._inputs:  # as it lies in memory; a cast goes over elements that lie side by side
            beside = self._write("move", (value.dtype.itemsize,), [value.place], value.dtype)
        return self._write("cast", (value.dtype, dtype), [beside.place], dtype)

    def _write(self, what: str, data: tuple[Any, ...], operands: list[Any], dtype: Any) -> _Value:
        self._code.append((what, data, operands, _plain(dtype)))
        return _Value(self._inputs + len(self._code) - 1, dtype)

    def _folded(self, chunk: Chunk, value: _Value) -> tuple[Any, ...]:
        fold = chunk.kind.fold(**chunk.options)
        if fold is None:
            raise UnsupportedError("this reduction is no fold")
        ufunc, dtype = fold
        dtype = _plain(dtype if dtype is not None else _reduced_dtype(ufunc, value.dtype))
        place = _place(ufunc, (dtype,) * 3)
        return ufunc, place, self._as(value, dtype).place, _identity(ufunc, dtype), dtype

    def _built(self) -> Tiles:
        last = self._inputs + len(self._code) - 1
        value = self._values[-1]
        if self._fold is None and (value.place != last or self._code[-1][0] == "cast"):
            # A result may be strided, and a cast writes side by side.
            last = self._write("move", (value.dtype.itemsize,), [value.place], value.dtype).place or 0
        result = self._fold[4] if self._fold is not None else self._code[-1][3]
        places, sizes = self._allocated(None if self._fold is not None else last)
        operands = self._inputs + len(sizes) + 1
        widest = max([result.itemsize, *sizes])
        tile = min(max(CACHE // (operands * widest) // 64 * 64, TILE[0]), TILE[1])
        tiles = Tiles(self._inputs, self._constants, sizes, len(self._code), result, tile)
        for number, (what, data, read, _) in enumerate(self._code):
            reads = tuple([self._operand(each, places) for each in read])
            write = places[self._inputs + number]
            if what == "call":
                tiles.add_call(data[0], data[1], reads, write)
            elif what == "select":
                tiles.add_select(data[0], reads, write)
            elif what == "cast":
                tiles.add_cast(data[0], data[1], reads[0], write)
            else:
                tiles.add_move(data[0], reads[0], write)
        if self._fold is not None:
            ufunc, place, read, identity, _ = self._fold
            tiles.set_fold(ufunc, place, self._operand(read, places), identity)
        return tiles

    def _operand(self, place: int, places: dict[int, int]) -> int:
        """The number of an operand in Tiles: inputs, constants, temporaries, the result."""
        if place < 0:
            return self._inputs - place - 1
        return place if place < self._inputs else places[place]

    def _allocated(self, last: int | None) -> tuple[dict[int, int], list[int]]:
        """Which temporary each instruction writes, as Tiles numbers them, and how long their elements are. last: what
        is the result itself.
        """
        ends: dict[int, int] = {}
        for number, (_, _, read, _) in enumerate(self._code):
            ends.update((each, number) for each in read)
        if self._fold is not None:
            ends[self._fold[2]] = len(self._code)
        first = self._inputs + len(self._constants)
        places: dict[int, int] = {}
        sizes: list[int] = []
        free: dict[int, list[int]] = {}
        for number, (what, _, read, dtype) in enumerate(self._code):
            ended = [each for each in dict.fromkeys(read) if each >= self._inputs and ends[each] == number]
            size = dtype.itemsize
            if what == "call":  # a loop may write where it reads, if elements are of one size
                _freed(ended, places, sizes, free, first, only=size)
            here = self._inputs + number
            if here == last:
                continue
            if free.get(size):
                places[here] = free[size].pop()
            else:
                places[here] = first + len(sizes)
                sizes.append(size)
            _freed(ended, places, sizes, free, first, skip=size if what == "call" else None)
        if last is not None:
            places[last] = first + len(sizes)
        return places, sizes


def _freed(
    ended: Iterable[int],
    places: dict[int, int],
    sizes: list[int],
    free: dict[int, list[int]],
    first: int,
    only: int | None = None,
    skip: int | None = None,
) -> None:
    for each in ended:
        size = sizes[places[each] - first]
        if (only is None or size == only) and size != skip:
            free.setdefault(size, []).append(places[each])


def _is_root(value: _Value, exponent: _Value) -> bool:
    """Whether value ** exponent is what numpy takes the square root for."""
    return type(exponent.constant) is float and exponent.constant == 0.5 and np.dtype(value.dtype).kind in "fc"


def _plain(dtype: Any) -> Any:
    """A dtype of numbers in the machine's order of bytes. Raises UnsupportedError."""
    dtype = np.dtype(dtype)
    if dtype.char not in NUMBERS or not dtype.isnative:
        raise UnsupportedError(f"{dtype} has no plain loops")
    return dtype


def _kind_of(value: Any) -> Any:
    """A constant's dtype, or int, float or complex, which adapt to others'."""
    if type(value) in (int, float, complex):
        return type(value)
    return np.asarray(value).dtype if isinstance(value, (bool, np.generic)) else None


def _place(ufunc: Any, dtypes: tuple[Any, ...]) -> int:
    """Where in a ufunc's list of types these are. Raises UnsupportedError."""
    wanted = "".join([dtype.char for dtype in dtypes])
    try:
        return int(ufunc.types.index(f"{wanted[: ufunc.nin]}->{wanted[ufunc.nin :]}"))
    except ValueError:
        raise UnsupportedError(f"{ufunc.__name__} has no plain loop for {wanted}") from None


def _reduced_dtype(ufunc: Any, dtype: Any) -> Any:
    if ufunc in (np.logical_or, np.logical_and):
        return bool
    return ufunc.reduce(np.ones(1, dtype=dtype)).dtype


def _identity(ufunc: Any, dtype: Any) -> Any:
    """What does not change a fold; of extremes, what every element replaces, or NaN takes the place of."""
    if ufunc.identity is not None:
        return np.asarray(ufunc.identity, dtype=dtype)
    least = ufunc is np.maximum
    if dtype.kind == "b":
        return np.asarray(not least)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.asarray(limits.min if least else limits.max, dtype=dtype)
    bound = -np.inf if least else np.inf
    return np.asarray(complex(bound, bound) if dtype.kind == "c" else bound, dtype=dtype)


def merged(program: Program) -> Program:
    """A program in which a Kernel stands for steps that it can run in one pass."""
    roots = _roots(program)
    members: dict[int, list[int]] = {}
    for number, root in enumerate(roots):
        if root is not None:
            members.setdefault(root, []).append(number)
    members = {root: found for root, found in members.items() if len(found) > 1}
    if not members:
        return program
    inside = {number for found in members.values() for number in found}
    before = program.inputs + len(program.constants)
    places = {each: each for each in range(before)}
    steps: list[Step] = []
    for number, step in enumerate(program.steps):
        if number in inside and number not in members:
            continue
        made = _kernel_step(program, members[number]) if number in members else step
        steps.append(Step(made.function, tuple([places[each] for each in made.reads]), made.names))
        places[before + number] = before + len(steps) - 1
    return Program(program.inputs, program.constants, steps)


def _roots(program: Program) -> list[int | None]:
    """For each step the last one of the kernel that it is part of."""
    before = program.inputs + len(program.constants)
    readers: dict[int, list[int]] = {}
    for number, step in enumerate(program.steps):
        for each in step.reads:
            readers.setdefault(each, []).append(number)
    roots: list[int | None] = [None] * len(program.steps)
    for number in range(len(program.steps) - 1, -1, -1):
        step = program.steps[number]
        if isinstance(step.function, Chunk):
            roots[number] = number if step.function.kind.fold(**step.function.options) is not None else None
        elif _is_elementwise(step, program):
            found = {roots[each] for each in readers.get(before + number, ())}
            only = found.pop() if len(found) == 1 else None
            roots[number] = number if only is None else only
    return roots


def _is_elementwise(step: Step, program: Program) -> bool:
    function = step.function
    for each in step.reads:
        place = each - program.inputs
        if 0 <= place < len(program.constants) and not _is_scalar(program.constants[place], function):
            return False
    if step.names:
        return False
    if isinstance(function, np.ufunc):
        return function.nout == 1 and function.signature is None and len(step.reads) == function.nin
    counts = {np.where: 3, np.clip: 3}
    if function in (np.where, np.clip):
        return len(step.reads) == counts[function]
    return isinstance(function, Cast) or function in UFUNCS


def _is_scalar(value: Any, function: Any) -> bool:
    return (
        type(value) in (bool, int, float, complex)
        or isinstance(value, np.generic)
        or (value is None and function is np.clip)
    )


def _kernel_step(program: Program, members: list[int]) -> Step:
    """Some steps as one. It reads what they read of others; scalars are its own."""
    before = program.inputs + len(program.constants)
    reads: dict[int, None] = {}
    constants: dict[int, None] = {}
    for number in members:
        for each in program.steps[number].reads:
            if program.inputs <= each < before:
                constants[each] = None
            elif each - before not in members:
                reads[each] = None
    order = [*reads, *constants, *[before + number for number in members]]
    places = {each: place for place, each in enumerate(order)}
    steps = [
        Step(step.function, tuple([places[each] for each in step.reads]), step.names)
        for step in [program.steps[number] for number in members]
    ]
    own = Program(len(reads), [program.constants[each - program.inputs] for each in constants], steps)
    return Step(Kernel(own), tuple(reads))


merge_with(merged)
