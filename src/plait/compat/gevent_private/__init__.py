"""The private names of gevent that its own tests and some libraries import, over plait's modules.

Names only: what does something is in `plait.green`. One module here for one of gevent's where a table's row of places
would not do.
"""
