"""`specr schema`."""

from __future__ import annotations

import click

from specr.cli.session import Session, with_session


@click.command(
    "schema",
    epilog="""\b
Examples:
  specr schema > schema.json
  specr schema --plan""",
)
@click.option("--plan", "of_plans", is_flag=True, help="The schema of saved plans, instead of specs.")
@with_session
def command(session: Session, *, of_plans: bool) -> None:
    """Print the JSON Schema of specs, for editors.

    With the YAML language server, put this line at the top of a spec that lies
    beside the schema:

    \b
    # yaml-language-server: $schema=schema.json
    """  # noqa: D301 - click's mark for lines that stay as they are
    if of_plans:
        from specr.plan.schema import plan_schema_text

        session.console.answer(plan_schema_text())
        return
    from specr.spec.schema import document_schema

    session.console.answer_json(document_schema())
