"""The peers: one table each, in the order of the layers."""

from plait.compat.rows import Peer
from plait.compat.tables.dask import DASK
from plait.compat.tables.gevent import GEVENT
from plait.compat.tables.greenlet import GREENLET
from plait.compat.tables.joblib import JOBLIB

PEERS: dict[str, Peer] = {peer.name: peer for peer in (GREENLET, GEVENT, JOBLIB, DASK)}
