"""Memory: results of functions, kept on disk.

memory      Memory, expires_after
memorized   a function whose results are kept
results     references to kept values
stores      where entries lie, and how they are written;  registry: kinds of stores by name;  disk: folders
locks       one execution of several equal calls
codes       whether a function still is the one that was cached
functions   names, source and arguments of functions
"""

from plait.parallel.memory.codes import JobLibCollisionWarning as JobLibCollisionWarning
from plait.parallel.memory.memory import Memory as Memory
from plait.parallel.memory.memory import expires_after as expires_after
from plait.parallel.memory.registry import register_store_backend as register_store_backend
from plait.parallel.memory.results import MemorizedResult as MemorizedResult
from plait.parallel.memory.stores import CacheWarning as CacheWarning
from plait.parallel.memory.stores import StoreBackendBase as StoreBackendBase
