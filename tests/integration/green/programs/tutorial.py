"""What introductions to gevent show: jobs, links, events, queues, actors, pools, locals, locks, children, threads."""

import collections
import sys

import gevent
import witness
from gevent import subprocess
from gevent.event import AsyncResult, Event
from gevent.local import local
from gevent.lock import BoundedSemaphore
from gevent.pool import Group, Pool
from gevent.queue import Empty, JoinableQueue, PriorityQueue, Queue
from gevent.threadpool import ThreadPool, ThreadPoolExecutor


def taking_turns():
    order = []

    def say(name):
        order.append(f"{name} begins")
        gevent.sleep(0)
        order.append(f"{name} ends")

    gevent.joinall([gevent.spawn(say, "foo"), gevent.spawn(say, "bar")])
    return order


def states():
    def win():
        return "won"

    def lose():
        raise ValueError("lost")

    winner, loser = gevent.spawn(win), gevent.spawn(lose)
    loser.link_exception(lambda job: seen.append(type(job.exception).__name__))
    winner.link_value(lambda job: seen.append(job.value))
    seen = [winner.started, winner.ready()]
    gevent.joinall([winner, loser])
    gevent.sleep(0)
    return [*map(str, seen[:2]), *sorted(seen[2:])], winner.successful(), loser.successful(), loser.value


def subclassed():
    class Worker(gevent.Greenlet):
        def __init__(self, message, times):
            super().__init__()
            self.message = message
            self.times = times

        def _run(self):
            gevent.sleep(0)
            return self.message * self.times

    worker = Worker("hi", 3)
    worker.start()
    return worker.get()


def timed_out():
    seen = []
    try:
        with gevent.Timeout(0.005):
            gevent.sleep(3600)
    except gevent.Timeout as timeout:
        seen.append(str(timeout))
    with gevent.Timeout(0.005, False):
        gevent.sleep(3600)
    seen.append(gevent.with_timeout(0.005, gevent.sleep, 3600, timeout_value="late"))
    outer = gevent.Timeout.start_new(0.005)
    try:
        with gevent.Timeout(3600):
            gevent.sleep(3600)
    except gevent.Timeout as timeout:
        seen.append(timeout is outer)
    try:
        gevent.spawn(gevent.sleep, 3600).get(timeout=0.005)
    except gevent.Timeout:
        seen.append("get")
    return seen


def events():
    event, result, heard = Event(), AsyncResult(), []

    def setter():
        gevent.sleep(0.001)
        event.set()
        result.set("answer")

    def waiter(number):
        event.wait()
        heard.append((number, result.get()))

    gevent.joinall([gevent.spawn(setter), *[gevent.spawn(waiter, number) for number in range(3)]])
    failed = AsyncResult()
    gevent.spawn(lambda: 1 / 0).link(failed)
    try:
        failed.get(timeout=10)
    except ZeroDivisionError as error:
        heard.append(type(error).__name__)
    return heard


def boss_and_workers():
    tasks, done = Queue(maxsize=3), []

    def worker(name):
        try:
            while True:
                done.append(tasks.get(timeout=0.05))
                gevent.sleep(0)
        except Empty:
            return name
        return None

    def boss():
        for number in range(1, 25):
            tasks.put(number)

    workers = [gevent.spawn(worker, name) for name in ("steve", "john", "bob")]
    gevent.joinall([gevent.spawn(boss), *workers])
    return sorted(done) == list(range(1, 25)), sorted(job.value for job in workers)


def actors():
    class Actor(gevent.Greenlet):
        def __init__(self):
            super().__init__()
            self.inbox = Queue()
            self.other = None

        def _run(self):
            count = 0
            while True:
                message = self.inbox.get()
                if message == "stop":
                    return count
                count += 1
                if count == 100:
                    self.other.inbox.put("stop")
                    return count
                self.other.inbox.put("ping")

    ping, pong = Actor(), Actor()
    ping.other, pong.other = pong, ping
    ping.start()
    pong.start()
    ping.inbox.put("start")
    gevent.joinall([ping, pong])
    return ping.value, pong.value


def crawled():
    """A pool that feeds itself, until nothing is left to do."""
    links = {number: [2 * number, 2 * number + 1] for number in range(1, 64)}
    seen, todo, pool = set(), JoinableQueue(), Pool(5)

    def visit(page):
        gevent.sleep(0)
        for link in links.get(page, ()):
            if link not in seen:
                seen.add(link)
                todo.put(link)
        todo.task_done()

    def feed():
        for page in todo:
            pool.spawn(visit, page)

    feeder = gevent.spawn(feed)
    seen.add(1)
    todo.put(1)
    todo.join()
    todo.put(StopIteration)
    feeder.join()
    return len(seen), len(pool), pool.free_count()


def groups():
    group = Group()

    def intensive(number):
        gevent.sleep(0.001 * (3 - number))
        return number

    ordered = [list(group.imap(intensive, range(3))), sorted(group.imap_unordered(intensive, range(3)))]
    pool = Pool(2)
    running = collections.Counter()

    def count(number):
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        gevent.sleep(0)
        running["now"] -= 1
        return number * number

    ordered.append(pool.map(count, range(10)))
    killed = [group.spawn(gevent.sleep, 3600) for _ in range(3)]
    group.kill()
    return ordered, running["most"], [job.ready() for job in killed], pool.apply(pow, (2, 10))


def priorities():
    queue = PriorityQueue()
    for item in [(3, "c"), (1, "a"), (2, "b")]:
        queue.put(item)
    return [queue.get()[1] for _ in range(3)]


def locked():
    semaphore, order = BoundedSemaphore(2), []

    def worker(number):
        with semaphore:
            order.append(number)
            gevent.sleep(0)

    gevent.joinall([gevent.spawn(worker, number) for number in range(6)])
    try:
        semaphore.release()
    except ValueError:
        order.append("too many")
    return order


def locals_():
    stash, seen = local(), []

    def keep(number):
        stash.number = number
        gevent.sleep(0)
        seen.append(stash.number)

    gevent.joinall([gevent.spawn(keep, number) for number in range(3)])
    return seen, hasattr(stash, "number")


def children():
    """Other greenlets run while a child does."""
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            gevent.sleep(0.001)

    ticker = gevent.spawn(tick)
    both = [subprocess.Popen([sys.executable, "-c", "print(6 * 7)"], stdout=subprocess.PIPE) for _ in range(2)]
    gevent.wait(both, timeout=60)
    said = [child.communicate()[0].decode().strip() for child in both]
    echoed = subprocess.run(["cat"], input=b"x" * 300_000, stdout=subprocess.PIPE, check=True).stdout
    try:
        subprocess.check_call(["sleep", "3600"], timeout=0.01)
    except subprocess.TimeoutExpired as error:
        said.append(type(error).__name__)
    ticker.kill()
    codes = [child.returncode for child in both]
    return said, codes, len(echoed), len(ticks) > 3, subprocess.call(["sh", "-c", "exit 3"])


def threads():
    import threading

    barrier = threading.Barrier(3)  # not patched: of the threads

    def meet(number):
        barrier.wait(60)
        return number

    pool = ThreadPool(3)
    met = sorted(pool.imap_unordered(meet, range(3)))
    applied = pool.apply(sum, ([1, 2, 3],))
    pool.kill()
    with ThreadPoolExecutor(2) as executor:
        futures = [executor.submit(pow, 2, number) for number in range(5)]
        return met, applied, [future.result() for future in futures]


def waited():
    """iwait yields what is ready first; wait counts; killall ends the rest."""
    slow, quick = gevent.spawn(gevent.sleep, 3600), gevent.spawn_later(0.001, lambda: "quick")
    first = next(iter(gevent.iwait([slow, quick])))
    some = gevent.wait([slow, quick], count=1)
    gevent.killall([slow, quick])
    return first.value, some == [quick], isinstance(slow.value, gevent.GreenletExit)


def work():
    return {
        name: function()
        for name, function in {
            "taking_turns": taking_turns,
            "states": states,
            "subclassed": subclassed,
            "timed_out": timed_out,
            "events": events,
            "boss_and_workers": boss_and_workers,
            "actors": actors,
            "crawled": crawled,
            "groups": groups,
            "priorities": priorities,
            "locked": locked,
            "locals": locals_,
            "children": children,
            "threads": threads,
            "waited": waited,
        }.items()
    }


if __name__ == "__main__":
    witness.report(work)
