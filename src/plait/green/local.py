"""Greenlet-local attributes: an object that looks different from each greenlet.

Each greenlet has a dictionary of its own, made when it first touches the object, and the class's `__init__` runs in
it again with the first arguments. The dictionary goes when either the greenlet or the object does. Cost: one comparison
where the same greenlet asks again, else a look-up in a dictionary. Native: see `_native/locals.pyx`.
"""

from plait.green._native.locals import all_local_dicts_for_greenlet, local

__all__ = ["all_local_dicts_for_greenlet", "local"]
