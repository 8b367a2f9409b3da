"""What is worth another attempt, as daemons and API servers say it; and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker.errors import APIError
from requests import Response
from requests.exceptions import ConnectionError as Unreached
from requests.exceptions import ReadTimeout

from specr.providers.docker.daemon import Daemon, NotThereError
from specr.providers.protocol import ProviderError, TransientError
from tests.unit.providers.apiserver import ApiServer, serving

PODS = "/api/v1/namespaces/here/pods/p"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_api_server_that_is_busy_or_broken_may_be_asked_again(status: int, tmp_path: Path) -> None:
    server = ApiServer()
    server.paths[PODS] = (status, {"message": "not now"})
    with serving(server, tmp_path) as cluster, pytest.raises(TransientError, match="not now"):
        cluster.call("GET", PODS)
    assert len(server.asked) == 1, "only the engine asks again: it knows how long"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422])
def test_an_api_server_that_refuses_means_it(status: int, tmp_path: Path) -> None:
    server = ApiServer()
    server.paths[PODS] = (status, {"message": "never"})
    with serving(server, tmp_path) as cluster, pytest.raises(ProviderError):
        cluster.call("GET", PODS)
    assert len(server.asked) == 1


def said(status: int, text: str) -> APIError:
    response = Response()
    response.status_code = status
    return APIError(text, response, text)


def raised_for(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Exception:
    """What becomes of an error that Docker's client raises."""
    daemon = Daemon("tcp://127.0.0.1:1", 1)

    def fail() -> None:
        raise error

    monkeypatch.setattr(daemon, "_open", fail)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is the question
        daemon.inspect("c")
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        said(429, "too many requests"),
        said(500, "an internal error"),
        said(503, "starting up"),
        said(409, "removal of container c is already in progress"),
        said(409, "container c is restarting, wait until it runs"),
        Unreached("connection reset by peer"),
        ReadTimeout("silence"),
    ],
)
def test_a_daemon_that_is_busy_or_broken_may_be_asked_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    assert isinstance(raised_for(monkeypatch, error), TransientError)


@pytest.mark.parametrize("error", [said(400, "bad"), said(403, "no"), said(409, "there is a conflict")])
def test_a_daemon_that_refuses_means_it(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert isinstance(raised_for(monkeypatch, error), ProviderError)


@pytest.mark.parametrize(
    "error",
    [
        said(404, "no such container"),
        said(409, "can not get logs from container which is dead or marked for removal"),
        said(409, "container is marked for removal and cannot be started"),
    ],
)
def test_what_is_gone_or_about_to_be_is_not_there(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert isinstance(raised_for(monkeypatch, error), NotThereError)
