"""plait.adapters: graphs of plait on the engines of others. Each is imported when it is asked for.

blocks       a graph in coarse blocks, and how a worker runs one
distributed  the `distributed` package: its clients as schedulers
ray          Ray
"""
