from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.apply.walk import Walk
from specr.plan.model import Action, Cause, Change, Effect, Reason


def change(n: int, after: list[int]) -> Change:
    return Change(
        at(n),
        Action.CREATE,
        Effect.RECORD,
        Cause(Reason.NOT_RECORDED),
        planned={},
        after=tuple(map(at, after)),
    )


def at(n: int) -> Address:
    return Address("model", f"m{n}")


@st.composite
def plans(draw: st.DrawFn) -> list[Change]:
    count = draw(st.integers(0, 8))
    return [
        change(n, draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3)) if n else [])
        for n in range(count)
    ]


@given(plans(), st.randoms(use_true_random=False))
def test_everything_is_visited_once_and_after_what_it_follows(changes: list[Change], pick: object) -> None:
    walk = Walk(changes)
    running: list[Address] = []
    done: list[Address] = []
    while True:
        while (taken := walk.take()) is not None:
            assert set(taken.after) <= set(done)
            running.append(taken.address)
        if not running:
            break
        finished = running.pop(pick.randrange(len(running)))  # type: ignore[attr-defined]
        done.append(finished)
        walk.succeed(finished)
    assert sorted(done) == sorted(c.address for c in changes)
    assert walk.leave() == ()


@given(plans(), st.sets(st.integers(0, 7)))
def test_what_follows_a_failure_is_left_out_and_nothing_else(
    changes: list[Change], failing: set[int]
) -> None:
    walk = Walk(changes)
    visited, left_out = [], []
    while (taken := walk.take()) is not None:
        visited.append(taken.address)
        if taken.address in set(map(at, failing)):
            left_out += [c.address for c in walk.fail(taken.address)]
        else:
            walk.succeed(taken.address)
    below: set[Address] = set()
    for c in changes:
        if any(a in below or a in set(map(at, failing)) for a in c.after):
            below.add(c.address)
    assert set(left_out) == below
    assert len(left_out) == len(below)
    assert sorted(visited + left_out) == sorted(c.address for c in changes)


def test_leaving_returns_what_has_not_begun_in_plan_order() -> None:
    walk = Walk([change(0, []), change(1, [0]), change(2, [])])
    walk.take()
    assert [c.address for c in walk.leave()] == [at(1), at(2)]
    assert walk.take() is None
