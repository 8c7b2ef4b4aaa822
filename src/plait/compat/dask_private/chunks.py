"""dask.graph_manipulation.chunks: what tasks call that wait for others."""

from plait.lazy.graphs.waiting import checked as checkpoint
from plait.lazy.graphs.waiting import first as bind

__all__ = ["bind", "checkpoint"]
