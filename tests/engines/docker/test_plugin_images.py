"""The images of the plug-ins: small, pinned, without rights, and good for a container that has none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engines.docker.engine import IMAGE

pytestmark = pytest.mark.engines

ROOT = Path(__file__).parents[3]
PACKS = sorted(ROOT.glob("plugins/*/*/pack/*.yaml"))
IMAGES = sorted(
    document["spec"]["image"]
    for pack in PACKS
    for document in yaml.safe_load_all(pack.read_text())
    if "image" in document["spec"]
)
PINNED = frozenset(
    line
    for constraints in ROOT.glob("plugins/*/images/constraints.txt")
    for line in constraints.read_text().splitlines()
    if "==" in line
)
LARGEST = {"processor": 10 << 20, "runtime": 450 << 20}
"""Bytes that an image may have beyond the one that it starts from."""

INSTALLED = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, client: Any) -> str:
    name = str(request.param)
    if not client.images(name=name):
        pytest.fail(f"{name} is not there: `make images`")
    return name


def run(client: Any, image: str, *command: str) -> tuple[int, str]:
    """The status and all words of a container that has as few rights as the provider gives."""
    host = client.create_host_config(
        read_only=True, tmpfs={"/tmp": ""}, cap_drop=["ALL"], security_opt=["no-new-privileges"]
    )
    made: Any = client.create_container(
        image, list(command) or None, host_config=host, network_disabled=True, labels=["specr-test"]
    )
    try:
        client.start(made["Id"])
        status = client.wait(made["Id"], timeout=120)["StatusCode"]
        return status, client.logs(made["Id"]).decode()
    finally:
        client.remove_container(made["Id"], force=True)


def test_every_image_that_a_pack_names_is_built_by_make_images() -> None:
    built = re.findall(r"-t (\S+) plugins", (ROOT / "Makefile").read_text())
    assert sorted(built) == IMAGES
    assert len(built) == len(list(ROOT.glob("plugins/*/images/*.Dockerfile")))


def test_an_image_is_nobodys_and_small(client: Any, image: str) -> None:
    found = client.inspect_image(image)
    assert found["Config"]["User"] == "65532:65532"
    beyond = found["Size"] - client.inspect_image(IMAGE)["Size"]
    assert beyond < next(size for kind, size in LARGEST.items() if kind in image)


def test_an_image_holds_what_is_pinned_and_nothing_else(client: Any, image: str) -> None:
    status, told = run(client, image, "python", "-c", INSTALLED)
    assert status == 0, told
    normal = {re.sub(r"[-_.]+(?=.*==)", "-", one.lower()) for one in told.split()}
    assert {one for one in normal if not one.startswith("specr-")} <= PINNED
    assert any(one.startswith("specr-") for one in normal)


def test_an_images_program_starts_without_rights_and_says_what_it_needs(client: Any, image: str) -> None:
    """A library that can't be loaded, or that must write where it may not, would show here."""
    status, told = run(client, image)
    needed = "SOURCE_PATH" if "processor" in image else "MODEL_PATH"
    assert status != 0
    assert f"{needed} is not set" in told
    assert "Traceback" not in told
