"""`wrap_non_picklable_objects`: values and functions that travel by value, whatever the pickler.

plait's own transport needs no wrapper: what pickle cannot name it sends by value anyhow. The wrapper is for other
picklers: a multiprocessing.Pool, a file.
"""

from __future__ import annotations

from typing import Any


class WrappedObject:
    """Stands for `obj`, and pickles by value.

    keep_wrapper: whether what is loaded is wrapped again, to travel on.
    """

    def __init__(self, obj: Any, keep_wrapper: bool = False) -> None:
        self._obj = obj
        self._keep_wrapper = keep_wrapper

    def __reduce__(self) -> tuple[Any, ...]:
        import cloudpickle  # takes as long as all of plait.parallel

        data = cloudpickle.dumps(self._obj)
        return (_load_wrapped, (data,)) if self._keep_wrapper else (cloudpickle.loads, (data,))

    def __getattr__(self, name: str) -> Any:
        if name in ("_obj", "_keep_wrapper"):  # not set yet, while being copied
            raise AttributeError(name)
        return getattr(self._obj, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._obj!r})"


class WrappedCallable(WrappedObject):
    """A WrappedObject that is called as its object is."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._obj(*args, **kwargs)


def wrap_non_picklable_objects(obj: Any, keep_wrapper: bool = True) -> Any:
    """An object that does what `obj` does and pickles by value; of a class, one whose instances do."""
    if isinstance(obj, type):
        return _wrapped_class(obj, keep_wrapper)
    return WrappedCallable(obj, keep_wrapper) if callable(obj) else WrappedObject(obj, keep_wrapper)


def _wrapped_class(cls: type, keep_wrapper: bool) -> type:
    has_call = any("__call__" in base.__dict__ for base in cls.__mro__)  # not by getattr, which finds that of `type`
    base = WrappedCallable if has_call else WrappedObject

    def init(self: WrappedObject, *args: Any, **kwargs: Any) -> None:
        WrappedObject.__init__(self, cls(*args, **kwargs), keep_wrapper)

    return type(cls.__name__, (base,), {"__init__": init, "__doc__": cls.__doc__, "__module__": cls.__module__})


def _load_wrapped(data: bytes) -> Any:
    import pickle

    return wrap_non_picklable_objects(pickle.loads(data), keep_wrapper=True)
