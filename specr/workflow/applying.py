"""Applying: is the plan still true, what of it remains, then the engine carries it out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from specr.address import Address
from specr.apply.attempts import FailedAttempts
from specr.apply.engine import Engine, Result, RunInfo
from specr.apply.journal import Journal
from specr.apply.means import Means
from specr.apply.secrets import check_secrets
from specr.backends.protocol import LeaseLostError, SerialConflictError
from specr.canonical import digest_of
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.codec import plan_digest
from specr.plan.model import Change, Plan
from specr.plan.moved import Moved, moved_sources
from specr.readers.catalog import reader_for
from specr.state.model import Run, State
from specr.workflow.lease import actor_name, hold_lock
from specr.workflow.options import Manner
from specr.workflow.planning import resolve_artifacts, spec_digest

if TYPE_CHECKING:
    from pathlib import Path

    from specr.readers.protocol import ArtifactFacts
    from specr.workflow.workspace import Workspace


_TOLD: Final = 3
"""Sources that have moved are told by name up to this many."""


def apply_plan(workspace: Workspace, plan: Plan, manner: Manner) -> Result:
    """Carry a plan out under the state's lock.

    Raises:
        DiagnosticError: the plan is stale, the lock is held, a secret is missing, or state could not
            be written.
    """
    backend = workspace.backend
    backend.ensure()
    with hold_lock(
        backend, plan.operation, wait_seconds=manner.lock_seconds, stopping=manner.stopping
    ) as lease:
        state = backend.read()
        if manner.replan is not None and state.serial != plan.serial:
            plan = manner.replan()
        digest = plan_digest(plan)
        done = _done_already(plan, digest, state, backend.history())
        if manner.saved:
            _check_specs(workspace, state, plan)
        steps = tuple(change for change in plan.steps if change.address not in done)
        _check_observed(workspace, state, steps)
        means = _means(workspace, state.lineage)
        check_secrets(steps, lambda name: means.provider(name).schema, means.base)
        engine = Engine(
            Journal(backend, lease, state),
            means,
            manner.observer,
            parallelism=manner.parallelism,
            stopping=manner.stopping,
        )
        try:
            return engine.run(steps, RunInfo(plan.operation, digest, actor_name()))
        except (LeaseLostError, SerialConflictError) as error:
            raise DiagnosticError(_lost(error)) from error


def _check_specs(workspace: Workspace, state: State, plan: Plan) -> None:
    """Hold a saved plan against the specs and sources as they are now.

    Raises:
        DiagnosticError: they mean something else than when the plan was made.
    """
    report = resolve_artifacts(workspace, state, destroy=plan.operation == "destroy")
    if spec_digest(workspace, report) != plan.spec_digest:
        raise DiagnosticError(_stale_specs(moved_sources(plan, state, report.facts)))


def _done_already(plan: Plan, digest: str, state: State, history: Sequence[Run]) -> frozenset[Address]:
    """The addresses whose change earlier, interrupted runs of this same plan carried out.

    Raises:
        DiagnosticError: state has changed since the plan was made, other than by such runs.
    """
    fresh = state.serial == plan.serial and plan.lineage in ("", state.lineage)
    if fresh:
        return frozenset()
    if any(run.plan == digest and run.status == "succeeded" for run in history):
        raise DiagnosticError(_applied_already())
    serial, done = state.serial, frozenset[Address]()
    for run in reversed(history):
        if run.plan != digest or run.last != serial:
            break
        serial, done = run.first, done | run.done
        if serial == plan.serial and plan.lineage in ("", state.lineage):
            return done
    raise DiagnosticError(_stale_state(plan, state))


def _check_observed(workspace: Workspace, state: State, steps: Sequence[Change]) -> None:
    """Look again at the objects that the plan touches.

    Raises:
        DiagnosticError: one of them is not as it was when the plan was made.
    """
    looked_at = [change for change in steps if change.basis]
    observed = workspace.observe(state, [change.address for change in looked_at], listening=False)
    moved = []
    for change in looked_at:
        seen = observed.get(change.address)
        now = "" if seen is None else digest_of([seen.exists, dict(seen.attributes)])
        if now != change.basis:
            moved.append(change.address)
    if moved:
        raise DiagnosticError(
            Diagnostic(
                "Plan is stale",
                f"Changed outside of specr since the plan was made: {', '.join(map(str, moved))}.",
                "Make a new plan with `specr plan`.",
            ),
        )


def _means(workspace: Workspace, lineage: str) -> Means:
    def read(artifact_type: str, content: Path) -> ArtifactFacts | None:
        reader = reader_for(artifact_type)
        return None if reader is None else reader.read(content)

    return Means(
        provider=lambda name: workspace.provider(name, lineage),
        store=lambda: workspace.store,
        source=workspace.source,
        read=read,
        base=workspace.root,
        attempts=FailedAttempts(workspace.root, lineage),
        clock=time.monotonic,
        pause=time.sleep,
    )


def _applied_already() -> Diagnostic:
    return Diagnostic(
        "Plan is stale",
        "This plan has been carried out already, and the state has moved on.",
        "See `specr history`; make a new plan with `specr plan`.",
    )


def _stale_specs(moved: Sequence[Moved]) -> Diagnostic:
    if not moved:
        return Diagnostic(
            "Plan is stale",
            "The specs, their variables or their artifacts have changed since the plan was made.",
            "Make a new plan with `specr plan`. One that was made with `--var` needs the same for apply.",
        )
    told = [f"{m.address}: {m.source} was {m.before} then, and is {m.now} now" for m in moved[:_TOLD]]
    more = [f"and {len(moved) - _TOLD} more"] if len(moved) > _TOLD else []
    return Diagnostic(
        "Plan is stale",
        f"Sources have moved since the plan was made. {'; '.join([*told, *more])}.",
        "Make a new plan with `specr plan`.",
    )


def _stale_state(plan: Plan, state: State) -> Diagnostic:
    if plan.lineage not in ("", state.lineage):
        detail = "The plan was made for another state: its lineage is not that of this one."
    else:
        detail = f"The plan was made at serial {plan.serial} of the state, which is at {state.serial} now."
    return Diagnostic("Plan is stale", detail, "Make a new plan with `specr plan`.")


def _lost(error: Exception) -> Diagnostic:
    return Diagnostic(
        "The lock was lost",
        f"Another process took over while this one was working: {error}. Nothing was overwritten.",
        "Run `specr plan`: it finds what was begun and says how to go on.",
    )
