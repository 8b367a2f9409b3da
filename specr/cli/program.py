"""The commands of `specr`: finds the one asked for, runs it, and turns what happens into an exit code.

Commands live in modules of their own, imported when they are run, since start-up time counts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Final

import click

from specr import __version__
from specr.cli.argv import normalise
from specr.cli.console import Console
from specr.cli.exits import INTERRUPTED
from specr.cli.session import Session
from specr.cli.streams import AnswerLostError, ReaderGoneError, answering

COMMANDS: Final = {
    "init": "Write a small project that works.",
    "import": "Write specs for the models of a registry.",
    "validate": "Check the specs, and nothing else.",
    "plan": "Show what apply would do.",
    "apply": "Make what runs match the specs.",
    "destroy": "Delete everything that was applied.",
    "show": "Show a saved plan, or what is recorded.",
    "diff": "Compare two versions of the specs by meaning.",
    "output": "Show where deployments answer.",
    "logs": "Show what a deployment or build printed.",
    "state": "Look at recorded state, or forget objects.",
    "history": "List what was applied, when and by whom.",
    "graph": "Draw what depends on what.",
    "fmt": "Format specs.",
    "schema": "Print the JSON Schema of specs or plans.",
    "gc": "Free stored bytes that nothing needs.",
    "force-unlock": "Break the lock of a process that is gone.",
    "completion": "Print completion for a shell.",
    "version": "Print the version.",
}
"""Every command and what it is for, in the order of `specr --help`."""


INSTEAD: Final = {
    "get": "Packs are named in the Project, and installed with pip.",
    "providers": "They are settings of the Project: providers.",
    "refresh": "`specr plan` looks at what really runs, and `specr apply` puts it right.",
    "taint": "To make it anew: specr apply --replace {address}",
    "untaint": "What was left damaged is made anew by the next `specr apply`.",
    "workspace": "A project is a folder: use one for each environment, or variables.",
}
"""What to do instead of commands that Terraform has."""


class LazyGroup(click.Group):
    """Knows its commands by name, and imports the module of the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order that people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = import_module(f"specr.cli.commands.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a misspelt command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from specr.diagnostics import did_you_mean

            instead = INSTEAD.get(args[0], "").format(address=args[1] if len(args) > 1 else "ADDRESS")
            hint = instead or did_you_mean(args[0], COMMANDS) or "`specr --help` lists them."
            raise click.UsageError(f"There is no command {args[0]!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Example: specr plan --out my.plan && specr apply my.plan",
)
@click.option(
    "-C",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=str),
    default=".",
    help="The project's folder, instead of the current one.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is asked of whom.")
@click.option("--no-color", is_flag=True, help="No colours, as with NO_COLOR set.")
@click.version_option(__version__, "--version", message="specr %(version)s")
@click.pass_context
def cli(ctx: click.Context, folder: str, *, verbose: bool, no_color: bool) -> None:
    """Terraform for model deployment.

    Declare models in YAML, plan the difference, apply it, prove that it answers.
    SPECR_LOG=debug writes a full log to stderr.
    """
    console = Console(colour=not no_color)
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is slow to import
    except OSError as error:
        raise click.ClickException("The current folder is gone. Change to one that is there.") from error
    level = os.environ.get("SPECR_LOG") or ("info" if verbose else "")
    if level:
        from specr.cli.logs import start_logging

        start_logging(level)
    ctx.obj = Session(folder, console)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Nothing escapes but SystemExit by signals."""
    return answering(partial(_run, arguments))


def _run(arguments: Sequence[str]) -> int:
    """See `run`; but that an answer which can't be written is for the caller to tell."""
    console = Console(colour="--no-color" not in arguments and "-no-color" not in arguments)
    try:
        result = cli.main(args=normalise(arguments), prog_name="specr", standalone_mode=False)
    except (ReaderGoneError, AnswerLostError):
        raise
    except (KeyboardInterrupt, click.Abort):
        console.tell("\nInterrupted.\n")
        return INTERRUPTED
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - the one place where whatever happened is told
        from specr.cli.failures import report

        report(error, console)
        return 1
    return result if isinstance(result, int) else 0
