"""Warnings and errors of patching."""

from __future__ import annotations

import warnings

__all__ = ["BadImplements", "MonkeyPatchWarning", "Warnings"]


class MonkeyPatchWarning(RuntimeWarning):
    """Patching found something that will do harm."""


class BadImplements(AttributeError):
    """A module that is to be patched in does not say which names it implements."""


class Warnings(list[str]):
    """Messages that are shown when patching has ended: the warnings module may need what is being patched."""

    def show(self) -> None:
        for message in self:
            warnings.warn(message, MonkeyPatchWarning, stacklevel=3)
        self.clear()
