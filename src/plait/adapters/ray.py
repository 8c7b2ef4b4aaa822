"""Ray as an engine (extra "ray"): each block is a remote call.

A block's result is an object of Ray's, which stays where it was made until a block that reads it, or the caller, wants
it. Ray resolves the references among a call's arguments, retries calls whose worker died, and takes what it needs from
lost objects by calling again. It is started, on this machine, where the program has not connected it to a cluster.

compute()'s options are Ray's own for a call: num_cpus, num_gpus, max_retries, resources, scheduling_strategy, ...

The caller waits through a Waiter, which the futures of Ray's own thread wake; other greenlets go on. What ends the wait
cancels the calls that have not begun, and interrupts those that run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plait.adapters.blocks import Block, BlockFailed, cut, failure_of
from plait.green.waiter import Waiter
from plait.lazy.engines import Engine

if TYPE_CHECKING:
    from plait.lazy._native.arena import Arena

# What of compute()'s options a call takes; others are for other schedulers.
_OPTIONS = {
    "accelerator_type",
    "label_selector",
    "max_retries",
    "memory",
    "num_cpus",
    "num_gpus",
    "resources",
    "retry_exceptions",
    "runtime_env",
    "scheduling_strategy",
}


class RayEngine(Engine):
    """Ray's cluster, in this process's connection to it."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def compute(self, arena: Arena, options: Mapping[str, Any]) -> list[Any]:
        blocks, calls = self._start(arena, options)
        block_of = {number: i for i, block in enumerate(blocks) for number in block.gives}
        wanted = sorted({block_of[number] for number in arena.outputs})
        try:
            values = self._results([calls[i] for i in wanted])
        except BaseException as error:
            self._cancel(calls)
            told = self._told(error)
            raise told from told.__cause__
        results = dict(zip(wanted, values, strict=True))
        return [blocks[block_of[number]].value(number, results[block_of[number]]) for number in arena.outputs]

    def persist(self, arena: Arena, options: Mapping[str, Any]) -> list[Any]:
        blocks, calls = self._start(arena, options)
        pick = self._ray.remote(_pick)
        kept = {}
        for block, call in zip(blocks, calls, strict=True):
            for place, number in enumerate(block.gives):
                kept[number] = call if len(block.gives) == 1 else pick.remote(call, place)
        return [kept[number] for number in arena.outputs]

    def _start(self, arena: Arena, options: Mapping[str, Any]) -> tuple[list[Block], list[Any]]:
        """The blocks, and the call that computes each."""
        cpus = int(self._ray.cluster_resources().get("CPU", 2))
        blocks = cut(arena, max(2, cpus), self._ray.ObjectRef)
        known = {name: value for name, value in options.items() if name in _OPTIONS}
        run = self._ray.remote(_run)
        calls: list[Any] = []
        for block in blocks:
            read = [calls[each] if isinstance(each, int) else each for each in block.reads]
            name = block.program.__name__
            calls.append(run.options(name=name, **known).remote(block.program, *read))
        return blocks, calls

    def _results(self, calls: list[Any]) -> list[Any]:
        """What some calls gave, as soon as all have ended or one has failed."""
        waiter: Waiter[None] = Waiter()
        left = len(calls)

        def hear(future: Any) -> None:
            nonlocal left
            left -= 1
            error = future.exception()
            if error is not None:
                waiter.throw(error)
            elif not left:
                waiter.wake()

        futures = [call.future() for call in calls]
        for future in futures:
            future.add_done_callback(hear)
        waiter.wait()
        return [future.result() for future in futures]

    def _cancel(self, calls: list[Any]) -> None:
        for call in calls:
            self._ray.cancel(call, force=False)

    def _told(self, error: BaseException) -> BaseException:
        """What the caller is to raise: a node's own exception, where that is what happened."""
        cause = getattr(error, "cause", None)
        return failure_of(cause if isinstance(cause, BlockFailed) else error)


def _run(program: Any, *values: Any) -> Any:
    return program(*values)


def _pick(result: list[Any], place: int) -> Any:
    return result[place]


def engine(asked: Any) -> RayEngine:
    """Ray, started where it is not running. Raises ImportError where it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise ImportError('scheduler="ray" needs Ray; pip install "plait[ray]"') from error
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    return RayEngine(ray)
