"""Configuration: names, priorities, sources, old names."""

import json

import pytest

from plait.lazy import compute, config, delayed


def test_a_value_is_found_under_both_spellings():
    values = {"a-b": {"c_d": 1}}
    assert config.get("a_b.c-d", config=values) == 1
    with pytest.raises(KeyError, match=r"a-b\.e"):
        config.get("a-b.e", config=values)
    assert config.get("a-b.e", 5, config=values) == 5
    assert config.get("a-b.c_d.deeper", None, config=values) is None


def test_set_puts_back_what_was_there():
    values = {"a": {"b": 1}, "plain": 3}
    with config.set({"a.b": 2, "a.new.x": 1, "plain.inner": 4}, config=values, other__name=5):
        assert values == {"a": {"b": 2, "new": {"x": 1}}, "plain": {"inner": 4}, "other": {"name": 5}}
    assert values == {"a": {"b": 1}, "plain": 3}


def test_set_for_good():
    values = {}
    config.set({"a.b": 1}, config=values)
    assert values == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        ("new", {"x": 9, "y": 9, "z": {"a": 9}}),
        ("old", {"x": 1, "y": 2, "z": {"a": 1}}),
        ("new-defaults", {"x": 9, "y": 2, "z": {"a": 9}}),
    ],
)
def test_update_priorities(priority, expected):
    old = {"x": 1, "y": 2, "z": {"a": 1}}
    defaults = {"x": 1, "y": 1, "z": {"a": 1}}
    assert config.update(old, {"x": 9, "y": 9, "z": {"a": 9}}, priority, defaults) == expected


def test_old_values_stay_where_the_new_ones_go_deeper():
    assert config.update({"x": 1}, {"x": {"a": 2}}, "old") == {"x": 1}
    assert config.update({"x": 1}, {"x": {"a": 2}}) == {"x": {"a": 2}}


def test_files_and_environment_in_order(tmp_path):
    (tmp_path / "1.yaml").write_text("a: 1\nb: {c: 1, d: 1}\n")
    (tmp_path / "2.json").write_text(json.dumps({"b": {"c": 2}}))
    found = config.collect([tmp_path], env={"DASK_B__E": "[3]", "DASK_WORD": "x y", "DASK_OFF": "none"})
    assert found == {"a": 1, "b": {"c": 2, "d": 1, "e": [3]}, "word": "x y", "off": None}


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_malformed_file_is_named(tmp_path, text):
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(ValueError, match=r"broken\.json' is malformed"):
        config.collect([tmp_path], env={})


def test_an_old_name_is_moved_with_one_warning(tmp_path):
    (tmp_path / "1.yaml").write_text("fuse_ave_width: 1\n")
    (tmp_path / "2.yaml").write_text("fuse-ave-width: 2\n")
    values = {}
    with pytest.warns(FutureWarning, match=r"'optimization\.fuse\.ave-width'") as warned:
        config.refresh(values, defaults=[], paths=[tmp_path], env={})
    assert values == {"optimization": {"fuse": {"ave-width": 2}}}
    assert len(warned) == 1


def test_a_missing_yaml_library_is_named(tmp_path, run_script):
    (tmp_path / "a.yaml").write_text("a: 1\n")
    done = run_script(
        f"""
        import sys
        sys.modules["yaml"] = None
        from plait.lazy import config
        try:
            config.collect([{str(tmp_path)!r}], env={{}})
        except ImportError as error:
            assert "a.yaml" in str(error) and "plait[config]" in str(error), error
        else:
            raise SystemExit("no error")
        """
    )
    assert done.returncode == 0, done.stderr


def test_a_file_of_defaults_is_copied_once(tmp_path):
    source = tmp_path / "defaults.yaml"
    source.write_text("a: 1\n# said\n\nb: 2\n")
    config.ensure_file(source, tmp_path / "there")
    copied = tmp_path / "there" / "defaults.yaml"
    assert copied.read_text() == "# a: 1\n# said\n\n# b: 2\n"
    copied.write_text("a: 5\n")
    config.ensure_file(source, tmp_path / "there")
    assert copied.read_text() == "a: 5\n"
    assert [file.name for file in copied.parent.iterdir()] == ["defaults.yaml"]


def test_the_scheduler_can_be_configured():
    import threading

    node = delayed(threading.get_ident)()
    with config.set(scheduler="sync"):
        assert node.compute() == threading.get_ident()
    with config.set(scheduler="threads"):
        assert node.compute() != threading.get_ident()
    with config.set(scheduler="nowhere"), pytest.raises(ValueError, match="scheduler='nowhere' is not known"):
        compute(node)


def test_the_number_of_workers_can_be_configured():
    with config.set(num_workers=0), pytest.raises(ValueError, match="num_workers=0"):
        compute(delayed(abs)(1))


def test_an_option_that_was_a_section_is_read_from_its_old_place(tmp_path):
    (tmp_path / "old.json").write_text('{"admin": {"traceback": {"shorten": {"when": ["a"], "what": ["b"]}}}}')
    values = {}
    with pytest.warns(FutureWarning, match=r"'admin\.traceback\.shorten\.what' is deprecated"):
        config.refresh(values, paths=[tmp_path], env={})
    assert values["admin"]["traceback"]["shorten"] == ["b"]
