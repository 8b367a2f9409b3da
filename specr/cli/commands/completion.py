"""`specr completion`."""

from __future__ import annotations

import os

import click

from specr.cli.session import Session, with_session

_WHERE = {
    "bash": "~/.local/share/bash-completion/completions/specr",
    "zsh": "a folder of your $fpath, as _specr",
    "fish": "~/.config/fish/completions/specr.fish",
}


@click.command(
    "completion",
    epilog="""\b
Examples:
  eval "$(specr completion bash)"
  specr completion fish > ~/.config/fish/completions/specr.fish""",
)
@click.argument("shell", type=click.Choice(sorted(_WHERE)), required=False)
@with_session
def command(session: Session, *, shell: str | None) -> None:
    """Print completion for a shell: bash, zsh or fish.

    Without SHELL, for the one that $SHELL names.
    """
    from click.shell_completion import get_completion_class

    name = shell or os.path.basename(os.environ.get("SHELL", ""))  # noqa: PTH119 - a name, not a path to use
    if name not in _WHERE:
        raise click.UsageError(f"Name the shell: {', '.join(sorted(_WHERE))}.")
    root = click.get_current_context().find_root().command
    found = get_completion_class(name)
    assert found is not None
    session.console.answer(f"{found(root, {}, 'specr', '_SPECR_COMPLETE').source()}\n")
    session.console.tell(f"# Keep it in {_WHERE[name]}\n" if session.console.is_live else "")
