"""Which content is on the volume, and for whom: a ConfigMap, so that observing starts no pod.

Each entry is a digest, with the tokens of the objects that need it. Content counts as there once
it was verified. The index names the claim that it is about; of another claim it says nothing.
Changes are made on the version that was read, so that none is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from specr.canonical import decode_json, encode_json
from specr.providers.kubernetes import names
from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.pods import Site, metadata
from specr.providers.kubernetes.trouble import RefusedError
from specr.providers.protocol import TransientError

_ATTEMPTS: Final = 10


class Entry(Struct, frozen=True):
    """Content by its digest: its size in bytes, whether it is there and whole, who needs it."""

    size: int
    whole: bool
    tokens: frozenset[str]

    def with_token(self, token: str) -> Entry:
        """Needed by one more object."""
        return replace(self, tokens=self.tokens | {token})

    def without_token(self, token: str) -> Entry:
        """Needed by one object less."""
        return replace(self, tokens=self.tokens - {token})


Entries = Mapping[str, Entry]
"""Entries by digest."""


class Index:
    """The index of one provider's bytes."""

    def __init__(self, cluster: Cluster, site: Site) -> None:
        self._cluster = cluster
        self._site = site
        self._lock = Lock()
        self.name = names.bytes_name(site.lineage, site.provider)

    def read(self, claim: str | None) -> Entries:
        """The entries; none if they are about another claim than this one."""
        live = self._cluster.get("configmaps", self.name)
        return _decode(live, claim) if live else {}

    def change(self, claim: str, change: Callable[[dict[str, Entry]], None]) -> Entries:
        """Read the entries, change them, and write them down; an index without entries is removed.

        Args:
            claim: the claim's identity.
            change: changes the entries that it is given; it may be called several times.

        Raises:
            TransientError: others kept changing them at the same time.
        """
        with self._lock:
            for _ in range(_ATTEMPTS):
                live = self._cluster.get("configmaps", self.name)
                before = _decode(live, claim) if live else {}
                after = dict(before)
                change(after)
                if after == before and (live is None or _claim_of(live) == claim):
                    return after
                if self._write(live, claim, after):
                    return after
        raise TransientError(f"the ConfigMap {self.name} is being changed by others")

    def _write(self, live: dict[str, Any] | None, claim: str, entries: Entries) -> bool:
        path = self._cluster.path("configmaps", self.name)
        try:
            if live is None:
                if entries:
                    manifest = self._manifest(claim, entries, None)
                    self._cluster.call("POST", self._cluster.path("configmaps"), manifest, query=_MANAGER)
            elif entries:
                manifest = self._manifest(claim, entries, live["metadata"]["resourceVersion"])
                self._cluster.call("PUT", path, manifest, query=_MANAGER)
            else:
                version = {"resourceVersion": live["metadata"]["resourceVersion"]}
                self._cluster.call("DELETE", path, {"preconditions": version})
        except RefusedError as error:
            if error.status in {404, 409}:
                return False
            raise
        return True

    def _manifest(self, claim: str, entries: Entries, version: str | None) -> dict[str, Any]:
        labels = {**names.lineage_labels(self._site.lineage), names.KIND: names.BYTES}
        about = metadata(self._site, self.name, labels, {names.CLAIM: claim})
        if version is not None:
            about["resourceVersion"] = version
        data = {
            names.folder_name(digest): encode_json(
                {"size": entry.size, "whole": entry.whole, "for": sorted(entry.tokens)}
            ).decode()
            for digest, entry in entries.items()
        }
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}


_MANAGER: Final = {"fieldManager": names.MANAGER}


def claim_name(live: Mapping[str, Any]) -> str:
    """The name of the claim that an index is about."""
    return _claim_of(live).rpartition("/")[0]


def _claim_of(live: Mapping[str, Any]) -> str:
    return str((live["metadata"].get("annotations") or {}).get(names.CLAIM, ""))


def _decode(live: Mapping[str, Any], claim: str | None) -> dict[str, Entry]:
    """What an index says; what a hand has made unreadable counts as not there."""
    if _claim_of(live) != claim:
        return {}
    found = {}
    for folder, text in (live.get("data") or {}).items():
        try:
            entry = decode_json(text)
            found[names.digest_from(folder)] = Entry(
                int(entry["size"]), bool(entry["whole"]), frozenset(map(str, entry["for"]))
            )
        except (ValueError, TypeError, KeyError):
            continue
    return found
