"""Expressions: what arrays and dataframes are, before they are layers of blocks.

expression   Expression: an operation and its operands
rewriting    the rewrites, in one ordered list
plans        expressions in graphs: rewritten together and made layers when a graph is lowered
collection   what arrays and dataframes have in common
showing      the graph of an expression for others; explain
"""

from plait.lazy.expressions.collection import Collection as Collection
from plait.lazy.expressions.expression import Expression as Expression
from plait.lazy.expressions.expression import walk as walk
from plait.lazy.expressions.plans import layer_of as layer_of

__all__ = ["Collection", "Expression", "layer_of", "walk"]
