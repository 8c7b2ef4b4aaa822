"""Plugins of installed distributions: found without importlib.metadata's cost, wherever they are."""

import zipfile

import pytest

INFO = {
    "a_plugin.py": "heard = []\n",
    "a_plugin-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: a-plugin\nVersion: 1.0\n",
    "a_plugin-1.0.dist-info/entry_points.txt": "[gevent.plugins.monkey.did_patch_all]\nhear = a_plugin:heard.append\n",
}
SCRIPT = """
import sys
from plait.green.plugins import declared

for name in ("will_patch_all", "did_patch_all"):
    print([point.value for point in declared(f"gevent.plugins.monkey.{name}")], end=" ")
print( "importlib.metadata" in sys.modules)
"""


def in_a_folder(folder):
    for name, text in INFO.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def in_an_archive(folder):
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        for name, text in INFO.items():
            archive.writestr(name, text)
    return folder / "archive.zip"


@pytest.mark.parametrize("installed", [in_a_folder, in_an_archive])
def test_a_plugin_is_found(run_script, tmp_path, installed):
    (tmp_path / "site").mkdir()
    done = run_script(SCRIPT, PYTHONPATH=path(installed(tmp_path / "site")))
    assert (done.stdout, done.stderr) == ("[] ['a_plugin:heard.append'] True\n", "")


def test_what_the_peer_declares_is_for_itself(run_script, tmp_path):
    in_a_folder(tmp_path)
    (tmp_path / "a_plugin-1.0.dist-info").rename(tmp_path / "gevent-1.0.dist-info")
    (tmp_path / "gevent-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: gevent\nVersion: 1.0\n")
    done = run_script(SCRIPT, PYTHONPATH=path(tmp_path))
    assert (done.stdout, done.stderr) == ("[] [] False\n", "")
    in_an_archive(tmp_path)  # now all are asked
    done = run_script(SCRIPT, PYTHONPATH=path(in_an_archive(tmp_path)) + ":" + path(tmp_path))
    assert (done.stdout, done.stderr) == ("[] ['a_plugin:heard.append'] True\n", "")


def test_where_nobody_declares_one_the_regular_way_is_not_gone(run_script, tmp_path):
    done = run_script(SCRIPT)
    assert (done.stdout, done.stderr) == ("[] [] False\n", "")


def test_a_finder_that_knows_distributions_is_asked(run_script):
    finder = """
import sys, importlib.metadata

class Finder:
    def find_spec(self, *args): return None
    def find_distributions(self, context):
        class Known(importlib.metadata.Distribution):
            def read_text(self, name):
                group = "[gevent.plugins.monkey.did_patch_all]"
                return {"METADATA": "Name: known", "entry_points.txt": group + "\\na = b:c"}.get(name)
            def locate_file(self, path): return path
        return [Known()]

sys.meta_path.append(Finder())
"""
    done = run_script(finder + SCRIPT)
    assert (done.stdout, done.stderr) == ("[] ['b:c'] True\n", "")


def path(first):
    import os

    return os.pathsep.join([str(first), *filter(None, [os.environ.get("PYTHONPATH")])])
