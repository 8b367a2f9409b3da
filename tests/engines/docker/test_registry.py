"""A registry that asks who is there: Debian's docker-registry, with the user's own Docker config."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engines.conftest import need
from tests.engines.docker.engine import IMAGE
from tests.engines.docker.project import Project
from tests.unit.providers.machine import wait_until

pytestmark = pytest.mark.engines

USER, PASSWORD = "ada", "lovelace"
# htpasswd's line for the two, made with bcrypt.
HTPASSWD = "ada:$2b$05$hofMLUEVPe/CwZJXJxN5S.hEFyBj8GXws1vVsBmXaGImI6wS6lI22"
CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/blobs}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}
"""


@dataclass(frozen=True)
class Registry:
    host: str
    configured: Path
    """A Docker config that knows the password."""

    anonymous: Path
    """One that does not."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    program = shutil.which("docker-registry")
    need(program is not None, "A registry", "there is no docker-registry (apt-get install docker-registry)")
    assert program is not None
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "htpasswd").write_text(f"{HTPASSWD}\n")
    (folder / "config.yml").write_text(CONFIG.format(folder=folder, port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    host = f"127.0.0.1:{port}"
    wait_until(lambda: _answers(host))
    for name, auths in (
        ("configured", {host: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}),
        ("anonymous", {}),
    ):
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps({"auths": auths}))
    yield Registry(host, folder / "configured", folder / "anonymous")
    process.terminate()
    process.wait()


def _answers(host: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{host}/v2/", timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


@pytest.fixture
def pushed(client: Any, registry: Registry) -> Iterator[str]:
    """An image that only the registry has."""
    name = f"{registry.host}/specr-test/python"
    auth = {"username": USER, "password": PASSWORD}
    client.tag(IMAGE, name, "1")
    try:
        lines = list(client.push(name, "1", stream=True, decode=True, auth_config=auth))
        assert not [line for line in lines if "error" in line], lines
        yield f"{name}:1"
    finally:
        for image in client.images(name=name):
            for tag in image["RepoTags"] or []:
                client.remove_image(tag, force=True)


def test_an_image_is_resolved_and_pulled_with_the_users_credentials(
    registry: Registry, pushed: str, project: Project
) -> None:
    """Its digest is known at plan, before anything is pulled; and the plan after the apply is empty."""
    project.client.remove_image(pushed, force=True)
    project.declare(1, image=pushed)
    plan = project.ok("plan", DOCKER_CONFIG=str(registry.configured))
    assert "imageId" in plan
    assert not project.client.images(name=pushed)
    project.apply(DOCKER_CONFIG=str(registry.configured))
    project.nothing_to_do()
    runtime = next(
        found for address, found in project.state().objects.items() if str(address) == "deployment/d0"
    ).arguments["runtime"]
    assert runtime["imageId"].startswith(f"{pushed.removesuffix(':1')}@sha256:")
    project.destroy()


def test_without_credentials_the_registrys_word_is_told(
    registry: Registry, pushed: str, project: Project
) -> None:
    project.client.remove_image(pushed, force=True)
    project.declare(1, image=pushed)
    done = project.run("plan", DOCKER_CONFIG=str(registry.anonymous))
    assert done.returncode == 1
    assert "Image not found" in done.stderr
    assert "docker login" in " ".join(done.stderr.split())
