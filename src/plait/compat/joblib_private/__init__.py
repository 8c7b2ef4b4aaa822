"""The private names of joblib that its own tests and some libraries import, over plait's modules.

Names only: what does something is in `plait.parallel`. One module here for one of joblib's where a table's row of
places would not do.
"""
