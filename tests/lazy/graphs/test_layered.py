"""Layered graphs: layers, what they read, and what is left of them."""

import operator
import xml.etree.ElementTree as ElementTree

import pytest

from plait.lazy import compute, delayed, get
from plait.lazy.graphs.layered import HighLevelGraph, MaterializedLayer


def inc(x):
    return x + 1


def two_layers():
    return HighLevelGraph({"a": {"x": 1, ("a", 0): (inc, "x")}, "b": {"y": (inc, ("a", 0))}}, {"a": set(), "b": {"a"}})


def test_a_layered_graph_is_a_mapping_of_all_keys():
    graph = two_layers()
    assert dict(graph) == {"x": 1, ("a", 0): (inc, "x"), "y": (inc, ("a", 0))}
    assert len(graph) == 3
    assert "y" in graph and "z" not in graph
    with pytest.raises(KeyError):
        graph["z"]


def test_a_layered_graph_is_computed_as_any_other():
    assert get(two_layers(), ["y", ("a", 0)]) == (3, 2)


def test_a_collection_brings_its_layers():
    class Collection:
        def __init__(self, graph, keys):
            self.graph, self.keys = graph, keys

        def __dask_graph__(self):
            return self.graph

        def __dask_layers__(self):
            return ("b",)

        def __dask_keys__(self):
            return self.keys

    graph = HighLevelGraph.from_collections("c", {"z": (inc, "y")}, [Collection(two_layers(), ["y"])])
    assert graph.dependencies == {"a": set(), "b": {"a"}, "c": {"b"}}
    assert get(graph, "z") == 4


def test_a_delayed_is_a_layer_of_what_reads_it():
    one = delayed(inc)(1)
    graph = HighLevelGraph.from_collections("c", {"z": (inc, one.key)}, [one])
    assert graph.dependencies["c"] == {one.key}
    assert get(graph, "z") == 3


def test_culling_keeps_what_is_needed_and_what_it_needs():
    culled = two_layers().cull([[("a", 0)]])
    assert dict(culled) == {"x": 1, ("a", 0): (inc, "x")}
    assert culled.dependencies == {"a": set()}
    assert culled.key_dependencies == {"x": set(), ("a", 0): {"x"}}


def test_culling_layers_keeps_them_whole_and_as_they_are():
    graph = two_layers()
    assert graph.cull_layers(["a"]).layers == {"a": graph.layers["a"]}
    assert graph.cull_layers(["b"]).layers["a"] is graph.layers["a"]


def test_a_culled_layer_keeps_what_is_said_of_it():
    layer, needs = MaterializedLayer({"x": 1, "y": 2}, {"priority": 1}).cull({"y"}, {"x", "y"})
    assert (dict(layer), layer.annotations, needs) == ({"y": 2}, {"priority": 1}, {"y": set()})


def test_merged_graphs_have_all_layers():
    graph = HighLevelGraph.merge(two_layers(), {"p": 1})
    assert set(graph) == {"x", ("a", 0), "y", "p"}
    with pytest.raises(TypeError, match="is no graph"):
        HighLevelGraph.merge(3)


def test_what_needs_what_is_found_key_by_key():
    assert two_layers().get_all_dependencies() == {"x": set(), ("a", 0): {"x"}, "y": {("a", 0)}}
    assert two_layers().dependents == {"a": {"b"}, "b": set()}


@pytest.mark.parametrize("needs", [{"a": set()}, {"a": {"absent"}, "b": set()}])
def test_dependencies_that_do_not_fit_are_named(needs):
    with pytest.raises(ValueError, match="layer"):
        HighLevelGraph({"a": {}, "b": {}}, needs).validate()


def test_a_notebook_gets_valid_html_whatever_names_there_are():
    graph = HighLevelGraph({"<a>&": {"x": 1}}, {"<a>&": set()})
    assert "<a>&" in "".join(ElementTree.fromstring(graph._repr_html_()).itertext())


def test_a_picture_has_a_box_for_each_layer(tmp_path):
    graphviz = pytest.importorskip("graphviz")
    from plait.lazy.graphs.drawing import to_graphviz

    drawn = to_graphviz(two_layers())
    assert isinstance(drawn, graphviz.Digraph)
    assert sum("label=" in line for line in drawn.body) == 2
    assert sum("->" in line for line in drawn.body) == 1


def test_a_graph_of_a_delayed_goes_out_and_comes_back():
    total = delayed(operator.add)(delayed(inc)(1), [delayed(inc)(2)][0])
    graph = HighLevelGraph.merge(total.__dask_graph__())
    assert get(graph, total.key) == compute(total)[0] == 5
