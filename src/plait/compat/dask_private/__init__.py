"""The names of dask that its own tests and some libraries import and plait has no use for, over plait's modules.

Names only: what does something is in `plait.lazy`. One module here for one of dask's where a table's row of places
would not do.
"""
