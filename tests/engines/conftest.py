"""What tests of real engines share: without its engine a test is skipped, and in CI it fails."""

from __future__ import annotations

import os

import pytest


def need(reachable: bool, engine: str, how: str) -> None:
    """Skip the tests that follow where an engine is not there; where CI says that it must be, fail."""
    if reachable:
        return
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{engine} can't be reached, and CI must not pass without it: {how}", pytrace=False)
    pytest.skip(f"{engine} can't be reached: {how}")
