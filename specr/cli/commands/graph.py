"""`specr graph`."""

from __future__ import annotations

from pathlib import Path

import click

from specr.cli.options import variables_option
from specr.cli.parameters import PathType
from specr.cli.plans import load_plan
from specr.cli.session import Session, with_session


@click.command(
    "graph",
    epilog="""\b
Examples:
  specr graph | dot -Tsvg > graph.svg
  specr graph --format mermaid
  specr graph --plan my.plan""",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["dot", "mermaid"]),
    default="dot",
    show_default=True,
    help="The language of the drawing.",
)
@click.option(
    "--plan",
    "planfile",
    type=PathType(dir_okay=False, path_type=Path),
    help="Mark what this saved plan does.",
)
@click.option("--all", "everything", is_flag=True, help="Show also what is not used of packs.")
@variables_option
@with_session
def command(
    session: Session,
    *,
    form: str,
    planfile: Path | None,
    everything: bool,
    variables: tuple[tuple[str, str], ...],
) -> None:
    """Draw what depends on what.

    Takes specs alone, and asks neither state nor providers.
    """
    from specr.graph import ancestors
    from specr.render.comparison import expand_alone
    from specr.render.graph import reduced, render_dot, render_mermaid

    with session.open(variables) as workspace:
        specs = workspace.specs
    desired = expand_alone(specs).desired
    graph = {**specs.graph, **{address: wanted.dependencies for address, wanted in desired.items()}}
    actions = {}
    if planfile is not None:
        for change in load_plan(planfile).changes:
            actions[change.address] = change.action
            graph.setdefault(change.address, change.dependencies)
    if not everything:
        own = [a for a in graph if not (origin := specs.origins.get(a)) or not origin.pack]
        needed = frozenset(own) | ancestors(graph, own)
        graph = {address: needs for address, needs in graph.items() if address in needed}
    draw = {"dot": render_dot, "mermaid": render_mermaid}[form]
    session.console.answer(draw(reduced(graph), actions))
