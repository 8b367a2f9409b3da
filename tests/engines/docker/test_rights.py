"""A model in a container can't read what specr has, nor what other models are."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from msgspec.structs import replace

from specr.providers.protocol import ScorerRequest
from specr.testing.provider_site import Site
from tests.engines import spying
from tests.engines.docker.engine import Engine

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("how", ["mount", "copy"])
def test_a_model_reads_its_own_content_and_variables_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Neither as a processor nor as a runtime, with another model in the same store and at work."""
    monkeypatch.setenv("SPECR_TEST_KEY", spying.CALLER)
    provider, site = engine.provider(bytes=how), Site(engine)
    own, other = engine.add(spying.OWN_CONTENT), engine.add(spying.OTHER_CONTENT)
    site.roll_out(
        provider, replace(engine.deployment("b", "t1"), model=other, env={"KEY": spying.OTHER_VARIABLE})
    )
    env, command = {"KEY": spying.OWN_VARIABLE}, spying.command()
    build = replace(engine.build("a", "t2"), source=own, command=command, env=env)
    output = site.make(provider, build).attributes["digest"]
    spying.check(engine.store.path(output).read_bytes(), "/specr/source/content")
    runtime = replace(engine.deployment("a", "t3"), model=own, command=command, env=env)
    ref = site.roll_out(provider, runtime)
    answer = provider.request(ref, ScorerRequest("GET", "/"))
    spying.check(answer.body, "/specr/model/content")


def test_what_can_be_read_is_found(engine: Engine) -> None:
    """So the other test can fail: on this machine, with the same user, the spy finds it all."""
    engine.add(spying.OTHER_CONTENT)
    _, *rest = spying.command(str(engine.root))
    env = {**os.environ, "SPECR_TEST_KEY": spying.CALLER}
    told = subprocess.run([sys.executable, *rest], env=env, capture_output=True, check=True).stdout
    found = json.loads(told)
    assert found["environments"] > 1
    assert found["texts"][spying.CALLER]
    assert found["texts"][spying.OTHER_CONTENT]
