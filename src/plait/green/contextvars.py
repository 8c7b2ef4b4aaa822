"""Context variables, for programs that import them from here.

Every greenlet has a context of its own (layer 1 switches it with the stack), so the standard library's module is
cooperative as it is, and this one gives its names.
"""

from contextvars import Context as Context
from contextvars import ContextVar as ContextVar
from contextvars import Token as Token
from contextvars import copy_context as copy_context

__all__ = ["Context", "ContextVar", "Token", "copy_context"]
