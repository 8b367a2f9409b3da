"""Talking to the API server: where it is, who we are, one call and its answer.

The official client finds the configuration as kubectl does, and is imported at the first call.
What is worth another try is a TransientError, everything else a refusal that says why.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any, Final
from urllib.parse import urlencode

from specr.canonical import JsonObject, encode_json
from specr.providers.kubernetes.answers import Answer, Stream, broken
from specr.providers.kubernetes.settings import KubernetesSettings
from specr.providers.kubernetes.trouble import no_client, no_configuration, refusal
from specr.providers.protocol import TransientError

_log = logging.getLogger(__name__)

_CONNECT: Final = 5.0
_READ: Final = 30.0
"""Seconds to reach the server, and for it to answer."""

_PAGE: Final = 500
"""Objects in one answer to a list call; kubectl's number."""

_KUBECONFIG: Final = "~/.kube/config"
_IN_CLUSTER: Final = "KUBERNETES_SERVICE_HOST"
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_GROUPS: Final = {
    "deployments": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "services": "/api/v1",
    "endpoints": "/api/v1",
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "pods": "/api/v1",
    "events": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
}


class Cluster:
    """One namespace of one cluster. Safe for several threads.

    Args:
        name: the provider's, for messages.
        root: the project's folder, where a relative kubeconfig starts.
        settings: kubeconfig, context and namespace.
        environ: the environment that specr runs in.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        settings: KubernetesSettings,
        *,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._name = name
        self._root = root
        self._settings = settings
        self._environ = environ
        self._lock = RLock()

    @property
    def namespace(self) -> str:
        """Where all objects are."""
        return self._settings.namespace or self._loaded[1]

    def close(self) -> None:
        """Let go of connections; the next call makes new ones."""
        if "_pool" in self.__dict__:
            self._pool.clear()

    @property
    def configuration(self) -> Any:
        """The official client's configuration, for its other channels."""
        return self._loaded[0]

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self.configuration.host).rstrip("/")

    def path(self, resource: str, name: str = "", below: str = "") -> str:
        """The path of a kind of objects in the namespace, of one of them, or of something below it."""
        group = self._policy_group if resource == "poddisruptionbudgets" else _GROUPS[resource]
        parts = (group, "namespaces", self.namespace, resource, name, below)
        return "/".join(filter(None, parts))

    def api_version(self, resource: str) -> str:
        """What objects of this kind write as their apiVersion."""
        group = self._policy_group if resource == "poddisruptionbudgets" else _GROUPS[resource]
        return group.removeprefix("/apis/").removeprefix("/api/")

    def get(self, resource: str, name: str) -> dict[str, Any] | None:
        """One object, if it is there."""
        answer = self.ask("GET", self.path(resource, name))
        if answer.status == 404:
            return None
        return self.accept("GET", self.path(resource, name), answer)

    def list_at(self, resource: str, query: Mapping[str, str]) -> tuple[list[dict[str, Any]], str]:
        """All objects of a kind that a query selects, and the version of the whole, for a watch to follow."""
        query = {"limit": str(_PAGE), **query}
        found: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", self.path(resource), query=query)
            found += page.get("items") or ()
            about = page.get("metadata", {})
            if not about.get("continue"):
                return found, str(about.get("resourceVersion", ""))
            query = {**query, "continue": about["continue"]}

    def list(self, resource: str, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """All objects of a kind that a selector selects, in as few calls as it takes."""
        query = {"labelSelector": labels} if labels else {}
        query |= {"fieldSelector": fields} if fields else {}
        return self.list_at(resource, query)[0]

    @contextmanager
    def stream(self, path: str, query: Mapping[str, str], timeout: float) -> Iterator[Stream]:
        """A call whose answer goes on for a while. `timeout` is how many seconds of silence end it.

        Raises:
            TransientError: it may succeed another time.
            RefusedError: it was refused.
        """
        answer = self._send("GET", path, query=query, timeout=timeout, preload_content=False)
        try:
            if answer.status != 200:
                self.accept("GET", path, Answer(answer.status, answer.read()))
            yield Stream(path, answer)
        finally:
            answer.close()

    def call(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One call that must succeed.

        Raises:
            TransientError: it may succeed another time.
            RefusedError: it was refused.
        """
        data = None if body is None else encode_json(body)
        answer = self.ask(method, path, data, query=query, headers={"Content-Type": content_type})
        return self.accept(method, path, answer)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _READ,
    ) -> Answer:
        """One call, and whatever the server answers.

        Raises:
            TransientError: there was no answer.
        """
        answer = self._send(method, path, query=query, timeout=timeout, body=body, headers=headers)
        _log.debug("%s %s: %s", method, path, answer.status)
        return Answer(answer.status, answer.data)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        **how: Any,
    ) -> Any:
        from urllib3 import Timeout  # noqa: PLC0415 - comes with the client

        url = f"{self.server}{path}{'?' + urlencode(query) if query else ''}"
        try:
            return self._pool.request(
                method,
                url,
                headers={"Accept": "application/json", **(headers or {}), **self.credentials()},
                timeout=Timeout(connect=_CONNECT, read=timeout),
                retries=False,
                redirect=False,
                **how,
            )
        except broken() as error:
            _log.debug("%s %s: %s", method, path, error)
            raise TransientError(f"{self.server} gave no answer to {method} {path}: {error}") from error

    def credentials(self) -> dict[str, str]:
        """The header by which the server knows us; none where a certificate does it.

        Raises:
            ProviderError: the token is none that a header can carry.
        """
        with self._lock:  # an expired token is fetched anew here
            configuration = self.configuration
            token = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
            if token is None and configuration.username:
                token = configuration.get_basic_auth_token()
        if token and not (token.isascii() and token.isprintable()):
            why = "the token holds a line feed or another character that no header can carry"
            raise no_configuration(self._name, why)
        return {"authorization": token} if token else {}

    def accept(self, method: str, path: str, answer: Answer) -> dict[str, Any]:
        """The body of an answer that must be a success. Raises what `call` raises."""
        if 200 <= answer.status < 300:
            return answer.json()
        body = answer.json()
        if answer.status == 429 or answer.status >= 500:
            why = body.get("message") or f"HTTP status {answer.status}"
            raise TransientError(f"{self.server} can't answer {method} {path} now: {why}")
        raise refusal(method, path, answer.status, body)

    @cached_property
    def _policy_group(self) -> str:
        """Budgets moved from policy/v1beta1 to policy/v1; the cluster says which it serves."""
        with self._lock:
            served = self.call("GET", "/apis/policy").get("versions") or ()
        versions = {version["version"] for version in served}
        return f"/apis/policy/{'v1' if 'v1' in versions or not versions else 'v1beta1'}"

    @cached_property
    def _pool(self) -> Any:
        from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 - 300 ms

        with self._lock:
            return RESTClientObject(self.configuration).pool_manager

    @property
    def _loaded(self) -> tuple[Any, str]:
        with self._lock:
            return self._configured

    @cached_property
    def _configured(self) -> tuple[Any, str]:
        """The client's configuration, and the namespace that comes with it."""
        try:
            from kubernetes import config  # noqa: PLC0415 - 300 ms that plans without a cluster don't need
            from kubernetes.client import Configuration  # noqa: PLC0415
            from yaml import YAMLError  # noqa: PLC0415 - comes with the client
        except ImportError as error:
            raise no_client(error) from error
        configuration = Configuration()
        files = self._files()
        try:
            if files is None:
                config.load_incluster_config(client_configuration=configuration)
                return configuration, _NAMESPACE_FILE.read_text(encoding="utf-8").strip()
            config.load_kube_config(files, self._settings.context, client_configuration=configuration)
            contexts, current = config.list_kube_config_contexts(files)
        except (config.ConfigException, YAMLError, OSError, ValueError, KeyError, TypeError) as error:
            raise no_configuration(self._name, str(error)) from error
        wanted = self._settings.context
        chosen = next((c for c in contexts if c["name"] == wanted), current) if wanted else current
        return configuration, (chosen or {}).get("context", {}).get("namespace") or "default"

    def _files(self) -> str | None:
        """The kubeconfig files, as kubectl looks for them; None for the configuration of a pod."""
        if self._settings.kubeconfig is not None:
            return str(self._root / Path(self._settings.kubeconfig).expanduser())
        if self._environ.get("KUBECONFIG"):
            return self._environ["KUBECONFIG"]
        there = Path(_KUBECONFIG).expanduser().exists()
        in_pod = self._environ.get(_IN_CLUSTER) and self._settings.context is None
        return None if in_pod and not there else _KUBECONFIG
