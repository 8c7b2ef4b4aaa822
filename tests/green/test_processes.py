"""multiprocessing in a patched program: what hangs there with gevent."""

import subprocess
import sys
import textwrap

import pytest

PROLOGUE = """
from plait.green import monkey
monkey.patch_all()
import multiprocessing, os, sys, threading, time
from plait import green
from plait.green.hub import get_hub

context = multiprocessing.get_context({method!r})
turns = []

def count():
    while True:
        time.sleep(0.001)
        turns.append(os.getpid())

def others_ran():
    ran = bool(turns)
    turns.clear()
    return ran

def double(value):
    return value * 2

def wait_and_double(value):
    time.sleep(0.05)
    return value * 2

def answer(questions, answers):
    while (question := questions.get()) is not None:
        time.sleep(0.01)
        answers.put(question * 2)
"""


@pytest.fixture
def run_script(tmp_path):
    """Runs the program, whose main part has a greenlet `count` beside it; 'spawn' needs it in a file."""

    def run(main, method="fork"):
        path = tmp_path / "program.py"
        body = textwrap.indent(textwrap.dedent(main), "    ")
        path.write_text(
            PROLOGUE.format(method=method) + f"\nif __name__ == '__main__':\n    green.spawn(count)\n{body}"
        )
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-W", "ignore::DeprecationWarning", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        assert done.returncode == 0
        return done.stdout

    return run


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_greenlets_share_queues_with_a_process(run_script, method):
    assert (
        run_script(
            """
            questions, answers = context.Queue(), context.Queue()
            process = context.Process(target=answer, args=(questions, answers))
            process.start()

            def ask(question):
                questions.put(question)
                return answers.get()

            asking = [green.spawn(ask, n) for n in range(10)]
            green.joinall(asking, raise_error=True)
            print(sorted(one.value for one in asking), others_ran())
            questions.put(None)
            process.join()
            print(process.exitcode)
            """,
            method,
        )
        == "[0, 2, 4, 6, 8, 10, 12, 14, 16, 18] True\n0\n"
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_and_executors_of_processes_let_others_run(run_script, method):
    assert (
        run_script(
            """
            from concurrent.futures import ProcessPoolExecutor
            with context.Pool(2) as pool:
                print(pool.map(wait_and_double, range(5)), others_ran())
                mapping = [green.spawn(pool.apply, double, (n,)) for n in range(5)]
                green.joinall(mapping, raise_error=True)
                print([one.value for one in mapping])
            with ProcessPoolExecutor(2, mp_context=context) as executor:
                print(list(executor.map(wait_and_double, range(5))), others_ran())
            """,
            method,
        )
        == "[0, 2, 4, 6, 8] True\n[0, 2, 4, 6, 8]\n[0, 2, 4, 6, 8] True\n"
    )


def test_a_process_of_multiprocessing_runs_its_function_alone(run_script):
    """The greenlets of the parent, which wait for the same pipes, do not go on in the child."""
    assert (
        run_script(
            """
            def child(results):
                green.spawn(time.sleep, 0.05).join()
                results.put((turns, len(multiprocessing.active_children())))

            results = context.Queue()
            stealing = green.spawn(results.get)
            time.sleep(0.01)
            turns.clear()
            processes = [context.Process(target=child, args=(results,)) for _ in range(2)]
            for process in processes:
                turns.clear()
                process.start()
            print(stealing.get(), results.get())
            for process in processes:
                process.join(30)
                print(process.exitcode)
            """
        )
        == "([], 0) ([], 0)\n0\n0\n"
    )


def test_joining_a_process_lets_others_run_and_keeps_its_timeout(run_script):
    assert (
        run_script(
            """
            process = context.Process(target=time.sleep, args=(1000,))
            process.start()
            process.join(0.05)
            print(process.exitcode, others_ran())
            process.terminate()
            process.join()
            print(process.exitcode)
            process = context.Process(target=time.sleep, args=(0.1,))
            process.start()
            process.join()
            print(process.exitcode, others_ran())
            """
        )
        == "None True\n-15\n0 True\n"
    )


@pytest.mark.parametrize("duplex", [True, False])
def test_messages_larger_than_a_pipe_go_both_ways(run_script, duplex):
    assert (
        run_script(
            f"""
            def echo(inward, outward):
                outward.send_bytes(inward.recv_bytes())

            there, here = context.Pipe({duplex})
            if {duplex}:
                back, forth = here, here
            else:
                back, there_out = context.Pipe(False)
                forth = here
            process = context.Process(target=echo, args=(there, there if {duplex} else there_out))
            process.start()
            data = os.urandom(3_000_000)
            forth.send_bytes(data)
            print(back.poll(60), back.recv_bytes() == data, others_ran(), back.poll(0), back.poll(0.01))
            process.join()
            """
        )
        == "True True True False False\n"
    )


def test_the_end_of_a_pipe_is_told(run_script):
    assert (
        run_script(
            """
            from multiprocessing.connection import wait

            def read():
                try:
                    reader.recv()
                except EOFError:
                    print("end")

            reader, writer = context.Pipe(False)
            reading = green.spawn(read)
            time.sleep(0.01)
            writer.close()
            reading.join()
            one, other = context.Pipe(False)
            waiting = green.spawn(wait, [one, reader], 60)
            print(waiting.get() == [reader], wait([one], 0.01))
            """
        )
        == "end\nTrue []\n"
    )


def test_a_lock_between_processes_excludes_greenlets_and_processes(run_script):
    assert (
        run_script(
            """
            lock, recursive, shared = context.Lock(), context.RLock(), context.Value("i", 0, lock=False)

            def add(lock, times):
                for _ in range(times):
                    with lock:
                        seen = shared.value
                        time.sleep(0.0005)
                        shared.value = seen + 1

            for each in (lock, recursive):
                process = context.Process(target=add, args=(each, 20))
                process.start()
                adding = [green.spawn(add, each, 5) for _ in range(4)]
                green.joinall(adding, raise_error=True)
                process.join()
            print(shared.value, others_ran())
            with recursive, recursive:
                print(recursive.acquire(False), green.spawn(recursive.acquire, False).get())
                print(green.spawn(recursive.acquire, True, 0.01).get())
                recursive.release()
            print(green.spawn(recursive.acquire, True, 1).get())
            """
        )
        == "80 True\nTrue False\nFalse\nTrue\n"
    )


def test_events_conditions_and_semaphores_between_processes(run_script):
    assert (
        run_script(
            """
            event, condition, semaphore = context.Event(), context.Condition(), context.Semaphore(0)

            def child():
                event.wait()
                semaphore.release()
                with condition:
                    condition.notify_all()

            process = context.Process(target=child)
            with condition:
                waiting = green.spawn(semaphore.acquire)
                process.start()
                time.sleep(0.01)
                event.set()
                print(condition.wait(60), waiting.get(), semaphore.acquire(True, 0.01), others_ran())
            process.join()
            """
        )
        == "True True False True\n"
    )


def test_threads_without_a_hub_block_as_ever(run_script):
    assert (
        run_script(
            """
            pool = get_hub().threadpool
            queue = context.Queue()
            getting = green.spawn(pool.apply, queue.get)
            time.sleep(0.02)
            queue.put("through")
            print(getting.get(timeout=60), others_ran())
            """
        )
        == "through True\n"
    )
