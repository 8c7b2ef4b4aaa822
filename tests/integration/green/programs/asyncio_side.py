"""Run a program's `work(*arguments)`, a coroutine function, on the loop named first, and print what it returned.

    python asyncio_side.py asyncio|plait PROGRAM [ARGUMENT ...]

On plait a greenlet takes turns with the loop all the while; how often it did is told, too.
"""

import asyncio
import importlib
import json
import sys


def on_asyncio(work):
    return asyncio.run(work), None


def on_plait(work):
    from plait import green
    from plait.green import aio

    turns = 0

    def ticker():
        nonlocal turns
        while True:
            green.sleep(0.001)
            turns += 1

    runner = green.spawn(ticker)
    result = aio.run(work)
    runner.kill()
    return result, turns


def main(side, program, *arguments):
    work = importlib.import_module(program).work
    result, turns = {"asyncio": on_asyncio, "plait": on_plait}[side](work(*arguments))
    print(json.dumps({"result": result, "turns": turns}))


if __name__ == "__main__":
    main(*sys.argv[1:])
