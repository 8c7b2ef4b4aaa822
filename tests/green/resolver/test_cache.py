"""Answers live for a while, a bounded number of them, and nobody shares a list."""

from plait.green.resolver.cache import Cache


def test_an_answer_is_forgotten_when_its_time_is_over(virtual_clock):
    cache = Cache(2.0)
    cache.put("question", ["answer"])
    virtual_clock.advance(1.9)
    assert cache.get("question") == ["answer"]
    virtual_clock.advance(0.2)
    assert cache.get("question") is None and len(cache) == 0


def test_the_least_used_answers_make_room():
    cache = Cache(60, size=2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_lists_are_copies_at_any_depth():
    cache = Cache(60)
    cache.put("question", ("name", ["alias"], []))
    cache.get("question")[1].append("more")
    assert cache.get("question") == ("name", ["alias"], [])


def test_no_lifetime_keeps_nothing():
    cache = Cache(0)
    cache.put("question", 1)
    assert cache.get("question") is None
