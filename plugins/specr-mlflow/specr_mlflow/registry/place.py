"""Where the registry is and how it lets one in: the project's settings, then MLflow's own variables.

Logins come from the environment or from files of the user, never from specs, and stand in no
message: only the server's address without them is shown.
"""

from __future__ import annotations

import configparser
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources.connection import Access, netrc_login
from specr.sources.url import check_url, shown_url
from specr_mlflow.registry.settings import check_settings

_VARIABLES: Final = {"trackingUri": "MLFLOW_TRACKING_URI", "registryUri": "MLFLOW_REGISTRY_URI"}
_TRUE: Final = ("1", "true")

LOGIN: Final = (
    "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, as for MLflow's "
    "own clients; or put the login into ~/.netrc."
)


@dataclass(frozen=True, slots=True)
class Server:
    """An MLflow server: the address that paths are added to, without a login; the way in; who names it."""

    url: str
    access: Access
    said_by: str = "the address"

    @property
    def shown(self) -> str:
        """As messages show it."""
        return shown_url(self.url)


@dataclass(frozen=True, slots=True)
class Place:
    """The server that knows the registered models, and the one that artifacts were logged through."""

    registry: Server
    tracking: Server


def find_place(settings: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Place:
    """Where the registry is.

    Raises:
        DiagnosticError: nothing says it, or what says it is no HTTP server.
    """
    wrong = tuple(check_settings(settings))
    if wrong:
        raise DiagnosticError(*wrong)
    found = {key: _uri(key, settings, environ) for key in _VARIABLES}
    tracking, registry = found["trackingUri"], found["registryUri"]
    first = registry or tracking
    if first is None:
        raise DiagnosticError(_unknown())
    return Place(_server(first, environ), _server(tracking or first, environ))


def server_at(url: str, environ: Mapping[str, str] = os.environ) -> Server:
    """The server at an address that was given by hand, with a login in it or without.

    Raises:
        DiagnosticError: it is no HTTP address.
    """
    return _server(_Uri(url, "the address given"), environ)


@dataclass(frozen=True, slots=True)
class _Uri:
    """An address, and who says it."""

    text: str
    said_by: str
    in_specs: bool = False


def _uri(key: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> _Uri | None:
    """The project's word comes first, so that specs mean the same whoever runs them."""
    if key in settings:
        return _Uri(settings[key], f"the project's setting sources.models.{key}", in_specs=True)
    variable = _VARIABLES[key]
    return _Uri(environ[variable], variable) if environ.get(variable) else None


def _server(uri: _Uri, environ: Mapping[str, str]) -> Server:
    text = uri.text.rstrip("/")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise DiagnosticError(_malformed(uri, error)) from None
    if parts.scheme.lower() not in ("http", "https"):
        raise DiagnosticError(_no_server(uri))
    login = None
    if not uri.in_specs and parts.username is not None:
        login = (unquote(parts.username), unquote(parts.password or ""))
        text = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return Server(check_url(text), Access(_options(environ, login), LOGIN), uri.said_by)


def _options(environ: Mapping[str, str], login: tuple[str, str] | None) -> Callable[[], Mapping[str, Any]]:
    """What the HTTP client is told, found out when it is needed."""

    def options() -> Mapping[str, Any]:
        return {**_login(environ, login), **_trust(environ)}

    return options


def _login(environ: Mapping[str, str], login: tuple[str, str] | None) -> Mapping[str, Any]:
    """The first of: the address's own, the environment's, MLflow's file of credentials, the netrc file."""
    stored = {} if login else _stored(environ)
    user = environ.get("MLFLOW_TRACKING_USERNAME") or stored.get("mlflow_tracking_username")
    password = environ.get("MLFLOW_TRACKING_PASSWORD") or stored.get("mlflow_tracking_password")
    token = environ.get("MLFLOW_TRACKING_TOKEN")
    if login is not None:
        return {"auth": login}
    if user and password:
        return {"auth": (user, password)}
    if token:
        return {"auth": _bearer(token)}
    return netrc_login()


def _bearer(token: str) -> Callable[[Any], Any]:
    """Adds the token to requests to the server; the client drops it where that redirects elsewhere."""

    def authorize(request: Any) -> Any:
        request.headers["authorization"] = f"Bearer {token}"
        return request

    return authorize


def _stored(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What MLflow's own file of credentials says."""
    path = Path(environ.get("HOME", "")) / ".mlflow" / "credentials"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except OSError:
        return {}  # most users have none
    except (configparser.Error, UnicodeDecodeError) as error:
        raise DiagnosticError(
            Diagnostic(
                "Logins can't be read",
                f"{path} is no file of MLflow's credentials.",
                "It has a section [mlflow] with mlflow_tracking_username and mlflow_tracking_password.",
            ),
        ) from error
    return dict(parser["mlflow"]) if parser.has_section("mlflow") else {}


def _trust(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """What MLflow's variables say of certificates; nothing where they don't."""
    if environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in _TRUE:
        return {"verify": False}
    path = environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    return {"verify": ssl.create_default_context(cafile=path)} if path else {}


def _unknown() -> Diagnostic:
    return Diagnostic(
        "Unknown MLflow registry",
        "Nothing says which MLflow server knows the registered models.",
        "Set MLFLOW_TRACKING_URI, or in the Project: `sources: {models: {trackingUri: https://…}}`.",
    )


def _malformed(uri: _Uri, error: ValueError) -> Diagnostic:
    """The address itself is not shown, as nobody can tell where in it a login stands."""
    return Diagnostic(
        "Malformed address of an MLflow registry",
        f"{_capital(uri.said_by)} is malformed: {error}.",
        "Write `https://machine`, with special characters percent-encoded.",
    )


def _capital(text: str) -> str:
    """With a capital letter in front; MLflow's variables have one already."""
    return text[:1].upper() + text[1:]


def _no_server(uri: _Uri) -> Diagnostic:
    kind = uri.text.split(":", 1)[0] if ":" in uri.text else "path"
    return Diagnostic(
        "MLflow registry is no server",
        f"{_capital(uri.said_by)} is of the kind {kind}; registries are asked over HTTP.",
        "Start a server on it, `mlflow server --backend-store-uri …`, and name that one's address.",
    )
