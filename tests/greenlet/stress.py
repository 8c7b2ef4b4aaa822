"""Random operations on greenlets against a model that says, before each, who runs next and what arrives there.

    python tests/greenlet/stress.py --operations 1000000 --seed 7 --threads 1

Whoever runs draws the next operation: create, switch, throw, return, raise, drop, adopt, change a parent, look at a
frame, recurse deeper through Python or C, come back, collect. The model predicts its outcome, references included: the
last reference to a parked greenlet ends it there and then, in an order that is predicted too. Every arrival is compared
with the prediction. All randomness comes from the seed, which is printed; the same seed repeats a run.
"""

import argparse
import contextvars
import gc
import os
import sys
import threading
import traceback
import weakref
from dataclasses import dataclass
from random import Random

from plait.greenlet import GreenletExit, getcurrent, greenlet, stats

NEW, RUNNING, PARKED, DEAD = "new", "running", "parked", "dead"
MAIN = 0
OWNER = contextvars.ContextVar("OWNER", default=None)
MOST_REGISTERED = 40
MOST_ALIVE = 120
DEEPEST = 12


class Sent(Exception):
    """What is thrown and raised."""


class Marker(Exception):
    """Handled while a greenlet is parked, to see that it still is afterwards."""


class Unwind(BaseException):
    """Carries a greenlet's result through the levels of its recursion to the outermost."""


# The model ------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Node:
    """A greenlet as the model sees it. references: registry, children, who waits in a switch to it, being current."""

    number: int
    parent: "Node | None"
    state: str = NEW
    registered: bool = True
    held: "Node | None" = None  # whose switch() or throw() it is parked in
    references: int = 1


class Model:
    """Predicts. `expected` is what arrives in whom; `kills` are who end on the way, in order."""

    def __init__(self):
        self.nodes = {MAIN: Node(MAIN, None, RUNNING, references=2)}
        self.running = self.nodes[MAIN]
        self.expected = None
        self.kills = []
        self.created = 0

    # References

    def release(self, node):
        node.references -= 1
        assert node.references >= 0
        if node.references == 0:
            self._free(node)

    def _free(self, node):
        if node.state is PARKED:
            held, node.held = node.held, None
            if held is not None:
                self.release(held)
            self.kills.append(node.number)
        node.state = DEAD
        del self.nodes[node.number]
        self.release(node.parent)

    # Operations that switch to nobody

    def create(self, parent):
        self.created += 1
        node = Node(self.created, parent)
        parent.references += 1
        self.nodes[node.number] = node
        return node

    def drop(self, node):
        node.registered = False
        self.release(node)

    def adopt(self, node):
        node.registered = True
        node.references += 1

    def can_have_parent(self, node, parent):
        while parent is not None:
            if parent is node:
                return False
            parent = parent.parent
        return True

    def set_parent(self, node, parent):
        parent.references += 1
        previous, node.parent = node.parent, parent
        self.release(previous)

    # Operations that switch

    def switch(self, target, args, kwargs):
        self._wait_for(target)
        self._deliver(target, args, kwargs, None)

    def throw(self, target, error):
        self._wait_for(target)
        if target.state is DEAD and isinstance(error, GreenletExit):
            self._deliver(target, (error,), {}, None)
        else:
            self._deliver(target, None, None, error)

    def finish(self, result, error):
        """The running one ends with a result, or with an error that leaves it."""
        node = self.running
        node.state = DEAD
        if isinstance(error, GreenletExit):
            result, error = error, None
        if error is None:
            self._deliver(node.parent, (result,), {}, None)
        else:
            self._deliver(node.parent, None, None, error)

    def _wait_for(self, target):
        self.running.held = target
        target.references += 1

    def _deliver(self, target, args, kwargs, error):
        while True:
            if target.state is DEAD:
                target = target.parent
            elif target.state is NEW and error is not None:
                parent = target.parent
                self._arrive(target)
                target.state = DEAD  # it ends before it begins, and the error goes on
                if isinstance(error, GreenletExit):
                    args, kwargs, error = (error,), {}, None
                target = parent
            else:
                break
        if error is not None:
            self.expected = (target.number, "error", error)
        elif target.state is NEW:
            self.expected = (target.number, "start", (args, kwargs))
        else:
            self.expected = (target.number, "value", flatten(args, kwargs))
        self._arrive(target)

    def _arrive(self, target):
        origin = self.running
        if origin is not target:
            if origin.state is RUNNING:
                origin.state = PARKED
            target.references += 1
            self.running = target
            target.state = RUNNING
            self.release(origin)
        held, target.held = target.held, None
        if held is not None:
            self.release(held)


def flatten(args, kwargs):
    """What switch() returns where these arguments are sent."""
    if kwargs:
        return (args, kwargs) if args else kwargs
    return args[0] if len(args) == 1 else args


# The run --------------------------------------------------------------------------------------------------------


class Stress:
    """One thread's run: its model, and the greenlets that it is compared with."""

    def __init__(self, seed, operations):
        self.random = Random(seed)
        self.left = operations
        self.model = Model()
        self.closing = False
        self.strong = {MAIN: getcurrent()}
        self.weak = {MAIN: weakref.ref(getcurrent())}
        self.frames = []
        self.counts = {}

    def run(self):
        """In the thread's main greenlet."""
        OWNER.set(MAIN)
        try:
            self.live(MAIN, 0)
        except Unwind:
            pass
        self.close()

    def close(self):
        """End all that is left, and see that nothing stays."""
        self.closing = True
        self.frames.clear()
        main = getcurrent()
        for number in list(self.weak):
            one = self.weak[number]()
            if one is not None and one is not main and not one.dead:
                one.parent = main
                one.throw()
                assert one.dead
        del one
        self.strong.clear()
        del main
        gc.collect()
        alive = [number for number, ref in self.weak.items() if ref() is not None]
        assert alive == [MAIN], f"greenlets that nothing refers to are alive: {alive}"

    # In every greenlet

    def body(self, number, args, kwargs):
        try:
            if self.closing:
                return None
            OWNER.set(number)
            assert self.weak[number]() is getcurrent()
            self.check(number, "start", (args, kwargs))
            try:
                self.live(number, 0)
            except Unwind as end:
                return end.args[0]
        except BaseException as failure:
            if not self.closing and not isinstance(failure, (Sent, GreenletExit)):
                self.fail(number, failure)
            raise
        self.fail(number, AssertionError("the outermost level has ended by itself"))
        return None

    def fail(self, number, failure):
        """A failed check must reach the user, whoever it is raised in."""
        traceback.print_exception(failure)
        print(f"failed in greenlet {number} with {self.left} operations left", file=sys.stderr, flush=True)
        os._exit(1)

    def live(self, number, depth):
        """Operations of one greenlet at one level of its recursion, until it leaves the level."""
        token = [number, depth]
        while self.operate(number, depth):
            assert token == [number, depth]

    def operate(self, number, depth):
        """Draw one operation and do it. False: leave this level."""
        if self.left <= 0:
            if number == MAIN:
                raise Unwind
            self.switch(number, self.model.nodes[MAIN])
            return True
        self.left -= 1
        names, weights = self.choices(number, depth)
        name = self.random.choices(names, weights)[0]
        self.counts[name] = self.counts.get(name, 0) + 1
        return getattr(self, "do_" + name)(number, depth)

    def choices(self, number, depth):
        """What may be done now, and how likely. Drops and ends outweigh creation where there are many."""
        registered, alive = len(self.strong), len(self.model.nodes)
        weights = {
            "create": 20 if registered < MOST_REGISTERED and alive < MOST_ALIVE else 0,
            "switch": 50,
            "throw": 6,
            "drop": 20 if registered > MOST_REGISTERED // 2 else 5,
            "adopt": 20 if alive > MOST_ALIVE // 2 else 2,
            "parent": 6,
            "look": 2,
            "forget": 2,
            "descend": 6 if depth < DEEPEST else 0,
            "descend_c": 6 if depth < DEEPEST else 0,
            "ascend": 12 if depth else 0,
            "return": 8 if number != MAIN else 0,
            "raise": 4 if number != MAIN else 0,
            "collect": 0.02,
        }
        return list(weights), list(weights.values())

    def pick(self):
        """Some greenlet that the registry holds."""
        return self.model.nodes[self.random.choice(list(self.strong))]

    # Arrivals

    def check(self, number, kind, got):
        assert not self.model.kills, f"these should have ended by now: {self.model.kills}"
        assert OWNER.get() == number
        assert self.model.running.number == number
        expected, self.model.expected = self.model.expected, None
        same = got is expected[2] if kind == "error" else got == expected[2]
        assert (number, kind) == expected[:2], f"{(number, kind, got)} where {expected} was expected"
        assert same, f"{(number, kind, got)} where {expected} was expected"

    def arrive_with_error(self, number, failure):
        """True where it is handled here; otherwise the caller lets it pass, and the greenlet ends with it."""
        if self.closing:
            return False
        if self.model.kills and self.model.kills[0] == number:
            assert isinstance(failure, GreenletExit)
            assert OWNER.get() == number
            del self.model.kills[0]
            return False
        if not isinstance(failure, (Sent, GreenletExit)):
            return False  # a failed check
        self.check(number, "error", failure)
        if number == MAIN or self.random.random() < 0.5:
            return True
        self.model.finish(None, failure)
        return False

    # Operations that switch

    def arguments(self):
        shape = self.random.randrange(6)
        value = self.random.randrange(10**6)
        return (
            ((), {}),
            ((value,), {}),
            ((value, value + 1), {}),
            ((), {"key": value}),
            ((value,), {"key": value + 1}),
            ((None,), {}),
        )[shape]

    def switch(self, number, target):
        args, kwargs = self.arguments()
        self.model.switch(target, args, kwargs)
        target = target.number
        try:
            got = self.strong[target].switch(*args, **kwargs)
        except BaseException as failure:
            if not self.arrive_with_error(number, failure):
                raise
        else:
            self.check(number, "value", got)

    def do_switch(self, number, depth):
        if self.random.random() < 0.7:
            self.switch(number, self.pick())
            return True
        try:
            raise Marker(number, depth)
        except Marker:
            self.switch(number, self.pick())
            assert sys.exc_info()[1].args == (number, depth)
        assert not isinstance(sys.exc_info()[1], Marker)
        return True

    def do_throw(self, number, depth):
        target = self.pick()
        error = GreenletExit(self.left) if self.random.random() < 0.3 else Sent(self.left)
        self.model.throw(target, error)
        target = target.number
        try:
            got = self.strong[target].throw(error)
        except BaseException as failure:
            del error
            if not self.arrive_with_error(number, failure):
                raise
        else:
            del error
            self.check(number, "value", got)
        return True

    def do_return(self, number, depth):
        result = self.random.randrange(10**6)
        self.model.finish(result, None)
        raise Unwind(result)

    def do_raise(self, number, depth):
        error = GreenletExit(self.left) if self.random.random() < 0.3 else Sent(self.left)
        self.model.finish(None, error)
        try:
            raise error
        finally:
            del error

    # Operations that do not

    def do_create(self, number, depth):
        parent = self.pick()
        node = self.model.create(parent)
        self.strong[node.number] = greenlet(Body(self, node.number), self.strong[parent.number])
        self.weak[node.number] = weakref.ref(self.strong[node.number])
        return True

    def do_drop(self, number, depth):
        target = self.pick()
        if target.number != MAIN:
            self.model.drop(target)
            del self.strong[target.number]
            self.settle(number)
        return True

    def do_adopt(self, number, depth):
        lost = [node for node in self.model.nodes.values() if not node.registered]
        if lost:
            target = self.random.choice(lost)
            self.model.adopt(target)
            self.strong[target.number] = self.weak[target.number]()
            assert self.strong[target.number] is not None, f"{target.number} has ended, though it is referred to"
        return True

    def do_parent(self, number, depth):
        child, parent = self.pick(), self.pick()
        if child.number == MAIN:
            return True
        if self.model.can_have_parent(child, parent):
            self.model.set_parent(child, parent)
            self.strong[child.number].parent = self.strong[parent.number]
            self.settle(number)
            return True
        try:
            self.strong[child.number].parent = self.strong[parent.number]
        except ValueError:
            return True
        raise AssertionError(f"{parent.number} became the parent of {child.number}, of which it is a descendant")

    def settle(self, number):
        assert not self.model.kills, f"these should have ended by now: {self.model.kills}"
        assert self.weak[number]() is getcurrent()
        assert OWNER.get() == number

    def do_look(self, number, depth):
        target = self.pick()
        one = self.strong[target.number]
        assert one.dead == (target.state is DEAD)
        assert bool(one) == (target.state in (RUNNING, PARKED))
        parent = one.parent
        assert parent is (None if target.parent is None else self.weak[target.parent.number]())
        frame = one.gr_frame
        assert (frame is not None) == (target.state is PARKED)
        if frame is not None and target.number != MAIN:
            names = []
            while frame is not None:
                names.append(frame.f_code.co_name)
                if names[-1] == "live":
                    assert frame.f_locals["number"] == target.number
                if self.random.random() < 0.1 and len(self.frames) < 20:
                    self.frames.append(frame)
                frame = frame.f_back
            assert names[-2:] == ["body", "__call__"], names
        return True

    def do_forget(self, number, depth):
        for frame in self.frames:
            assert frame.f_code.co_name
        del self.frames[: self.random.randrange(10)]
        return True

    def do_descend(self, number, depth):
        self.live(number, depth + 1)
        return True

    def do_descend_c(self, number, depth):
        sorted([0], key=lambda _: self.live(number, depth + 1) or 0)
        return True

    def do_ascend(self, number, depth):
        return False

    def do_collect(self, number, depth):
        gc.collect()
        self.settle(number)
        for freed in [freed for freed, ref in self.weak.items() if ref() is None]:
            del self.weak[freed]
        assert set(self.weak) == set(self.model.nodes)
        return True


class Body:
    """What a greenlet runs: it refers to no greenlet, so that all references are the model's."""

    def __init__(self, stress, number):
        self.stress = stress
        self.number = number

    def __call__(self, *args, **kwargs):
        return self.stress.body(self.number, args, kwargs)


def in_thread(make, index):
    """A run belongs to the thread whose main greenlet it is made in."""
    stress = make()
    try:
        stress.run()
    except BaseException as failure:
        stress.fail(f"main of thread {index}", failure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=20_000, help="of each thread (default 20,000)")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="default: random")
    parser.add_argument("--threads", type=int, default=1, help="that do so at the same time (default 1)")
    arguments = parser.parse_args()
    command = f"--seed {arguments.seed} --operations {arguments.operations} --threads {arguments.threads}"
    print(f"seed: {command}", flush=True)
    sys.setrecursionlimit(5000)
    stress = Stress(arguments.seed, arguments.operations)
    others = [
        threading.Thread(target=lambda n=n: in_thread(lambda: Stress(arguments.seed + n, arguments.operations), n))
        for n in range(1, arguments.threads)
    ]
    for other in others:
        other.start()
    in_thread(lambda: stress, 0)
    for other in others:
        other.join()
    gc.collect()
    getcurrent()
    assert stats()["used"] == 0, f"stacks are left: {stats()}"
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(stress.counts.items()))
    print(f"passed; {counts}; {stats()}")


if __name__ == "__main__":
    main()
