"""Rewrites of dataframe expressions, one a file; `expressions.rewriting` says in which order they run."""
