from __future__ import annotations

import pytest

from specr.cli.argv import normalise


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
        ("plan -unknown", "plan -unknown"),
        ("plan -- -json -v", "plan -- -json -v"),
        ("plan -C", "-C plan"),
    ],
)
def test_command_lines_are_read_as_people_type_them(typed: str, read: str) -> None:
    assert normalise(typed.split()) == read.split()
