from collections.abc import Callable, Iterable
from typing import Any

class Node:
    @property
    def _function(self) -> Callable[..., Any]: ...
    @property
    def _args(self) -> tuple[Any, ...]: ...
    @property
    def _kwargs(self) -> dict[str, Any] | None: ...
    @property
    def _inputs(self) -> tuple[Any, ...]: ...
    @property
    def _id(self) -> int: ...
    @property
    def _key(self) -> Any: ...
    @property
    def _nout(self) -> int | None: ...
    @property
    def _pure(self) -> bool | None: ...
    @property
    def key(self) -> Any: ...
    def _filled(self, values: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]: ...
    def __call__(self, *args: Any, pure: bool | None = None, dask_key_name: Any = None, **kwargs: Any) -> Any: ...

class Template:
    nodes: list[Any]
    def __init__(self, items: Iterable[Any], traverse: bool = True) -> None: ...
    def fill(self, values: list[Any]) -> tuple[Any, ...]: ...

def register(
    delayed: type[Node],
    function: type[Node],
    calls_value: Callable[..., Any],
    method: type,
    gives_value: Callable[[Any], Any],
    collection: Callable[[Any], Any],
) -> None: ...
def leaf(
    value: Any, key: Any = None, pure: bool | None = None, nout: int | None = None, traverse: bool = False
) -> Any: ...
def make(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    pure: bool | None,
    nout: int | None,
    key: Any,
) -> Any: ...
def make_as(
    kind: type[Node],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    pure: bool | None,
    nout: int | None,
    key: Any,
    traverse: bool = True,
) -> Any: ...
