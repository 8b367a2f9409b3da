"""`specr output`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from specr.cli.session import Session, with_session

if TYPE_CHECKING:
    from specr.cli.console import Console


@click.command(
    "output",
    epilog="""\b
Examples:
  specr output
  specr output fraud
  curl -s $(specr output fraud --url)/model/schema""",
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--url", "only_url", is_flag=True, help="Print nothing but the URL of NAME.")
@with_session
def command(session: Session, *, name: str | None, as_json: bool, only_url: bool) -> None:
    """Show where deployments answer, as the last apply has recorded it.

    All of them, one a line; or the deployment NAME, with the addresses of
    further replicas, and a command to try it. No provider is asked: what does
    not run any more is told by `specr plan`.
    """
    from specr.render.outputs import encode_outputs, render_outputs

    if only_url and name is None:
        raise click.UsageError("--url needs the NAME of a deployment.")
    console = session.console
    name = name and name.removeprefix("deployment/")
    with session.open() as workspace:
        outputs = encode_outputs(workspace.backend.read())
    if name is not None:
        _answer_one(console, name, outputs, as_json=as_json, only_url=only_url)
    elif as_json:
        console.answer_json(outputs)
    else:
        console.answer(render_outputs(outputs))
    if not outputs:
        console.tell("No deployment is recorded yet.\n")


def _answer_one(
    console: Console, name: str, outputs: dict[str, dict[str, Any]], *, as_json: bool, only_url: bool
) -> None:
    from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
    from specr.render.outputs import render_output

    if name not in outputs:
        remedy = did_you_mean(name, outputs) or "List all with `specr output`; make it with `specr apply`."
        raise DiagnosticError(Diagnostic("No such deployment", f"No deployment {name} is recorded.", remedy))
    output = outputs[name]
    if only_url:
        if not output["url"]:
            detail = f"deployment/{name} answers nowhere: it has no replicas, or was not applied to its end."
            remedy = "`specr plan` says what is to be done."
            raise DiagnosticError(Diagnostic("No endpoint", detail, remedy))
        console.answer(f"{output['url']}\n")
    elif as_json:
        console.answer_json(output)
    else:
        console.answer(render_output(name, output))
