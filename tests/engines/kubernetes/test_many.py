"""Many deployments are observed in a handful of calls."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from specr.providers.protocol import DeploymentOrder
from specr.state.model import ObjectRef
from specr.testing.provider_site import ref_to
from tests.engines.kubernetes.platform import Namespace

pytestmark = [pytest.mark.engines, pytest.mark.slow]

COUNT = 200
CALLS = 4
"""The claim, the index of its bytes, the Deployments, the Services."""


class TestMany:
    def test_two_hundred_deployments_are_observed_in_four_calls(
        self, site: Namespace, caplog: pytest.LogCaptureFixture
    ) -> None:
        provider = site.provider()
        orders = [replace(site.deployment(f"d{n}", f"t{n}"), replicas=0) for n in range(COUNT)]

        def roll_out(order: DeploymentOrder) -> ObjectRef:
            provider.create(order)
            return replace(ref_to(order), attributes=provider.promote(ref_to(order), order, []))

        with ThreadPoolExecutor(10) as pool:
            refs = list(pool.map(roll_out, orders))
            fresh = site.provider()
            with caplog.at_level(logging.DEBUG, logger="specr.providers.kubernetes.client"):
                caplog.clear()
                seen = fresh.read(refs)
                calls = [record.getMessage() for record in caplog.records]
            assert len(calls) == CALLS, calls
            assert len(seen) == COUNT
            for ref in refs:
                assert seen[ref.address].exists
                assert seen[ref.address].attributes == ref.attributes
                assert seen[ref.address].message == ""
            list(pool.map(provider.delete, refs))
