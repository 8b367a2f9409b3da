from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.graph import Graph, ancestors, dependents, descendants, find_cycles, order


def node(name: str | int) -> Address:
    return Address("node", str(name))


def graph(**needs: str) -> Graph:
    return {node(name): tuple(node(n) for n in text.split()) for name, text in needs.items()}


names = st.integers(0, 7).map(node)
graphs = st.dictionaries(names, st.lists(names, max_size=4).map(tuple), max_size=8)


def shuffled(original: Graph, random: object) -> Graph:
    keys = list(original)
    random.shuffle(keys)  # type: ignore[attr-defined]
    return {key: original[key] for key in keys}


def test_order_puts_what_is_needed_first_and_ties_by_address() -> None:
    found = order(graph(c="a b", a="", b="", d="c"))
    assert found == tuple(map(node, "abcd"))


def test_order_takes_up_needs_that_are_no_keys() -> None:
    assert order(graph(b="a")) == (node("a"), node("b"))


def test_order_of_a_cycle_is_refused_with_its_path() -> None:
    with pytest.raises(ValueError, match="node/a -> node/b -> node/a"):
        order(graph(b="a", a="b"))


@given(graphs, st.randoms(use_true_random=False))
def test_order_is_topological_and_ignores_the_order_of_keys(some: Graph, random: object) -> None:
    if find_cycles(some):
        with pytest.raises(ValueError, match="cycle"):
            order(some)
        return
    found = order(some)
    assert set(found) == set(some) | {n for needs in some.values() for n in needs}
    assert all(found.index(need) < found.index(n) for n, needs in some.items() for need in needs)
    assert order(shuffled(some, random)) == found


def test_the_shortest_cycle_through_the_smallest_address_is_told() -> None:
    assert find_cycles(graph(c="b", b="a d", a="c b", d="a")) == ((node("a"), node("b")),)


def test_a_node_that_needs_itself_is_a_cycle() -> None:
    assert find_cycles(graph(a="a", b="a")) == ((node("a"),),)


def test_each_knot_gives_one_cycle() -> None:
    found = find_cycles(graph(a="b", b="a", c="d a", d="c"))
    assert found == ((node("a"), node("b")), (node("c"), node("d")))


@given(graphs, st.randoms(use_true_random=False))
def test_cycles_are_real_begin_with_their_smallest_and_ignore_the_order_of_keys(
    some: Graph, random: object
) -> None:
    cycles = find_cycles(some)
    for cycle in cycles:
        assert cycle[0] == min(cycle)
        assert len(set(cycle)) == len(cycle)
        assert all(after in some[before] for before, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    assert find_cycles(shuffled(some, random)) == cycles
    acyclic = not any(n in ancestors(some, [n]) for n in some)
    assert acyclic == (not cycles)


def test_dependents_turn_the_graph_round() -> None:
    assert dependents(graph(c="a b", b="a")) == {
        node("a"): (node("b"), node("c")),
        node("b"): (node("c"),),
        node("c"): (),
    }


@given(graphs)
def test_ancestors_and_descendants_are_inverse(some: Graph) -> None:
    everything = set(some) | {n for needs in some.values() for n in needs}
    for one in everything:
        for other in everything:
            assert (other in ancestors(some, [one])) == (one in descendants(some, [other]))


def test_reach_includes_what_is_reached_through_others() -> None:
    some = graph(a="b", b="c", c="", d="")
    assert ancestors(some, [node("a")]) == {node("b"), node("c")}
    assert descendants(some, [node("c")]) == {node("a"), node("b")}


def test_a_chain_of_a_hundred_thousand_is_no_deeper_than_any_other_graph() -> None:
    length = 100_000
    numbers = [node(f"{i:06}") for i in range(length)]
    chain = {n: (after,) for n, after in pairwise(numbers)}
    assert order(chain) == tuple(reversed(numbers))
    assert len(ancestors(chain, numbers[:1])) == length - 1
    assert find_cycles(chain) == ()
    chain[numbers[-1]] = (numbers[0],)
    assert find_cycles(chain) == (tuple(numbers),)
