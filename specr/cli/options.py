"""Options that several commands share, and how they become a workflow's Options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from specr.cli.parameters import ADDRESS, DURATION, VARIABLE

if TYPE_CHECKING:
    from specr.address import Address
    from specr.workflow import Options

F = TypeVar("F", bound=Callable[..., Any])


class Scope(Struct, frozen=True):
    """What plan, apply and destroy were asked for, as options say it."""

    variables: tuple[tuple[str, str], ...] = ()
    targets: tuple[Address, ...] = ()
    replaced: tuple[Address, ...] = ()
    allowed: tuple[Address, ...] = ()
    refresh: bool = True

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was asked for that a saved plan has already settled."""
        return bool(self.targets or self.replaced or self.allowed) or not self.refresh

    def options(self, *, destroy: bool = False) -> Options:
        """The workflow's form of it."""
        from specr.workflow import Options

        return Options(
            targets=self.targets,
            replace=self.replaced,
            refresh=self.refresh,
            destroy=destroy,
            allow_delete=frozenset(self.allowed),
        )


class ScopedCommand(click.Command):
    """A command with `--target`, which tells of it whoever gives an address as a bare word."""

    allow_extra_args = True  # collected by click, and refused here

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but for the hint."""
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            words = "argument" if len(rest) == 1 else "arguments"
            raise click.UsageError(
                f"Got unexpected extra {words} ({' '.join(rest)}).{target_hint(rest, ctx.command_path)}", ctx
            )
        return rest


def target_hint(words: Sequence[str], command: str) -> str:
    """How addresses are given to a command, for words that all are some; else nothing."""
    from specr.address import parse_address
    from specr.resources.catalog import BUILD, KINDS

    kinds = {BUILD, *(kind.lower() for kind in KINDS)}
    try:
        addresses = [parse_address(word) for word in words]
    except ValueError:
        return ""
    if any(address.kind not in kinds for address in addresses):  # a path, then
        return ""
    options = " ".join(f"--target {address}" for address in addresses)
    return f" To narrow it down to that: {command} {options}"


def variables_option(command: F) -> F:
    """`--var name=value`, many times."""
    return click.option(
        "--var",
        "variables",
        type=VARIABLE,
        multiple=True,
        help="Give a variable of the project a value, as SPECR_VAR_name does in the environment. "
        "May be repeated.",
    )(command)


def scope_options(command: F) -> F:
    """What narrows or widens a plan."""
    for option in (
        click.option(
            "--refresh/--no-refresh",
            default=True,
            help="Look at what really runs, or trust recorded state.",
        ),
        click.option(
            "--allow-delete",
            "allowed",
            type=ADDRESS,
            multiple=True,
            help="Consent to the deletion of a protected deployment. May be repeated.",
        ),
        click.option(
            "--target",
            "targets",
            type=ADDRESS,
            multiple=True,
            help="Only this, and what it needs. May be repeated.",
        ),
        variables_option,
    ):
        command = option(command)
    return command


def replace_option(command: F) -> F:
    """`--replace ADDR`, many times."""
    return click.option(
        "--replace",
        "replaced",
        type=ADDRESS,
        multiple=True,
        help="Make this anew, whether or not it differs. May be repeated.",
    )(command)


class Manner(Struct, frozen=True):
    """How a plan is to be carried out, as options say it."""

    auto_approve: bool
    parallelism: int
    lock_seconds: float
    as_json: bool


def lock_option(command: F) -> F:
    """`--lock-timeout`."""
    return click.option(
        "--lock-timeout",
        "lock_seconds",
        type=DURATION,
        default="0s",
        show_default=True,
        help="How long to wait for the state's lock.",
    )(command)


def run_options(command: F) -> F:
    """How a plan is carried out."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines."),
        lock_option,
        click.option(
            "--parallelism",
            type=click.IntRange(1, 256),
            default=10,
            show_default=True,
            help="How many changes at the same time.",
        ),
        click.option("--auto-approve", is_flag=True, help="Don't ask before carrying the plan out."),
    ):
        command = option(command)
    return command


class Form(Struct, frozen=True):
    """How an answer is to be printed."""

    name: str
    limit: int

    @classmethod
    def take(cls, options: dict[str, Any]) -> Form:
        """Take what `form_options` added out of a command's options."""
        name, as_json, limit = options.pop("form"), options.pop("as_json"), options.pop("limit")
        return cls("json" if as_json else name, limit)


def form_options(command: F) -> F:
    """`--format`, `--json` for short, and `--limit` for Markdown."""
    for option in (
        click.option(
            "--limit",
            type=click.IntRange(4_000),
            default=60_000,
            show_default=True,
            help="Most characters of Markdown.",
        ),
        click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
        click.option(
            "--format",
            "form",
            type=click.Choice(["terminal", "markdown", "json"]),
            default="terminal",
            show_default=True,
            help="How to print it.",
        ),
    ):
        command = option(command)
    return command
