from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from specr.address import Address, parse_address
from specr.plan.codec import encode_plan
from specr.plan.model import Action, Cause, Change, Difference, Drift, Effect, Plan, Reason
from specr.render.markdown import render_markdown
from specr.render.page import LEAST_LIMIT
from specr.render.terminal import render_plan
from tests.unit.render.samples import FRAUD, PLAN

GOLDEN = Path(__file__).parent / "golden"
EMPTY = Plan("apply", "l", 3, "sha256:x", (), unchanged=4)


def shown(plan: Plan) -> str:
    return render_plan(encode_plan(plan))


def only(change: Change) -> Plan:
    return Plan("apply", "l", 1, "sha256:x", (change,))


@pytest.mark.parametrize(("name", "width"), [("plan.txt", 100), ("plan-narrow.txt", 60)])
def test_a_plan_at_a_terminal(golden: Callable[[Path, str], None], name: str, width: int) -> None:
    golden(GOLDEN / name, render_plan(encode_plan(PLAN), width=width))


def test_a_plan_in_colour(golden: Callable[[Path, str], None]) -> None:
    text = render_plan(encode_plan(PLAN), colour=True)
    golden(GOLDEN / "plan-colour.txt", text.replace("\x1b", "<ESC>"))


def test_a_plan_in_a_comment(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "plan.md", render_markdown(encode_plan(PLAN)))


def test_a_comment_with_little_room(golden: Callable[[Path, str], None]) -> None:
    copies = tuple(
        replace(change, address=Address(change.address.kind, f"{change.address.name[:20]}-{number}"))
        for number in range(10)
        for change in PLAN.changes
    )
    text = render_markdown(encode_plan(replace(PLAN, changes=copies)), limit=LEAST_LIMIT)
    golden(GOLDEN / "plan-short.md", text)
    assert len(text) <= LEAST_LIMIT


def test_a_limit_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="least"):
        render_markdown(encode_plan(EMPTY), limit=LEAST_LIMIT - 1)


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (EMPTY, "No changes. Everything runs as declared.\n"),
        (replace(EMPTY, operation="destroy"), "No changes. There is nothing to destroy.\n"),
        (
            replace(EMPTY, targets=(FRAUD,)),
            (
                "No changes. What was asked for runs as declared.\n"
                "Only deployment/fraud and what belongs to it (--target).\n"
            ),
        ),
        (
            replace(EMPTY, drift=(Drift(FRAUD, "it was scaled\nby hand."),)),
            (
                "No changes are planned, but not everything runs as it was last applied.\n\n"
                "Changed outside of specr since it was applied:\n\n"
                "  ! deployment/fraud: it was scaled by hand (not touched by this plan)\n\n"
            ),
        ),
    ],
)
def test_plans_without_changes(plan: Plan, text: str) -> None:
    assert shown(plan) == text


def test_no_reason_repeats_the_headline() -> None:
    plan = only(next(change for change in PLAN.changes if change.address == FRAUD))
    text = shown(plan)
    assert "# deployment/fraud will be updated: version 1 -> 2\n" in text
    assert "because" not in text


def test_upstream_causes_name_the_address_and_the_argument() -> None:
    change = Change(
        FRAUD,
        Action.UPDATE,
        Effect.ROLL_OUT,
        Cause(Reason.UPSTREAM, ("runtime", "env"), Address("runtime", "gpu")),
        prior={},
        planned={},
    )
    assert "# because runtime/gpu changes (runtime.env)\n" in shown(only(change))


def test_what_is_made_again_is_shown_whole() -> None:
    change = Change(
        FRAUD,
        Action.CREATE,
        Effect.ROLL_OUT,
        Cause(Reason.MISSING, message="process 7 is gone"),
        prior={"model": "fraud", "version": 1},
        planned={"model": "fraud", "version": 2},
        unknown=(("endpoint",),),
        provider="local",
    )
    text = shown(only(change))
    assert "# deployment/fraud will be made again\n" in text
    assert "# because it is gone: process 7 is gone\n" in text
    assert "+ version  = 2\n" in text
    assert "+ endpoint = (known after apply)\n" in text


def test_a_deletion_that_ends_service_says_so() -> None:
    change = Change(
        FRAUD, Action.DELETE, Effect.REMOVE, Cause(Reason.DESTROY), prior={"model": "fraud"}, interrupts=True
    )
    text = shown(only(change))
    assert "! ends service: callers will get no answer any more\n" in text
    assert "Service will end: deployment/fraud.\n" in text


def moving(
    planned: dict[str, object],
    *differences: Difference,
    before: object = "http://127.0.0.1:40001",
    after: str | None = None,
) -> Change:
    return Change(
        FRAUD,
        Action.UPDATE,
        Effect.ROLL_OUT,
        Cause(Reason.ARGUMENTS, ("version",)),
        prior={"version": 1, "provider": "local"},
        planned={"version": 2, "provider": "local", **planned},
        differences=(*differences, Difference(("endpoint",), before, after, unknown=after is None)),
        unknown=() if after else (("endpoint",),),
        interrupts=True,
    )


def test_an_address_that_moves_is_told() -> None:
    text = shown(only(moving({}, Difference(("runtime", "image"), "a", "b"))))
    assert 'will be updated: runtime.image "a" -> "b"\n' in text
    assert '~ endpoint      = "http://127.0.0.1:40001" -> (known after apply)\n' in text
    assert (
        "! its address changes: callers of http://127.0.0.1:40001 must move; set endpoint.port to keep one\n"
    ) in text
    assert "short gap" not in text
    assert text.endswith("Its address will change: deployment/fraud.\n")
    comment = render_markdown(encode_plan(only(moving({}))))
    assert "will be updated, **its address changes** |" in comment
    assert "> Its address will change: `deployment/fraud`." in comment


def test_an_address_that_is_known_already_is_told() -> None:
    port = Difference(("endpoint", "port"), 40001, 8080)
    text = shown(only(moving({"endpoint": {"port": 8080}}, port, after="http://127.0.0.1:8080")))
    assert "will be updated: endpoint.port 40001 -> 8080\n" in text
    assert '~ endpoint      = "http://127.0.0.1:40001" -> "http://127.0.0.1:8080"\n' in text
    assert "! its address changes: callers of http://127.0.0.1:40001 must move\n" in text
    assert text.endswith("Its address will change: deployment/fraud.\n")


def test_what_a_build_may_yet_leave_as_it_is_is_told_as_that() -> None:
    build = parse_address("build/fraud.mlflow")
    upstream = Cause(Reason.UPSTREAM, ("modelDigest",), build)
    model = Difference(("modelDigest",), "sha256:a", None, unknown=True)
    moved = replace(moving({}, model), cause=upstream)
    text = shown(only(moved))
    assert (
        f"! its address changes, unless {build} turns out as before: callers of http://127.0.0.1:40001"
        in text
    )
    assert text.endswith("Its address may change: deployment/fraud.\n")
    stays = replace(moving({}, model, before=None), cause=upstream)
    text = shown(only(stays))
    assert (
        f"! interrupts service, unless {build} turns out as before: callers will notice a short gap" in text
    )
    assert text.endswith("Service may be interrupted: deployment/fraud.\n")
    sure = replace(moving({}, model, Difference(("version",), 1, 2)), cause=upstream)
    assert "Its address will change: deployment/fraud.\n" in shown(only(sure))


def test_how_to_keep_an_address_is_told_where_that_can_be_done() -> None:
    cases: tuple[dict[str, object], ...] = ({"endpoint": {"port": 8080}}, {"provider": "engine"})
    for planned in cases:
        text = shown(only(moving(planned)))
        assert "! its address changes: callers of http://127.0.0.1:40001 must move\n" in text
    assert "! interrupts service: callers will notice a short gap\n" in shown(only(moving({}, before=None)))


def test_a_null_that_comes_is_told_from_one_that_goes() -> None:
    def text(prior: dict[str, object], planned: dict[str, object]) -> str:
        change = Change(
            FRAUD,
            Action.UPDATE,
            Effect.RECORD,
            Cause(Reason.ARGUMENTS, ("statistics", "note")),
            prior={"statistics": prior},
            planned={"statistics": planned},
            differences=(Difference(("statistics", "note"), None, None),),
        )
        return shown(only(change))

    assert "+ statistics.note = null\n" in text({}, {"note": None})
    assert "- statistics.note = null\n" in text({"note": None}, {})


def test_every_reason_and_effect_has_words() -> None:
    for reason in Reason:
        for effect in Effect:
            for action in Action:
                if action.changes:
                    text = shown(only(Change(FRAUD, action, effect, Cause(reason), prior={}, planned={})))
                    assert text.startswith("Plan: 1 to ")


def test_a_schema_of_an_odd_shape_is_shown_all_the_same() -> None:
    columns = [{"name": f"column {number}", "type": "Float64"} for number in range(20)]
    change = Change(
        FRAUD,
        Action.CREATE,
        Effect.ROLL_OUT,
        Cause(Reason.NOT_RECORDED),
        planned={"schema": {"input": columns, "output": 5}},
    )
    text = shown(only(change))
    assert "+ output = 5\n" in text
    assert '+ "column 11": Float64\n' in text
    assert "# 8 more\n" in text
