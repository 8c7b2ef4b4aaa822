"""`python -m` of this package: see `program`."""

from plait.green.monkey.program import main

if __name__ == "__main__":
    main()
