"""`specr diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specr.cli.options import Form, form_options, variables_option
from specr.cli.session import Session, with_session

if TYPE_CHECKING:
    from specr.spec.model import Specs
    from specr.spec.tree import Tree

_WORKING_TREE = "working tree"


@click.command(
    "diff",
    epilog="""\b
Examples:
  specr diff
  specr diff origin/main --format markdown > comment.md
  specr diff v1.2 v1.3
  specr diff ../staging ../production""",
)
@click.argument("before", default="HEAD")
@click.argument("after", required=False)
@form_options
@variables_option
@with_session
def command(
    session: Session, *, before: str, after: str | None, variables: tuple[tuple[str, str], ...], **asked: Any
) -> None:
    """Compare two versions of the specs by meaning.

    BEFORE and AFTER are Git revisions or folders; left out, they are HEAD and
    the working tree. Needs neither state nor credentials, and says which
    deployments a change reaches.
    """
    from specr.render.comparison import compare_specs

    if "" in (before, after):
        raise click.UsageError("BEFORE and AFTER are revisions or folders; an empty text names none.")
    form = Form.take(asked)
    old = _load(session, before, variables)
    new = _load(session, after, variables)
    data = {"before": before, "after": after or _WORKING_TREE, **compare_specs(old, new)}
    if form.name == "json":
        session.console.answer_json(data)
    elif form.name == "markdown":
        from specr.render.diff import render_diff_markdown

        session.console.answer(render_diff_markdown(data, limit=form.limit))
    else:
        from specr.render.diff import render_diff

        console = session.console
        console.answer(render_diff(data, colour=console.stdout_colour, width=console.width))


def _load(session: Session, version: str | None, variables: tuple[tuple[str, str], ...]) -> Specs:
    """One version of the specs.

    Raises:
        DiagnosticError: it can't be read, or holds errors.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError
    from specr.packs import InstalledPacks
    from specr.spec.load import load_specs

    root, tree = _place(session, version)
    values = session.values(variables)
    specs, found = load_specs(root, packs=InstalledPacks(), variables=values, tree=tree)
    if specs is None:
        detail = f"The specs of {version or _WORKING_TREE} hold errors, which are told above."
        remedy = "Correct them, or compare another version."
        raise DiagnosticError(*found, Diagnostic("Specs can't be compared", detail, remedy))
    return specs


def _place(session: Session, version: str | None) -> tuple[Path, Tree | None]:
    """Where a version's files are: a folder of this name, or else a revision."""
    if version is None:
        return session.root, None
    if Path(version).is_dir():
        return Path(version), None
    from specr.spec.git_tree import GitTree

    return session.root, GitTree(session.root, version)
