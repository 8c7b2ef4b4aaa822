"""plait.lazy.dataframe: lazy dataframes in partitions, with pandas' interface and dask.dataframe's names."""

from plait.lazy.dataframe.creation import from_pandas as from_pandas
from plait.lazy.dataframe.frames import DataFrame as DataFrame
from plait.lazy.dataframe.frames import Index as Index
from plait.lazy.dataframe.frames import Scalar as Scalar
from plait.lazy.dataframe.frames import Series as Series
from plait.lazy.dataframe.joins import merge as merge

__all__ = ["DataFrame", "Index", "Scalar", "Series", "from_pandas", "merge"]
