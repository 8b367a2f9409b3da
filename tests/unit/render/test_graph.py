from __future__ import annotations

from specr.address import Address
from specr.plan.model import Action
from specr.render.graph import render_dot, render_mermaid

MODEL = Address("model", "fraud")
FRAUD = Address("deployment", "fraud", "risk", "eu")
GRAPH = {FRAUD: (MODEL,), MODEL: (Address("experiment", "f"),)}


def test_dot() -> None:
    text = render_dot(GRAPH, {FRAUD: Action.CREATE})
    assert text.startswith("digraph specr {\n")
    assert '  "risk.deployment/fraud[eu]" -> "model/fraud";\n' in text
    assert '"model/fraud" -> "experiment/f";\n' in text
    assert 'label="+ risk.deployment/fraud[eu]", shape=box3d' in text
    assert '"experiment/f" [label="experiment/f", shape=ellipse' in text
    assert text.endswith("}\n")


def test_mermaid() -> None:
    text = render_mermaid(GRAPH, {FRAUD: Action.DELETE})
    assert text.startswith("flowchart LR\n")
    assert '  n1(["experiment/f"]):::experiment\n' in text
    assert '  n0{{"- risk.deployment/fraud&#91;eu]"}}:::delete\n' in text
    assert "  n0 --> n2\n" in text
    assert "classDef delete " in text


def test_the_order_of_keys_changes_nothing() -> None:
    turned = dict(reversed(GRAPH.items()))
    assert render_dot(turned) == render_dot(GRAPH)
    assert render_mermaid(turned) == render_mermaid(GRAPH)


def test_odd_kinds_are_drawn_too() -> None:
    odd = Address("lake", "x")
    assert '"lake/x" [label="lake/x", shape=box' in render_dot({odd: ()})
    assert 'n0["lake/x"]:::other' in render_mermaid({odd: ()})
