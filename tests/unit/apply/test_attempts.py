"""Logs of failed attempts: one an address, whatever the address and whatever was printed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specr.address import Address
from specr.apply.attempts import FailedAttempts

FRAUD = Address("deployment", "fraud")

lines = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), max_size=5)


@pytest.fixture
def attempts(tmp_path: Path) -> FailedAttempts:
    return FailedAttempts(tmp_path, "lineage")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines)
def test_lines_come_back_as_they_were(attempts: FailedAttempts, printed: list[str]) -> None:
    attempts.keep(FRAUD, printed)
    found = attempts.find(FRAUD)
    assert found is not None
    assert list(found.lines) == printed


def test_the_last_attempt_counts_until_it_is_forgotten(attempts: FailedAttempts) -> None:
    assert attempts.find(FRAUD) is None
    attempts.forget(FRAUD)
    attempts.keep(FRAUD, ["one", "two"])
    attempts.keep(FRAUD, ["three"])
    found = attempts.find(FRAUD)
    assert found is not None
    assert found.lines == ("three",)
    attempts.forget(FRAUD)
    assert attempts.find(FRAUD) is None


def test_addresses_and_states_keep_apart(attempts: FailedAttempts, tmp_path: Path) -> None:
    """Long ones too, and those with letters that mean something in paths."""
    long = "a" * 63
    many = [
        Address("build", f"{long}.{long}"),
        Address("build", f"{long}.{long}", ".".join([long] * 5)),
        Address("build", f"{long}.{long}", ".".join([long] * 5), "k" * 300),
        Address("build", "a", "", ".."),
        Address("build", "a", "", "."),
    ]
    for number, address in enumerate(many):
        attempts.keep(address, [str(number)])
    found = [attempts.find(address) for address in many]
    assert [one.lines for one in found if one] == [("0",), ("1",), ("2",), ("3",), ("4",)]
    assert FailedAttempts(tmp_path, "other").find(many[0]) is None


def test_only_the_owner_reads_them(attempts: FailedAttempts, tmp_path: Path) -> None:
    """A program may print anything."""
    attempts.keep(FRAUD, ["one"])
    assert stat.S_IMODE((tmp_path / ".specr").stat().st_mode) == 0o700


def test_what_is_no_text_is_replaced(attempts: FailedAttempts) -> None:
    attempts.keep(FRAUD, ["\udcff"])
    found = attempts.find(FRAUD)
    assert found is not None
    assert found.lines == ("?",)
