"""python -m dask"""

from plait.compat.dask_private.cli import run_cli as main

if __name__ == "__main__":
    main()
