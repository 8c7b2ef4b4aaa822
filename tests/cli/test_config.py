"""`plait config` shows, finds and sets options."""

import json


def test_an_option_a_section_and_all(run_plait):
    assert run_plait("config", "get", "array.backend").stdout == "numpy\n"
    assert "backend: numpy" in run_plait("config", "get", "array").stdout.splitlines()
    assert "array:" in run_plait("config", "list").stdout.splitlines()


def test_an_option_that_is_set_is_found_and_counts(run_plait, tmp_path):
    env = {"DASK_CONFIG": str(tmp_path)}
    done = run_plait("config", "set", "my.option", "[1, 2]", **env)
    assert done.stdout == f"my.option is set in {tmp_path / 'dask.yaml'}\n"
    assert run_plait("config", "find", "my.option", **env).stdout == f"{tmp_path / 'dask.yaml'}: [1, 2]\n"
    assert run_plait("config", "get", "my.option", **env).stdout == "- 1\n- 2\n"


def test_a_file_of_json(run_plait, tmp_path):
    file = tmp_path / "options.json"
    file.write_text('{"a": {"b": 1}}')
    assert run_plait("config", "set", "a.c", "x", "--file", str(file)).returncode == 0
    assert json.loads(file.read_text()) == {"a": {"b": 1, "c": "x"}}


def test_what_is_not_there_is_said(run_plait, tmp_path):
    for words, says in ((("get", "no.such"), "no option no.such"), (("find", "no.such"), "no file sets no.such")):
        result = run_plait("config", *words)
        assert result.returncode == 2
        assert says in result.stderr


def test_a_file_that_cannot_be_written_is_named(run_plait, tmp_path):
    (tmp_path / "file").write_text("")
    result = run_plait("config", "set", "a", "1", "--file", str(tmp_path / "file" / "dask.yaml"))
    assert result.returncode == 2
    assert str(tmp_path / "file" / "dask.yaml") in result.stderr
