"""The hot paths of layer 3 in Cython, and what only C can do."""
