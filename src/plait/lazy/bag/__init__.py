"""plait.lazy.bag: collections of Python objects in partitions, with the names of dask.bag.

from plait.lazy import bag

lines = bag.read_text("logs/*.gz")
lines.map(json.loads).pluck("name").frequencies().topk(10, key=1).compute()
"""

from __future__ import annotations

from plait.lazy.bag.bags import Bag, map_partitions
from plait.lazy.bag.bags import bag_map as map
from plait.lazy.bag.items import Item
from plait.lazy.bag.reading_avro import read_avro
from plait.lazy.bag.reading_text import read_text
from plait.lazy.bag.sources import bag_range as range
from plait.lazy.bag.sources import bag_zip as zip
from plait.lazy.bag.sources import concat, from_delayed, from_sequence, from_url
from plait.lazy.bag.writing_avro import to_avro
from plait.lazy.bag.writing_text import to_textfiles
from plait.lazy.computing import compute

__all__ = [
    "read_avro",
    "to_avro",
    "Bag",
    "map",
    "map_partitions",
    "Item",
    "range",
    "zip",
    "concat",
    "from_delayed",
    "from_sequence",
    "from_url",
    "read_text",
    "to_textfiles",
    "compute",
]
