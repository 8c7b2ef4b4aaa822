"""Translating: from frame expressions to relations, by a whitelist of classes.

A translation is a function (expression, translator) -> Relation. It raises UnsupportedError where pandas' result would
differ; the expression then runs on pandas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.relational.relation import Relation, UnsupportedError

Translation: TypeAlias = Callable[[Any, "Translator"], Relation]

_translations: dict[type, Translation] = {}


def translates(*kinds: type) -> Callable[[Translation], Translation]:
    """Register the translation of some classes of expressions; not of their subclasses."""

    def register(translation: Translation) -> Translation:
        for kind in kinds:
            _translations[kind] = translation
        return translation

    return register


class Translator:
    """Translates the expressions of one computation: each object once, so what is shared stays shared."""

    def __init__(self) -> None:
        self._found: dict[int, Relation | UnsupportedError] = {}
        self._kept: list[FrameExpression] = []  # ids stay theirs

    def relation(self, expression: FrameExpression) -> Relation:
        """Raises UnsupportedError."""
        found = self._found.get(id(expression))
        if found is None:
            try:
                found = self._translated(expression)
            except UnsupportedError as error:
                found = error
            self._found[id(expression)] = found
            self._kept.append(expression)
        if isinstance(found, UnsupportedError):
            raise found
        return found

    def _translated(self, expression: FrameExpression) -> Relation:
        translation = _translations.get(type(expression))
        if translation is None:
            raise UnsupportedError(f"{type(expression).__name__} runs on pandas")
        return translation(expression, self)

    def operand(self, value: Any) -> Any:
        """The relation of an operand that is an expression; any other value as it is."""
        return self.relation(value) if isinstance(value, FrameExpression) else value
