"""A model in a pod can't read what specr has, nor what other models are."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from specr.providers.protocol import ScorerRequest
from specr.testing.provider_site import Site
from tests.engines import spying
from tests.engines.kubernetes.platform import Namespace

pytestmark = pytest.mark.engines


class TestRights:
    def test_a_model_reads_its_own_content_and_variables_alone(
        self, site: Namespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither as a processor nor as a runtime, with another model on the same volume and at work."""
        monkeypatch.setenv("SPECR_TEST_KEY", spying.CALLER)
        provider, at = site.provider(), Site(site)
        own, other = site.add(spying.OWN_CONTENT), site.add(spying.OTHER_CONTENT)
        order = replace(site.deployment("b", "t1"), model=other, env={"KEY": spying.OTHER_VARIABLE})
        refs = [at.roll_out(provider, order)]
        env, command = {"KEY": spying.OWN_VARIABLE}, spying.command()
        order = replace(site.deployment("a", "t2"), model=own, command=command, env=env)
        refs.append(at.roll_out(provider, order))
        answer = provider.request(refs[-1], ScorerRequest("GET", "/"))
        spying.check(answer.body, "/specr/model")
        build = replace(site.build("a", "t3"), source=own, command=command, env=env)
        refs.append(at.make(provider, build))
        reading = replace(site.deployment("c", "t4"), model=refs[-1].attributes["digest"])
        refs.append(at.roll_out(provider, reading))
        output = provider.request(refs[-1], ScorerRequest("GET", "/model"))
        spying.check(output.body, "/specr/source")
        for ref in reversed(refs):
            provider.delete(ref)
