"""Recorded state and its history as plain text: short, aligned, good for pipes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from specr.canonical import JsonObject
from specr.render.blocks import object_lines
from specr.render.steps import duration
from specr.render.table import render_table
from specr.render.text import neutral
from specr.state.model import Pending, RecordedObject, Run, State

_LABEL_WIDTH = 14


def render_state_list(state: State) -> str:
    """One line an object: address, provider, and what is notable about it."""
    rows = [
        [str(address), recorded.provider or "-", _notable(recorded, state.pending.get(address))]
        for address, recorded in sorted(state.objects.items())
    ]
    rows += [
        [str(address), pending.provider or "-", "begun, not finished"]
        for address, pending in sorted(state.pending.items())
        if address not in state.objects
    ]
    return render_table(rows)


def _notable(recorded: RecordedObject, pending: Pending | None) -> str:
    marks = []
    if recorded.address.kind == "deployment":
        arguments = recorded.arguments
        marks.append(f"{arguments.get('model', '?')} version {arguments.get('version', '?')}")
        marks.append(str(recorded.attributes.get("endpoint") or "no endpoint"))
    if recorded.tainted:
        marks.append("damaged, will be replaced")
    if pending is not None:
        marks.append("change begun, not finished")
    return ", ".join(marks)


def render_state_show(recorded: RecordedObject, pending: Pending | None = None) -> str:
    """Everything that is recorded of one object."""
    where = f" on {recorded.provider}" if recorded.provider else ""
    lines = [f"{recorded.address}{where}"]
    needs = ", ".join(map(str, recorded.dependencies))
    facts = [("fingerprint", recorded.fingerprint), ("token", recorded.token), ("needs", needs)]
    if recorded.tainted:
        facts.append(("damaged", "will be replaced by the next apply"))
    if pending is not None:
        facts.append(("unfinished", f"{pending.action} with token {pending.token}"))
    lines += [f"  {label.ljust(_LABEL_WIDTH)}{neutral(text)}" for label, text in facts if text]
    for title, content in (("arguments", recorded.arguments), ("attributes", recorded.attributes)):
        lines += _section(title, content)
    return "\n".join(lines) + "\n"


def _section(title: str, content: JsonObject) -> list[str]:
    if not content:
        return []
    return ["", title, *(f"  {'    ' * line.depth}{line.text}" for line in object_lines(content))]


def render_history(runs: Sequence[Run]) -> str:
    """One line a run, newest first; empty where nothing was ever applied."""
    header = ("RUN", "STARTED", "TOOK", "OPERATION", "STATUS", "CHANGES", "SERIAL", "BY")
    rows = [
        [
            str(run.number),
            _moment(run.started),
            _took(run),
            run.operation,
            run.status,
            _summary(run),
            f"{run.first}..{run.last}",
            run.actor,
        ]
        for run in reversed(runs)
    ]
    return render_table(rows, header)


def _took(run: Run) -> str:
    if not run.finished:
        return "-"
    try:
        span = datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started)
    except ValueError:
        return "?"
    # Moments are recorded in whole seconds, so tenths are not known.
    return duration(span.total_seconds()).replace(".0 s", " s")


def _summary(run: Run) -> str:
    counted: Iterable[str] = (f"{count} {kind}" for kind, count in sorted(run.summary.items()) if count)
    done = f"{len(run.done)} done" if run.done else "-"
    return ", ".join(counted) or done


def _moment(text: str) -> str:
    """A moment in UTC for people: `2026-11-21 10:00:00Z`."""
    return text.replace("T", " ").replace("+00:00", "Z")
