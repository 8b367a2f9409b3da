from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from specr.cli.argv import normalise
from specr.cli.program import COMMANDS, run


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("plan -out my.plan", "plan --out my.plan"),
        ("plan -out=my.plan -json", "plan --out=my.plan --json"),
        ("plan -detailed-exitcode", "plan --detailed-exitcode"),
        ("apply -auto-approve -parallelism=3", "apply --auto-approve --parallelism=3"),
        (
            "plan -target=deployment/x -replace deployment/y",
            "plan --target=deployment/x --replace deployment/y",
        ),
        ("plan -var a=-json", "plan --var a=-json"),
        ("plan -refresh=false", "plan --no-refresh"),
        ("plan -refresh=true", "plan --refresh"),
        ("apply -lock-timeout=60s", "apply --lock-timeout=60s"),
        ("-chdir=there plan", "-Cthere plan"),
        ("-help", "--help"),
        ("plan -C there", "-C there plan"),
        ("plan -Cthere --no-color", "-Cthere --no-color plan"),
        ("plan -v -no-color", "-v --no-color plan"),
        ("logs x -f", "logs x -f"),
        ("plan -input=false -out x", "plan --out x"),
        ("apply --input=true", "apply"),
        ("plan --out -raw", "plan --out -raw"),
        ("plan -destroy", "plan --destroy"),
        ("plan -vh", "plan -vh"),
        ("plan -- -json -v", "plan -- -json -v"),
        ("plan -C", "-C plan"),
    ],
)
def test_command_lines_are_read_as_people_type_them(typed: str, read: str) -> None:
    assert normalise(typed.split()) == read.split()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("plan -unknown", "No such option: -unknown."),
        ("plan -unknown=3", "No such option: -unknown."),
        ("plan -var-file=prod.tfvars", "No such option: -var-file. Give each value with --var name=value"),
        ("plan --var-file prod.tfvars", "No such option: --var-file. Give each value with --var name=value"),
        ("output -raw", "No such option: -raw. The bare URL of a deployment: specr output NAME --url"),
        ("init -upgrade", "No such option: -upgrade. Plug-ins"),
        (
            "plan -refresh-only",
            "No such option: -refresh-only. What was changed outside of specr: specr plan",
        ),
        ("apply -destroy", "No such option: -destroy. To delete everything: specr destroy"),
        ("plan -lock-timeout=5s", "No such option: -lock-timeout. A plan takes no lock"),
        ("-C there plan --lock-timeout 5s", "No such option: --lock-timeout. A plan takes no lock"),
        ("taint deployment/x", "specr apply --replace deployment/x"),
        ("refresh", "`specr plan`"),
        ("import deployment/x y", "deployment/x is an address. What specr did not make it can't take over."),
        ("state mv a b", "There is no command 'state mv'. "),
        ("state lst", "Did you mean list?"),
    ],
)
def test_what_terraform_has_is_told_with_what_to_do_instead(
    typed: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(typed.split()) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert told in " ".join(err.split())
    assert "Did you mean" not in err or told.startswith("Did you mean")


def options(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from (name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--"))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from options(inner)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_long_option_may_have_one_dash(name: str) -> None:
    command = import_module(f"specr.cli.commands.{name.replace('-', '_')}").command
    for option in options(command):
        assert normalise([name, option[1:]]) == [name, option]
