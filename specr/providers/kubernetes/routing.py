"""The Service of an address: which revision it leads to, and how it is led to another without a gap."""

from __future__ import annotations

import logging
from typing import Any, Final

from specr.address import Address
from specr.canonical import JsonObject
from specr.providers.kubernetes import names
from specr.providers.kubernetes.manifests import service
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.pods import Site
from specr.providers.protocol import DeploymentOrder

_log = logging.getLogger(__name__)

_PATIENCE: Final = 20.0
"""Seconds that the cluster gets to notice where a Service leads now."""

_LOOK: Final = 0.2


class Routing:
    """Leads Services to revisions."""

    def __init__(self, objects: Objects, site: Site) -> None:
        self._objects = objects
        self._site = site

    def find(self, address: Address) -> dict[str, Any] | None:
        """The Service of an address, if it is there."""
        name = names.address_name(self._site.lineage, address)
        return self._objects.own("services", name, "Service", address)

    def lead_to(self, order: DeploymentOrder) -> dict[str, Any]:
        """Lead the Service to a revision, and wait until callers no longer get to another."""
        live = self.find(order.address)
        before = _token_of(live)
        token = names.label_value(order.token)
        previous = _previous_of(live) if before == token else before
        made = self._objects.apply("services", service(self._site, order, previous), order.address)
        if before != token and order.replicas:
            revision = names.object_name(self._site.lineage, order.address, order.token)
            self._await_endpoints(made["metadata"]["name"], revision)
            if before:  # Nodes go on sending callers to the revision before until they know, too.
                self._objects.sleep(self._site.settings.drain_seconds)
        return made

    def leave(self, token: str) -> None:
        """A revision goes: its Service leads back to the one before, if that is there, or goes too."""
        for live in self._objects.marked("services", token):
            previous = _previous_of(live)
            name = live["metadata"]["name"]
            if previous and any(
                not one["metadata"].get("deletionTimestamp")
                for one in self._objects.marked("deployments", previous)
            ):
                self._objects.apply("services", _led_back(live, previous, self._site), None)
            else:
                self._objects.delete("services", name)

    def _await_endpoints(self, name: str, revision: str) -> None:
        """Wait until the Service's endpoints are pods of the revision; until then callers are refused."""
        objects = self._objects
        deadline = objects.clock() + _PATIENCE
        while not self._leads_only_to(name, revision):
            if objects.clock() > deadline:
                _log.warning("the endpoints of the Service %s have not followed after %g s", name, _PATIENCE)
                break
            objects.sleep(_LOOK)

    def _leads_only_to(self, name: str, revision: str) -> bool:
        found = self._objects.cluster.get("endpoints", name) or {}
        pods = [
            address.get("targetRef", {}).get("name", "")
            for subset in found.get("subsets") or ()
            for address in subset.get("addresses") or ()
        ]
        return bool(pods) and all(pod.startswith(f"{revision}-") for pod in pods)


def endpoint_of(namespace: str, live: JsonObject, found: JsonObject | None) -> str | None:
    """The URL inside the cluster at which a revision's callers reach it; None where they don't."""
    if found is None or not live["spec"].get("replicas", 1):
        return None
    selector = live["spec"]["selector"]["matchLabels"]
    if (found["spec"].get("selector") or {}) != selector:
        return None
    port = found["spec"]["ports"][0]["port"]
    return f"http://{found['metadata']['name']}.{namespace}.svc{'' if port == 80 else f':{port}'}"


def _led_back(live: JsonObject, previous: str, site: Site) -> dict[str, Any]:
    """The same Service, as the previous revision had it."""
    about = live["metadata"]
    kept = {key: value for key, value in (about.get("annotations") or {}).items() if key != names.PREVIOUS}
    ports = [
        {key: port[key] for key in ("name", "port", "targetPort", "protocol")}
        for port in live["spec"]["ports"]
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": about["name"],
            "labels": {**about["labels"], names.TOKEN: previous},
            "annotations": {**kept, names.PREVIOUS: ""},
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {names.LINEAGE: names.label_value(site.lineage), names.TOKEN: previous},
            "ports": ports,
        },
    }


def _token_of(live: JsonObject | None) -> str:
    """The token, as the label has it, of the revision that a Service leads to."""
    return str(((live or {}).get("metadata", {}).get("labels") or {}).get(names.TOKEN, ""))


def _previous_of(live: JsonObject | None) -> str:
    return str(((live or {}).get("metadata", {}).get("annotations") or {}).get(names.PREVIOUS, ""))
