"""What a processor's log has to say of a build that went well, and the policy's way to the processor."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from specr.address import parse_address
from specr.apply.orders import decode_build_order
from specr.apply.warnings import processor_warnings, warn_of
from specr.diagnostics import Diagnostic, Severity
from specr.providers.protocol import ProviderError, TransientError
from specr.resources.policy import Policy

BUILD = parse_address("build/fraud.plain")


class Keeper:
    def __init__(self, lines: Sequence[str] | Exception) -> None:
        self._lines = lines

    def logs(self, _ref: Any, *, tail: int | None = None) -> Sequence[str]:
        if isinstance(self._lines, Exception):
            raise self._lines
        assert tail is not None
        return self._lines[-tail:]


def warned(lines: Sequence[str] | Exception) -> Sequence[str]:
    keeper: Any = Keeper(lines)
    return processor_warnings(keeper, Any)  # type: ignore[arg-type]  # the ref is only handed on


def test_lines_that_say_so_are_warnings() -> None:
    lines = ["starting", "specr-mlflow: warning: careful", "warning: bare", "no warning: here", "x: warning:"]
    assert warned(lines) == ["careful", "bare"]


def test_each_is_told_once_and_not_too_many() -> None:
    assert warned(["warning: same"] * 50) == ["same"]
    assert len(warned([f"warning: {n}" for n in range(50)])) == 10


@pytest.mark.parametrize("error", [ProviderError(Diagnostic("Gone", "No log.", "")), TransientError("busy")])
def test_a_log_that_cant_be_read_is_told_and_fails_nothing(error: Exception) -> None:
    (text,) = warned(error)
    assert text.startswith("its log can't be read, so what it warned of is not known")


def test_a_provider_without_logs_warns_of_nothing() -> None:
    provider: Any = SimpleNamespace()
    assert processor_warnings(provider, Any) == []  # type: ignore[arg-type]


def test_warnings_are_findings_that_stop_nothing() -> None:
    (finding,) = warn_of(BUILD, ["careful"])
    assert finding.severity is Severity.WARNING
    assert finding.address == BUILD
    assert finding.detail == "The processor of build/fraud.plain has done its work, and warns: careful."


def arguments(**more: Any) -> dict[str, Any]:
    processor = {"command": ["process"], "env": {"LEVEL": "1"}}
    return {"processor": processor, "source": "sha256:0", "timeout": 5, **more}


def test_the_policy_is_in_the_processors_environment() -> None:
    told = Policy(pickles="warn", modules=("b", "a", "b")).arguments()
    order = decode_build_order(BUILD, arguments(policy=told), "t")
    assert order.env == {"LEVEL": "1", "SPECR_POLICY": '{"modules":["a","b"],"pickles":"warn"}'}


def test_the_default_policy_is_not_told() -> None:
    assert Policy().arguments() == {}
    assert Policy(pickles="deny").arguments() == {}
    assert decode_build_order(BUILD, arguments(), "t").env == {"LEVEL": "1"}
