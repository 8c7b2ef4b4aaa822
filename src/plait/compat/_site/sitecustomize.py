"""Imported by an interpreter as it starts, where `plait.compat` has put this folder on PYTHONPATH.

Another interpreter than plait's inherits the variable too; it goes on as if the folder were not there.
"""

from importlib.machinery import PathFinder

if PathFinder.find_spec("plait") is not None:
    from plait.compat.starting import begin

    begin()
