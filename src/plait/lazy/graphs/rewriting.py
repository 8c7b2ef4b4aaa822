"""Replacing in plain graphs: keys by values, tasks by what rules say.

A `RewriteRule` has two sides, tasks in which some keys are variables. A `RuleSet` finds all rules that a task matches
in one walk: the rules' left sides, written out in preorder, are merged into a net, whose branches are functions, values
and "anything". Source: Gabriel, Discrimination nets; Christian, Flatterms, discrimination nets, and fast term rewriting
(Journal of Automated Reasoning, 1993).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from plait.lazy.plain import is_hashable, is_task
from plait.lazy.tasks import is_node


def subs(task: Any, key: Any, val: Any) -> Any:
    """A task with a key replaced, at any depth; the same object where there is nothing to replace."""
    if is_node(task):
        return task.substitute({key: val})
    kind = type(task)
    if is_task(task) or kind is list:
        members = [subs(each, key, val) for each in (task if kind is list else task[1:])]
        return members if kind is list else (task[0], *members)
    return val if kind is type(key) and is_hashable(task) and task == key else task


def head(task: Any) -> Any:
    """The function of a task, `list` of a list, and any other value itself."""
    if is_task(task):
        return task[0]
    return list if isinstance(task, list) else task


def args(task: Any) -> Any:
    """The arguments of a task, the members of a list, and nothing for any other value."""
    if is_task(task):
        return task[1:]
    return task if isinstance(task, list) else ()


class Token:
    """A sign in a flat term."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


VAR = Token("?")  # anything
END = Token("end")


class Traverser:
    """A place in a term, which moves on in preorder."""

    def __init__(self, term: Any, stack: deque[Any] | None = None) -> None:
        self.term = term
        self._rest = deque([END]) if stack is None else stack

    def __iter__(self) -> Iterator[Any]:
        while self.current is not END:
            yield self.current
            self.next()

    def copy(self) -> Traverser:
        return Traverser(self.term, self._rest.copy())

    def next(self) -> None:
        """Go into the term, or on to the next one."""
        self._rest.extendleft(reversed(args(self.term)))
        self.skip()

    def skip(self) -> None:
        """Go on behind the term."""
        self.term = self._rest.popleft()

    @property
    def current(self) -> Any:
        return head(self.term)


class Node(tuple[dict[Any, Any], list[int]]):
    """A place in the net: where each next sign leads, and the numbers of the rules that end here."""

    __slots__ = ()

    def __new__(cls, edges: dict[Any, Any] | None = None, patterns: list[int] | None = None) -> Node:
        return super().__new__(cls, ({} if edges is None else edges, [] if patterns is None else patterns))

    @property
    def edges(self) -> dict[Any, Any]:
        return self[0]

    @property
    def patterns(self) -> list[int]:
        return self[1]


class RewriteRule:
    """A task to look for, and what takes its place.

    lhs: the task, in which the names in `vars` stand for anything; one that occurs twice, for the same twice.
    rhs: a task with the variables in it, or a function of {variable: what it stands for}.
    """

    def __init__(self, lhs: Any, rhs: Any, vars: Sequence[Any] = ()) -> None:
        if not isinstance(vars, tuple):
            raise TypeError(f"vars={vars!r} is no tuple; pass the names of the variables as one")
        self.lhs = lhs
        self.rhs = rhs
        self._varlist = [sign for sign in Traverser(lhs) if is_hashable(sign) and sign in vars]
        self.vars = tuple(sorted(set(self._varlist), key=str))

    def subs(self, sub_dict: Mapping[Any, Any]) -> Any:
        """The right side with the variables filled in."""
        if callable(self.rhs):
            return self.rhs(sub_dict)
        term = self.rhs
        for name, value in sub_dict.items():
            term = subs(term, name, value)
        return term

    def __str__(self) -> str:
        return f"RewriteRule({self.lhs}, {self.rhs}, {self.vars})"

    __repr__ = __str__


class RuleSet:
    """Rules, tried in the order in which they were added, the specific ones before the general."""

    def __init__(self, *rules: RewriteRule) -> None:
        self._net = Node()
        self.rules: list[RewriteRule] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: RewriteRule) -> None:
        if not isinstance(rule, RewriteRule):
            raise TypeError(f"{rule!r} is no rule; pass a RewriteRule")
        node = self._net
        for sign in Traverser(rule.lhs):
            node = node.edges.setdefault(VAR if is_hashable(sign) and sign in rule.vars else sign, Node())
        node.patterns.append(len(self.rules))
        self.rules.append(rule)

    def iter_matches(self, term: Any) -> Iterator[tuple[RewriteRule, dict[Any, Any]]]:
        """The rules that a term matches, each with what its variables stand for."""
        for number, found in _matches(Traverser(term), self._net, ()):
            rule = self.rules[number]
            bound = _bound(rule._varlist, found)
            if bound is not None:
                yield rule, bound

    def _rewrite(self, term: Any) -> Any:
        for rule, bound in self.iter_matches(term):
            return rule.subs(bound)
        return term

    strategies: ClassVar[dict[str, Callable[..., Any]]] = {}

    def rewrite(self, task: Any, strategy: str = "bottom_up") -> Any:
        """The task with the first rule that matches applied: to each part, arguments first, or with "top_level" to the
        whole alone. What a rule gives is not looked at again. Raises KeyError for another strategy."""
        return self.strategies[strategy](self, task)


def _top_level(rules: RuleSet, term: Any) -> Any:
    return rules._rewrite(term)


def _bottom_up(rules: RuleSet, term: Any) -> Any:
    if is_task(term):
        term = (term[0], *(_bottom_up(rules, each) for each in term[1:]))
    elif isinstance(term, list):
        term = [_bottom_up(rules, each) for each in term]
    return rules._rewrite(term)


RuleSet.strategies = {"top_level": _top_level, "bottom_up": _bottom_up}


def _matches(place: Traverser, node: Node, found: tuple[Any, ...]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rules that end where the term does, with the parts that stood for variables, in order."""
    sign = place.current
    if sign is END:
        for number in node.patterns:
            yield number, found
        return
    following = node.edges.get(sign) if is_hashable(sign) else None
    if following is not None:
        inside = place.copy()
        inside.next()
        yield from _matches(inside, following, found)
    anything = node.edges.get(VAR)
    if anything is not None:
        behind = place.copy()
        behind.skip()
        yield from _matches(behind, anything, (*found, place.term))


def _bound(names: Sequence[Any], values: Sequence[Any]) -> dict[Any, Any] | None:
    """{variable: value}; None where one name would have two values."""
    bound: dict[Any, Any] = {}
    for name, value in zip(names, values, strict=True):
        if name in bound and bound[name] != value:
            return None
        bound[name] = value
    return bound
