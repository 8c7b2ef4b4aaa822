"""Accessors of users."""

import pandas as pd
import pytest

from plait.lazy.dataframe import DataFrame, Index, Series, from_pandas
from plait.lazy.dataframe.registering import (
    register_dataframe_accessor,
    register_index_accessor,
    register_series_accessor,
)


@pytest.mark.parametrize(
    ("register", "kind"),
    [(register_dataframe_accessor, DataFrame), (register_series_accessor, Series), (register_index_accessor, Index)],
)
def test_a_class_is_an_accessor(register, kind):
    @register("mine_alone")
    class Mine:
        def __init__(self, frame):
            self.frame = frame

        def doubled(self):
            return self.frame + self.frame

    try:
        frame = pd.DataFrame({"a": [1, 2]}, index=[3, 4])
        lazy = from_pandas(frame, npartitions=2)
        held = {DataFrame: lazy, Series: lazy["a"], Index: lazy.index}[kind]
        assert held.mine_alone.doubled().compute().equals(held.compute() + held.compute())
        assert kind.mine_alone is Mine
    finally:
        del kind.mine_alone
