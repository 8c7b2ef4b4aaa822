"""plait.lazy.dataframe: lazy dataframes in partitions, with pandas' interface and dask.dataframe's names."""

from plait.lazy.dataframe.creation import from_dict as from_dict
from plait.lazy.dataframe.creation import from_pandas as from_pandas
from plait.lazy.dataframe.delayed_values import from_delayed as from_delayed
from plait.lazy.dataframe.frames import DataFrame as DataFrame
from plait.lazy.dataframe.frames import Index as Index
from plait.lazy.dataframe.frames import Scalar as Scalar
from plait.lazy.dataframe.frames import Series as Series
from plait.lazy.dataframe.functions import isna as isna
from plait.lazy.dataframe.functions import map_overlap as map_overlap
from plait.lazy.dataframe.functions import map_partitions as map_partitions
from plait.lazy.dataframe.functions import repartition as repartition
from plait.lazy.dataframe.functions import to_datetime as to_datetime
from plait.lazy.dataframe.functions import to_numeric as to_numeric
from plait.lazy.dataframe.functions import to_timedelta as to_timedelta
from plait.lazy.dataframe.groupby.aggregation import Aggregation as Aggregation
from plait.lazy.dataframe.io.orc import to_orc as to_orc
from plait.lazy.dataframe.io.writing_parquet import to_parquet as to_parquet
from plait.lazy.dataframe.io.writing_text import to_csv as to_csv
from plait.lazy.dataframe.io.writing_text import to_json as to_json
from plait.lazy.dataframe.joins import concat as concat
from plait.lazy.dataframe.joins import merge as merge
from plait.lazy.dataframe.joins import merge_asof as merge_asof
from plait.lazy.dataframe.pivoting import get_dummies as get_dummies
from plait.lazy.dataframe.pivoting import melt as melt
from plait.lazy.dataframe.pivoting import pivot_table as pivot_table
from plait.lazy.dataframe.reading import from_array as from_array
from plait.lazy.dataframe.reading import from_dask_array as from_dask_array
from plait.lazy.dataframe.reading import from_map as from_map
from plait.lazy.dataframe.reading import read_csv as read_csv
from plait.lazy.dataframe.reading import read_fwf as read_fwf
from plait.lazy.dataframe.reading import read_json as read_json
from plait.lazy.dataframe.reading import read_orc as read_orc
from plait.lazy.dataframe.reading import read_parquet as read_parquet
from plait.lazy.dataframe.reading import read_table as read_table

__all__ = [
    "to_orc",
    "read_orc",
    "Aggregation",
    "DataFrame",
    "Index",
    "Scalar",
    "Series",
    "concat",
    "from_array",
    "from_dask_array",
    "from_delayed",
    "from_dict",
    "from_map",
    "from_pandas",
    "get_dummies",
    "isna",
    "map_overlap",
    "map_partitions",
    "melt",
    "merge",
    "merge_asof",
    "pivot_table",
    "read_csv",
    "read_fwf",
    "read_json",
    "read_parquet",
    "read_table",
    "repartition",
    "to_csv",
    "to_datetime",
    "to_json",
    "to_numeric",
    "to_parquet",
    "to_timedelta",
]
