from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.render.following import new_lines


@pytest.mark.parametrize(
    ("seen", "lines", "new"),
    [
        ([], ["a"], ["a"]),
        (["a"], ["a"], []),
        (["a"], ["a", "a"], ["a"]),
        (["a", "b"], ["c"], ["c"]),
        (["r 0: a", "r 1: a"], ["r 0: a", "r 0: b", "r 1: a"], ["r 0: b"]),
        (["r 0: a", "r 1: a"], ["r 0: a", "r 1: new"], ["r 1: new"]),
        (["r 0: a", "r 1: a"], ["r 0: a"], []),
        (["r 0: a"], ["r 0: a", "r 1: a"], ["r 1: a"]),
        (["r 0: a", "r 1: a"], ["one", "two: x", "one"], ["one", "two: x", "one"]),
    ],
)
def test_what_is_new_is_told_once(seen: list[str], lines: list[str], new: list[str]) -> None:
    assert new_lines(seen, lines) == new


LINES = st.lists(st.sampled_from(["a", "b", "INFO: c", "replica 1: d"]), max_size=5)


@given(st.lists(st.tuples(LINES, LINES), min_size=2, max_size=3))
def test_each_replica_tells_each_of_its_new_lines_once(replicas: list[tuple[list[str], list[str]]]) -> None:
    def log(n: int, lines: list[str]) -> list[str]:
        return [f"replica {n}: {line}" for line in lines]

    seen = [line for n, (old, _) in enumerate(replicas) for line in log(n, old)]
    lines = [line for n, (old, new) in enumerate(replicas) for line in log(n, old + new)]
    assert new_lines(seen, lines) == [line for n, (_, new) in enumerate(replicas) for line in log(n, new)]
