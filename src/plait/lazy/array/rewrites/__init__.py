"""Rewrites of array expressions, one a file; see `expressions.rewriting`."""
