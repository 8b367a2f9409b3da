"""What to install for a provider is what its extra of the package asks for."""

from __future__ import annotations

from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from specr.providers.docker import problems
from specr.providers.kubernetes import trouble
from specr.providers.protocol import ProviderError


@pytest.mark.parametrize(
    ("extra", "told"),
    [("docker", problems.no_client()), ("kubernetes", trouble.no_client(ImportError("no")))],
)
def test_the_remedy_names_all_that_is_needed(extra: str, told: ProviderError) -> None:
    asked = map(Requirement, requires("specr") or ())
    wanted = [
        r for r in asked if r.marker and not r.marker.evaluate() and r.marker.evaluate({"extra": extra})
    ]
    assert wanted
    (problem,) = told.diagnostics
    assert all(f"'{one.name}{one.specifier}'" in problem.remedy for one in wanted)
