"""Windows of rows of each group."""

from __future__ import annotations

from typing import Any


class RollingGroupBy:
    """groups.rolling(...): each method is that of pandas, on partitions that have whole groups."""

    def __init__(self, groups: Any, options: dict[str, Any]) -> None:
        self._groups = groups
        self._options = {name: value for name, value in options.items() if value is not None}

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_"):
            raise AttributeError(method)

        def call(*args: Any, **keywords: Any) -> Any:
            return self._groups._by_shuffle(_rolled, (self._options, method, args), keywords, None)

        return call


def _rolled(groups: Any, options: dict[str, Any], method: str, args: tuple[Any, ...], **keywords: Any) -> Any:
    rows = groups.rolling(**options)
    return getattr(rows, method)(*args, **keywords)
