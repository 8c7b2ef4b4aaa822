"""Graphs of plait on clusters of the `distributed` package (extra "distributed").

engine   one run of a graph, in the process that has the client
"""
