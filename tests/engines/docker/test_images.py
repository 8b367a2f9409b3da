"""Images: what a name leads to is known at plan, and another image under the same name is a change."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from specr.providers.docker.images import identity
from specr.testing.provider_site import refused
from tests.engines.docker.engine import IMAGE, Engine
from tests.engines.docker.project import Project

pytestmark = pytest.mark.engines

NAME = "specr-test/moving"
Build = Callable[[str], str]


@pytest.fixture
def build(client: Any) -> Iterator[Build]:
    """Builds an image under a name that moves with each build; returns its id."""
    made = []

    def build(content: str) -> str:
        dockerfile = f"FROM {IMAGE}\nLABEL content={content}\n"
        list(client.build(fileobj=io.BytesIO(dockerfile.encode()), tag=f"{NAME}:1", rm=True))
        made.append(client.inspect_image(f"{NAME}:1")["Id"])
        return str(made[-1])

    yield build
    for image in made:
        client.remove_image(image, force=True)


def test_an_image_that_moved_is_a_change_and_rolled_out(build: Build, project: Project) -> None:
    first = build("one")
    project.declare(1, image=f"{NAME}:1")
    project.apply()
    project.nothing_to_do()
    second = build("two")
    told = project.ok("plan")
    assert first[:19] in told
    assert second[:19] in told
    project.apply()
    project.nothing_to_do()
    (container,) = project.containers("deployment/d0")
    assert container["ImageID"] == second


def test_a_saved_plan_runs_the_image_that_it_was_made_with(build: Build, project: Project) -> None:
    first = build("one")
    project.declare(1, image=f"{NAME}:1")
    project.ok("plan", "--out", "saved.plan")
    build("two")
    project.ok("apply", "saved.plan")
    (container,) = project.containers("deployment/d0")
    assert container["ImageID"] == first


def test_an_image_that_is_nowhere_is_told_at_plan(project: Project) -> None:
    project.declare(1, image="specr-test/nowhere:1")
    done = project.run("plan")
    assert done.returncode == 1
    assert done.stderr.count("Image not found") == 2, "once for the processor, once for the runtime"
    assert "runtime/blob" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_image_by_digest_or_id_means_itself(engine: Engine) -> None:
    image = engine.client.inspect_image(IMAGE)["Id"]
    assert engine.provider().resolve_image(image) == image
    assert "Image not found" in refused(
        lambda: engine.provider().resolve_image(f"specr-test/nowhere@sha256:{'0' * 64}")
    )


@pytest.mark.parametrize(
    ("reference", "digests", "meant"),
    [
        ("python:3.11", ["python@sha256:aa"], "python@sha256:aa"),
        ("docker.io/library/python:3.11", ["python@sha256:aa"], "python@sha256:aa"),
        ("reg:5000/a/b", ["reg:5000/a/b@sha256:bb", "other/b@sha256:aa"], "reg:5000/a/b@sha256:bb"),
        ("reg:5000/a/b:tag", ["other/b@sha256:aa"], "sha256:id"),
        ("a/b", [], "sha256:id"),
        ("a/b@sha256:cc", ["a/b@sha256:cc"], "a/b@sha256:cc"),
    ],
)
def test_a_registrys_digest_counts_before_the_id(reference: str, digests: list[str], meant: str) -> None:
    assert identity(reference, "sha256:id", digests) == meant
