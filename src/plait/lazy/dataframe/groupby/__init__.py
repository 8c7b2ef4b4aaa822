"""Groupby: aggregations by a tree of partial results, everything else by a shuffle.

partials       what is kept of each group, how that is combined, and what is made of it at last
aggregating    GroupbyAggregate: the expression, given which functions of which columns
specs          what users say as agg(...), as a list of functions of columns
shuffled       GroupbyApply: functions that need all rows of a group
collections    DataFrameGroupBy, SeriesGroupBy
"""
