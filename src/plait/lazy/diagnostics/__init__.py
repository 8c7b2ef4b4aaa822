"""What a computation does, while it does it and afterwards: callbacks that show or record it."""

from plait.lazy.diagnostics.profiles import CacheProfiler as CacheProfiler
from plait.lazy.diagnostics.profiles import Profiler as Profiler
from plait.lazy.diagnostics.progress import ProgressBar as ProgressBar
from plait.lazy.diagnostics.resources import ResourceProfiler as ResourceProfiler

__all__ = ["CacheProfiler", "Profiler", "ProgressBar", "ResourceProfiler"]
