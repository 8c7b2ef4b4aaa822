"""Child processes see the aliases, and everything else as if there were none."""

import os
import sys

import pytest

from plait.compat.children import SITE, environment

ASK = "import greenlet, sys; print(greenlet.__spec__.name, sorted(m for m in sys.modules if m == 'plait.green'))"


def test_the_environment_extends_what_is_there():
    assert environment(["greenlet"], {}) == {"PLAIT_AS": "greenlet", "PYTHONPATH": SITE}
    there = {"PLAIT_AS": "gevent, greenlet", "PYTHONPATH": f"/a{os.pathsep}/b", "OTHER": "1"}
    extended = environment(["greenlet", "dask"], there)
    assert extended == {"PLAIT_AS": "gevent,greenlet,dask", "PYTHONPATH": os.pathsep.join([SITE, "/a", "/b"])}
    assert environment(["dask"], extended) == extended


def test_a_child_sees_the_alias_and_its_children_too(holds):
    said = holds(f"""
        import subprocess, sys
        from plait import compat
        compat.install("greenlet")
        ask = {ASK!r}
        nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
        subprocess.run([sys.executable, "-c", ask], check=True)
        subprocess.run([sys.executable, "-c", nested, ask], check=True)
    """)
    assert said == "plait.greenlet []\n" * 2


def test_no_child_sees_an_alias_that_was_not_to_reach_them(holds):
    holds("""
        import os
        from plait import compat
        before = dict(os.environ)
        compat.install("greenlet", children=False)
        assert dict(os.environ) == before
        import greenlet
        assert greenlet.__spec__.name == "plait.greenlet"
    """)


def test_ending_one_alias_leaves_the_others_to_the_children(holds):
    holds("""
        import os
        from plait import compat
        compat.install("greenlet", "gevent")
        compat.uninstall("greenlet")
        assert os.environ["PLAIT_AS"] == "gevent"
    """)


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_worker_processes_see_the_alias(holds, method):
    said = holds(f"""
        import multiprocessing

        def name(_):
            import greenlet
            return greenlet.__spec__.name

        if __name__ == "__main__":
            from plait import compat
            compat.install("greenlet")
            with multiprocessing.get_context({method!r}).Pool(1) as pool:
                print(pool.map(name, range(2)))
    """)
    assert said == "['plait.greenlet', 'plait.greenlet']\n"


@pytest.mark.parametrize("method", ["fork", "serve"])
@pytest.mark.parametrize("environment", ["told", "untold"])
def test_the_pools_workers_see_the_alias(holds, method, environment):
    """Forked from this process, or, where it has another thread, by a fresh interpreter."""
    said = holds(f"""
        import threading
        from plait import compat
        from plait.parallel import Parallel, delayed

        def name(_):
            import greenlet
            return greenlet.__spec__.name

        if __name__ == "__main__":
            compat.install("greenlet", children={environment == "told"})
            done = threading.Event()
            if {method == "serve"}:
                threading.Thread(target=done.wait).start()
            try:
                print(Parallel(n_jobs=2)(delayed(name)(i) for i in range(2)))
            finally:
                done.set()
    """)
    assert said == "['plait.greenlet', 'plait.greenlet']\n"


def test_the_pools_workers_see_no_alias_that_has_ended(holds):
    said = holds("""
        import threading
        from plait import compat
        from plait.parallel import Parallel, delayed

        def aliases(_):
            from plait import compat
            return compat.installed()

        if __name__ == "__main__":
            compat.install("greenlet", "gevent", children=False)
            compat.uninstall("greenlet")
            done = threading.Event()
            threading.Thread(target=done.wait).start()
            try:
                print(Parallel(n_jobs=2)(delayed(aliases)(i) for i in range(2)))
            finally:
                done.set()
    """)
    assert said == "[('gevent',), ('gevent',)]\n"


def test_plait_run_answers_in_the_program_and_in_its_children(run_plait, tmp_path):
    (tmp_path / "program.py").write_text(f"import subprocess, sys\n{ASK}\n")
    with open(tmp_path / "program.py", "a") as program:
        program.write(f"subprocess.run([sys.executable, '-c', {ASK!r}], check=True)\n")
    result = run_plait("run", "--as", "greenlet", "program.py", PYTHONUNBUFFERED="1")
    assert (result.stdout, result.stderr) == ("plait.greenlet []\n" * 2, "")


def test_plait_run_refuses_an_unknown_name_in_one_line(run_plait, tmp_path):
    (tmp_path / "program.py").touch()
    result = run_plait("run", "--as", "numpy", "program.py")
    assert result.returncode == 2
    assert result.stderr.startswith(
        "plait: 'numpy' is no library that plait stands in for; choose from greenlet, gevent"
    )


def test_the_sitecustomize_that_ours_hides_still_runs(tmp_path, run_script):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import greenlet\nprint('hidden', __name__, greenlet.__spec__.name)")
    path = os.pathsep.join([str(hidden), *sys.path[1:]])
    result = run_script(
        f"import sys; print(sys.modules['sitecustomize'].__file__, {SITE!r} in sys.path)",
        **environment(["greenlet"], {"PYTHONPATH": path}),
    )
    assert result.stderr == ""
    assert result.stdout == f"hidden sitecustomize plait.greenlet\n{hidden}/sitecustomize.py False\n"


def test_one_that_stands_before_ours_may_install_too(tmp_path, run_script):
    (tmp_path / "sitecustomize.py").write_text("from plait import compat\ncompat.install('greenlet')")
    path = os.pathsep.join([str(tmp_path), SITE, *sys.path[1:]])
    result = run_script(ASK, PYTHONPATH=path, PLAIT_AS="greenlet")
    assert (result.stdout, result.stderr) == ("plait.greenlet []\n", "")


def test_an_interpreter_that_ignores_its_environment_sees_no_alias(holds):
    said = holds("""
        import subprocess, sys
        from plait import compat
        compat.install("greenlet")
        ask = "import sys; print([f for f in sys.meta_path if 'plait' in type(f).__module__])"
        subprocess.run([sys.executable, "-E", "-c", ask], check=True)
    """)
    assert said == "[]\n"


def test_an_interpreter_without_plait_starts_as_usual(tmp_path, run_script):
    """What it inherits is the folder alone."""
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "sitecustomize.py").write_text(
        (open(os.path.join(SITE, "sitecustomize.py"))).read().replace("plait", "absent")
    )
    result = run_script("print('started')", PYTHONPATH=str(copy), PLAIT_AS="greenlet")
    assert (result.stdout, result.stderr) == ("started\n", "")


def test_a_wrong_name_in_the_environment_is_named(run_script):
    result = run_script("print('started')", **environment(["numpy"]))
    assert result.stdout == "started\n"
    assert "'numpy' is no library that plait stands in for" in result.stderr
