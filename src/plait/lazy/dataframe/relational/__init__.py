"""Relational parts of dataframe expressions, as queries of Polars.

relation      what a frame expression is for Polars; missing values
translating   the whitelist of classes;  scalars, rows, groups, joins, sources: its entries
plan          RelationalPlan: one query as an expression;  results: back to pandas
"""

from plait.lazy.dataframe.relational import groups as groups
from plait.lazy.dataframe.relational import joins as joins
from plait.lazy.dataframe.relational import rows as rows
from plait.lazy.dataframe.relational import scalars as scalars
from plait.lazy.dataframe.relational import sources as sources
from plait.lazy.dataframe.relational.plan import RelationalPlan as RelationalPlan
from plait.lazy.dataframe.relational.plan import planned as planned
from plait.lazy.dataframe.relational.relation import UnsupportedError as UnsupportedError
from plait.lazy.dataframe.relational.translating import Translator as Translator
