"""`specr validate`."""

from __future__ import annotations

import click

from specr.cli.options import variables_option
from specr.cli.session import Session, with_session


@click.command("validate", epilog="Example: specr validate --json | jq .diagnostics")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@variables_option
@with_session
def command(session: Session, *, as_json: bool, variables: tuple[tuple[str, str], ...]) -> int:
    """Check the specs, and nothing else.

    Reads neither state nor artifacts and asks no provider, so it needs no
    credentials. Finds also deployments that have no way from their artifact to
    a runtime.
    """
    from specr.cli.failures import show_findings
    from specr.diagnostics import DiagnosticError, has_errors
    from specr.render.comparison import expand_alone
    from specr.render.diagnostic_json import encode_diagnostic
    from specr.render.words import counted
    from specr.workflow.settings import check_settings

    console = session.console
    count = files = 0
    try:
        with session.open(variables) as workspace:
            specs = workspace.specs
            said = (*workspace.warnings, *check_settings(workspace), *expand_alone(specs).diagnostics)
            found = workspace.located(said)
            own = [document for document in specs.documents.values() if not document.pack]
            count, files = len(own), len({document.file for document in own})
    except DiagnosticError as error:
        found = error.diagnostics
    valid = not has_errors(found)
    if as_json:
        told = [encode_diagnostic(diagnostic) for diagnostic in found]
        console.answer_json({"valid": valid, "resources": count, "diagnostics": told})
    else:
        show_findings(found, console)
        if valid:
            console.answer(f"Valid: {counted(count, 'resource')} in {counted(files, 'file')}.\n")
    return 0 if valid else 1
