"""What tests of real engines share: without its engine a test is skipped, and in CI it fails."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


def need(reachable: bool, engine: str, how: str) -> None:
    """Skip the tests that follow where an engine is not there."""
    if not reachable:
        pytest.skip(f"{engine} can't be reached: {how}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that nobody waits for it alone in the end.

    Modules of the same name stand together, whatever the engine: one loads this machine, another waits.
    """
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, item.path.name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI says that engines must be there, a test that was skipped has failed."""
    report = yield
    if report.skipped and os.environ.get("CI", "").lower() in {"1", "true"}:
        report.outcome = "failed"
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"CI must not pass without this test: {why}"
    return report
