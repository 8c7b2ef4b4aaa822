"""Layers of blocks: one node for all blocks of a collection, which stays symbolic until it runs.

layers      Layer, blockwise(), and what operands may be
fusing      which neighbouring layers become one;  programs: the function of such a one
expanding   from layers to one node a block, when a graph is lowered
"""

from plait.lazy.blocks.expanding import parts as parts
from plait.lazy.blocks.expanding import register
from plait.lazy.blocks.layers import Block as Block
from plait.lazy.blocks.layers import Blocks as Blocks
from plait.lazy.blocks.layers import BlocksError as BlocksError
from plait.lazy.blocks.layers import Blockwise as Blockwise
from plait.lazy.blocks.layers import Given as Given
from plait.lazy.blocks.layers import Index as Index
from plait.lazy.blocks.layers import Layer as Layer
from plait.lazy.blocks.layers import Made as Made
from plait.lazy.blocks.layers import PerBlock as PerBlock
from plait.lazy.blocks.layers import block as block
from plait.lazy.blocks.layers import blockwise as blockwise
from plait.lazy.blocks.layers import given as given
from plait.lazy.blocks.layers import made as made
from plait.lazy.blocks.layers import nested as nested

register()

__all__ = [
    "Block",
    "Blocks",
    "BlocksError",
    "Blockwise",
    "Given",
    "Index",
    "Layer",
    "Made",
    "PerBlock",
    "block",
    "blockwise",
    "given",
    "made",
    "nested",
    "parts",
]
