"""The parts of the Docker provider that need no daemon: names, labels, amounts, words."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.providers.docker.builds import _moment
from specr.providers.docker.containers import Recipe, decode_container, newest
from specr.providers.docker.daemon import Daemon, split_reference
from specr.providers.docker.marks import NAME_LIMIT, Kind, Mark
from specr.providers.docker.provider import DockerProvider
from specr.providers.docker.quantities import amount, host_limits
from specr.providers.docker.settings import DockerSettings
from specr.providers.protocol import ProviderError
from specr.resources.compute import Amounts, Compute
from specr.store.folder import FolderStore

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
names = st.from_regex(rf"{LABEL}(\.{LABEL})?", fullmatch=True)
marks = st.builds(
    Mark,
    lineage=st.text(min_size=1),
    address=st.builds(
        Address,
        st.sampled_from(["build", "deployment"]),
        names,
        module=st.just(""),
        key=st.sampled_from(["", "docker"]),
    ),
    token=st.text(min_size=1),
    kind=st.sampled_from(Kind),
    replica=st.integers(0, 999),
    run=st.integers(1, 999),
)


@given(marks)
def test_names_are_what_docker_takes(mark: Mark) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", mark.name)
    assert len(mark.name) <= NAME_LIMIT


@given(marks, marks)
def test_different_marks_have_different_names(one: Mark, other: Mark) -> None:
    assert (one.name == other.name) == (one == other)


def listed(labels: dict[str, str], state: str = "running", status: str = "Up") -> dict[str, Any]:
    return {
        "Id": "f" * 64,
        "Names": ["/named"],
        "ImageID": "sha256:aa",
        "Labels": labels,
        "State": state,
        "Status": status,
    }


@given(marks)
def test_a_container_is_known_by_its_labels(mark: Mark) -> None:
    found = decode_container(listed({**mark.labels, "dev.specr.port": "20001"}))
    assert found is not None
    assert (found.mark, found.port) == (mark, 20001)


@pytest.mark.parametrize("labels", [{}, {"dev.specr.lineage": "x"}])
def test_strangers_are_not_taken_for_ours(labels: dict[str, str]) -> None:
    assert decode_container(listed(labels)) is None
    good = Mark("l", Address("deployment", "a"), "t", Kind.DEPLOYMENT).labels
    assert decode_container(listed({**good, "dev.specr.run": "many"})) is None


@pytest.mark.parametrize(
    ("state", "status", "told"),
    [
        ("exited", "Exited (3) 5 seconds ago", "container named has exited with status 3"),
        ("exited", "Exited (137) 5 seconds ago", "container named has exited with status 137 (SIGKILL)"),
        ("exited", "Exited (255) 5 seconds ago", "container named has exited with status 255"),
        ("created", "Created", "container named was never started"),
        ("paused", "Up 3 minutes (Paused)", "container named is paused"),
        (
            "restarting",
            "Restarting (1) 3 seconds ago",
            "container named is started again and again, and exits with status 1",
        ),
        ("strange", "Whatever", "container named does not run"),
    ],
)
def test_ends_are_told_in_words(state: str, status: str, told: str) -> None:
    labels = Mark("l", Address("deployment", "a"), "t", Kind.DEPLOYMENT).labels
    found = decode_container(listed(labels, state, status))
    assert found is not None
    assert found.ended == told


def test_the_newest_that_runs_counts() -> None:
    def container(run: int, state: str) -> Any:
        mark = Mark("l", Address("deployment", "a"), "t", Kind.DEPLOYMENT, 0, run)
        return decode_container(listed(mark.labels, state))

    running, prepared, older = container(2, "running"), container(3, "created"), container(1, "exited")
    assert newest([older, prepared, running], 0) == running
    assert newest([older, prepared], 0) == prepared
    assert newest([running], 1) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("2", 2), ("500m", 0.5), ("1.5Gi", 1.5 * 2**30), ("64Mi", 64 << 20), ("3k", 3000), ("1T", 10**12)],
)
def test_amounts_mean_what_they_do_on_kubernetes(text: str, number: float) -> None:
    assert amount(text) == number


def test_amounts_that_are_not_given_set_nothing() -> None:
    assert host_limits(Compute()) == {}
    assert host_limits(Compute(requests=Amounts(cpu="1m"))) == {"CpuShares": 2}


def test_a_program_gets_no_more_rights_than_it_needs() -> None:
    mark = Mark("l", Address("deployment", "a"), "t", Kind.DEPLOYMENT)
    recipe = Recipe(
        mark=mark,
        image="sha256:aa",
        command=("serve",),
        env={"A": "1"},
        resources=Compute(),
        labels={"dev.specr.token": "forged", "team": "risk"},
        mounts=(),
        user="65532:65532",
        network=None,
        publish=("127.0.0.1", 20001),
    )
    config = recipe.config()
    host = config["HostConfig"]
    assert (config["User"], config["Entrypoint"], config["Env"]) == ("65532:65532", ["serve"], ["A=1"])
    assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]}
    assert config["Labels"] == {**mark.labels, "team": "risk"}


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("python", ("python", None)),
        ("python:3.11", ("python", "3.11")),
        ("reg:5000/a", ("reg:5000/a", None)),
        ("reg:5000/a:b", ("reg:5000/a", "b")),
        ("a@sha256:cc", ("a", "sha256:cc")),
        ("a:b@sha256:cc", ("a", "sha256:cc")),
    ],
)
def test_references_are_taken_apart(reference: str, parts: tuple[str, str | None]) -> None:
    assert split_reference(reference) == parts


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)),
        ("2026-01-02T03:04:05.1+00:00", datetime(2026, 1, 2, 3, 4, 5, 100000, UTC)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
    ],
)
def test_times_of_the_api_are_read(text: str, moment: datetime) -> None:
    assert _moment(text) == moment


def test_the_client_is_imported_when_it_is_used() -> None:
    script = "import sys, specr.providers.docker.provider; sys.exit('docker' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_missing_client_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "docker.errors", None)
    with pytest.raises(ProviderError, match="needs the Python package docker") as raised:
        Daemon(None, 1).containers({})
    assert raised.value.diagnostics[0].remedy.startswith("Install it")


@pytest.mark.parametrize("host", ["tcp://[::1", "tcp://localhost:many"])
def test_a_malformed_address_is_told(host: str) -> None:
    with pytest.raises(ProviderError, match="can't be reached as configured") as raised:
        Daemon(host, 1).containers({})
    assert host in raised.value.diagnostics[0].detail


@pytest.mark.parametrize(
    ("settings", "endpoint"),
    [
        (DockerSettings(), "http://127.0.0.1:{port}"),
        (DockerSettings(address="build"), "http://build:{port}"),
        (DockerSettings(publish="127.0.0.2", host="ssh://me@build"), "http://127.0.0.2:{port}"),
        (DockerSettings(publish="0.0.0.0", host="tcp://build:2376"), ""),
    ],
)
def test_a_fixed_port_is_known_to_lead_where_settings_tell(
    tmp_path: Path, settings: DockerSettings, endpoint: str
) -> None:
    provider = DockerProvider("lineage", tmp_path, FolderStore(tmp_path / "store"), settings)
    assert provider.schema.fixed_endpoint == endpoint


def test_a_container_gets_no_rights_and_no_content_but_its_own() -> None:
    mount = {"Type": "bind", "Source": "/store/a", "Target": "/specr/content", "ReadOnly": True}
    mark = Mark("lineage", Address("deployment", "a"), "token", Kind.DEPLOYMENT)
    recipe = Recipe(mark, "image", (), {"MODEL_ID": "a-v1"}, Compute(), {}, (mount,), "65532:65532", None)
    config = recipe.config()
    host = config["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Mounts"] == [mount]
    assert not {"Binds", "VolumesFrom", "Privileged", "PidMode", "IpcMode"} & set(host)
    assert config["Env"] == ["MODEL_ID=a-v1"]
    assert config["User"] == "65532:65532"
