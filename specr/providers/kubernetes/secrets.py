"""Secrets of objects: values read at the last moment, kept in one Secret an object, masked in logs."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.providers.environment import resolve_environment
from specr.providers.kubernetes import names
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.pods import Site, secret
from specr.providers.kubernetes.trouble import RefusedError
from specr.providers.masking import Mask
from specr.providers.protocol import Order, ProviderError
from specr.resources.compute import SecretValue

_FORBIDDEN: Final = 403


class Secrets:
    """Puts values into the cluster, and finds them again in order to hide them."""

    def __init__(self, objects: Objects, site: Site, root: Path) -> None:
        self._objects = objects
        self._site = site
        self._root = root

    def resolve(self, order: Order) -> Mapping[str, str]:
        """The values that specr itself reads: those of variables and files.

        Raises:
            ProviderError: one of them is missing.
        """
        read = {
            name: value
            for name, value in order.env.items()
            if isinstance(value, SecretValue) and value.value_from.secret is None
        }
        return resolve_environment(read, address=order.address, base=self._root).values if read else {}

    def put(self, order: Order, labels: Mapping[str, str], values: Mapping[str, str]) -> None:
        """Write values into the object's own Secret, if there are any."""
        if values:
            manifest = secret(self._site, order.token, labels, values)
            self._objects.apply("secrets", manifest, order.address)

    def delete(self, token: str) -> None:
        """Remove the object's own Secret."""
        self._objects.delete("secrets", names.secret_name(self._site.lineage, token))

    def mask(self, container: JsonObject) -> Mask:
        """Masks all secret values that a container gets.

        Raises:
            ProviderError: they may not be read, so nothing can be hidden.
        """
        found: list[str] = []
        held: dict[str, Mapping[str, str]] = {}
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference:
                name = reference["name"]
                if name not in held:
                    held[name] = self._read(name)
                value = held[name].get(reference["key"], "")
                found.append(base64.b64decode(value).decode(errors="surrogateescape"))
        return Mask(found)

    def _read(self, name: str) -> Mapping[str, str]:
        try:
            live = self._objects.cluster.get("secrets", name)
        except RefusedError as error:
            if error.status != _FORBIDDEN:
                raise
            raise ProviderError(_unmasked(name)) from error
        data: Mapping[str, str] = (live or {}).get("data") or {}
        return data


def _unmasked(name: str) -> Diagnostic:
    return Diagnostic(
        "Log can't be shown",
        f"What it prints may hold values of the Secret {name}, which specr may not read and so can't hide.",
        f"Allow specr to get the Secret {name}, or read the log with kubectl.",
    )
