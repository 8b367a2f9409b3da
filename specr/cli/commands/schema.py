"""`specr schema`."""

from __future__ import annotations

from typing import Final

import click

from specr.cli.session import Session, with_session

_OF_PLANS: Final = "The schema of saved plans: specr schema --plan"
_OF_SPECS: Final = "All kinds of specs are in one schema: specr schema"


class _Schema(click.Command):
    """As click's, with a word for those who name what they want, as `specr schema plan`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = next((arg for arg in args if not arg.startswith("-")), None)
        if named is None:
            return super().parse_args(ctx, args)
        hint = _OF_PLANS if named in ("plan", "plans") else _OF_SPECS
        raise click.UsageError(f"Got unexpected extra argument ({named}). {hint}", ctx)


@click.command(
    "schema",
    cls=_Schema,
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
