"""Functions of plain graphs, and what graphs are made of where nodes would be too many.

walks        what values need, in which order;  names: what a key may be
rewriting    replacing keys, tasks, patterns
culling      what some keys need;  inlining, fusing: fewer tasks
layered      HighLevelGraph: graphs of graphs
ordering     the order of the arena, for plain graphs
blocks       layers of blocks that stay symbolic until they run;  programs: the functions of fused ones
holding      checkpoint, wait_on, bind, clone
"""
