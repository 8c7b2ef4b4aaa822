"""Reading: an expression with a piece, of a file or of anything, for each partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression, unknown


class FromPieces(FrameExpression):
    """reader()(piece) for each of `pieces`, an operand. Subclasses give `meta` and `reader`.

    A reader is a callable that can be pickled; it gives a pandas object of the meta's columns and dtypes.
    """

    pieces: Sequence[Any]

    def reader(self) -> Callable[[Any], Any]:
        """What reads a piece."""
        raise NotImplementedError

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(len(self.pieces))

    def layer(self, *inputs: Layer) -> Layer:
        piece = PerBlock(Piecewise(self.pieces))
        sizes: dict[Any, int] = {"partition": len(self.pieces)}
        return blocks.blockwise(self.reader(), AXIS, (piece, AXIS), name=self.name, sizes=sizes)


class Piecewise:
    """A partition's piece, by its index."""

    def __init__(self, pieces: Sequence[Any]) -> None:
        self._pieces = pieces

    def __call__(self, index: tuple[int, ...]) -> Any:
        return self._pieces[index[0]]
