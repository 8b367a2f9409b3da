"""Bytes on the volume claim: brought there for the objects that need them, removed after the last.

An object holds content by its token from before the content comes until the object is gone, so
that whoever dies in between leaves a trace in the index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from threading import Lock
from typing import Final

from specr.address import Address
from specr.diagnostics import DiagnosticError
from specr.providers.content import ByteStore
from specr.providers.kubernetes import names
from specr.providers.kubernetes.helper import Helper
from specr.providers.kubernetes.index import Entries, Entry, Index, claim_name
from specr.providers.kubernetes.manifests import staging_for
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.packing import pack
from specr.providers.kubernetes.pods import Site, volume_claim
from specr.providers.kubernetes.trouble import RefusedError, no_bytes, no_claim
from specr.providers.protocol import ProviderError, TransientError

_NONE: Final = ""
_UNKNOWN: Final = Entry(0, whole=False, tokens=frozenset())


class Volume:
    """The content of one provider on its claim."""

    def __init__(self, objects: Objects, site: Site, store: ByteStore) -> None:
        self._objects = objects
        self._cluster = objects.cluster
        self._site = site
        self._store = store
        self._index = Index(objects.cluster, site)
        self.helper = Helper(objects, site)
        self._lock = Lock()
        self._at_work: dict[str, Lock] = defaultdict(Lock)

    def present(self) -> Entries:
        """The content that is there and whole, by digest: two calls, or a look at the volume itself."""
        claim = self._claim()
        if not claim:
            return {}
        entries = {digest: entry for digest, entry in self._index.read(claim).items() if entry.whole}
        if entries and self._site.settings.store.checked:
            with self.helper.opened() as helper:
                there = {names.digest_from(line) for line in helper.run("list what is there", "list")}
            return {digest: entry for digest, entry in entries.items() if digest in there}
        return entries

    def hold(self, address: Address, token: str, digest: str) -> None:
        """Have content on the volume, for the object with this token.

        Raises:
            ProviderError: it is neither there nor in the store.
        """
        claim = self._claim() or self._make_claim()
        with self._working_on(digest):
            entry = self._index.read(claim).get(digest)
            whole = entry is not None and entry.whole and self._is_there(digest)
            if entry is None or token not in entry.tokens or entry.whole != whole:
                self._index.change(claim, lambda entries: _hold(entries, digest, token, whole=whole))
            if not whole:
                size = self._bring(address, token, digest)
                self._index.change(claim, lambda entries: _settle(entries, digest, token, size))

    def keep(self, token: str, digest: str, size: int) -> None:
        """Take note of content that the object's own pod has put there."""
        claim = self._claim()
        if not claim:
            raise TransientError(f"the claim {self._site.settings.store.claim} is gone")
        with self._working_on(digest):
            self._index.change(claim, lambda entries: _settle(entries, digest, token, size))

    def release(self, token: str, await_end: Callable[[], None], *, unfinished: bool) -> None:
        """Let go of all that an object holds, and remove what nobody holds any more.

        Args:
            token: the object's.
            await_end: waits until nothing of the object runs; a helper that will be needed starts
                meanwhile.
            unfinished: whether the object may have left something on its way to the volume.
        """
        claim = self._claim()
        with ExitStack() as needed:
            held = _held(self._index.read(claim), token) if claim else {}
            if any(not entry.whole or entry.tokens <= {token} for entry in held.values()):
                needed.enter_context(self.helper.opened())
            await_end()
            if unfinished or any(not entry.whole for entry in held.values()):
                self._discard(claim, token, needed)
            for digest in _held(self._index.read(claim), token) if claim else ():
                self._let_go(claim, digest, token, needed)
        # An index about a claim that is gone goes here too.
        if not self._index.change(claim, lambda _: None):
            self._remove_own_claim()

    def _discard(self, claim: str, token: str, needed: ExitStack) -> None:
        """Remove what an object has left half done; its output, if it came that far, is held then."""
        if not _held(self._index.read(claim), token):
            return
        needed.enter_context(self.helper.opened())
        for output in self.helper.run("remove what is half done", "discard", staging_for(token)):
            digest = names.digest_from(output)
            with self._working_on(digest):
                self._index.change(claim, partial(_adopt, digest=digest, token=token))

    def _let_go(self, claim: str, digest: str, token: str, needed: ExitStack) -> None:
        with self._working_on(digest):
            left = self._index.change(claim, lambda entries: _drop(entries, digest, token))
            if digest not in left or left[digest].tokens:
                return
            needed.enter_context(self.helper.opened())
            if any(entry.tokens for entry in left.values()):
                self.helper.run("remove content", "forget", names.folder_name(digest))
            else:
                # Also what the index has lost sight of, should a hand have been at it.
                self.helper.run("remove content", "clear")
            self._index.change(claim, lambda entries: _forget(entries, digest))

    def _is_there(self, digest: str) -> bool:
        """Whether content that the index has is on the volume, where that is looked at."""
        if not self._site.settings.store.checked:
            return True
        with self.helper.opened() as helper:
            return names.folder_name(digest) in helper.run("list what is there", "list")

    def _bring(self, address: Address, token: str, digest: str) -> int:
        """Find content on the volume, or bring it there from the store; returns its size in bytes."""
        folder = names.folder_name(digest)
        with self.helper.opened() as helper:
            found = helper.run("measure content", "have", folder)
            if not found:
                try:
                    packed = pack(self._store.path(digest))
                except LookupError:
                    raise no_bytes(address, digest) from None
                except DiagnosticError as error:
                    raise ProviderError(*error.diagnostics) from error
                found = helper.run(
                    f"bring {digest}",
                    "receive",
                    f"{staging_for(token)}-{folder[:20]}",
                    str(packed.length),
                    folder,
                    pieces=packed.pieces(),
                )
        return int(found[-1].split()[1])

    def _claim(self) -> str:
        """The identity of the claim; empty where there is none."""
        name = self._site.settings.store.claim
        live = self._cluster.get("persistentvolumeclaims", name)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return _NONE
        return f"{name}/{live['metadata']['uid']}"

    def _make_claim(self) -> str:
        store = self._site.settings.store
        if store.size is None:
            raise no_claim(store.claim, self._cluster.namespace)
        path = self._cluster.path("persistentvolumeclaims")
        try:
            made = self._cluster.call("POST", path, volume_claim(self._site))
        except RefusedError as error:
            if error.reason == "AlreadyExists":
                raise TransientError(f"the claim {store.claim} is just being made or removed") from error
            raise
        return f"{store.claim}/{made['metadata']['uid']}"

    def _remove_own_claim(self) -> None:
        """Remove the claim that specr has made, once no project has anything on it."""
        name = self._site.settings.store.claim
        live = self._cluster.get("persistentvolumeclaims", name)
        labels = (live or {}).get("metadata", {}).get("labels") or {}
        if labels.get(names.MANAGED_BY) != names.MANAGER or labels.get(names.KIND) != names.BYTES:
            return
        query = names.as_query({names.MANAGED_BY: names.MANAGER, names.KIND: names.BYTES})
        if not any(claim_name(index) == name for index in self._cluster.list("configmaps", query)):
            self._objects.delete("persistentvolumeclaims", name)

    def _working_on(self, digest: str) -> Lock:
        """Content comes and goes one act at a time."""
        with self._lock:
            return self._at_work[digest]


def _held(entries: Entries, token: str) -> dict[str, Entry]:
    """What an object holds, and what nobody does: a removal of it was cut short."""
    return {d: entry for d, entry in sorted(entries.items()) if token in entry.tokens or not entry.tokens}


def _hold(entries: dict[str, Entry], digest: str, token: str, *, whole: bool) -> None:
    """One more object needs content, which is there or not."""
    known = entries.get(digest, _UNKNOWN)
    entries[digest] = Entry(known.size, whole, known.tokens | {token})


def _settle(entries: dict[str, Entry], digest: str, token: str, size: int) -> None:
    """Content is there, and an object needs it."""
    known = entries.get(digest, _UNKNOWN)
    entries[digest] = Entry(size, whole=True, tokens=known.tokens | {token})


def _adopt(entries: dict[str, Entry], digest: str, token: str) -> None:
    """Content that an object has left behind; whether it is whole does not matter, unless others know it."""
    known = entries.get(digest, _UNKNOWN)
    entries[digest] = known.with_token(token)


def _drop(entries: dict[str, Entry], digest: str, token: str) -> None:
    """Needed by one less; content that nobody needs counts as gone from here on."""
    if digest in entries:
        left = entries[digest].without_token(token)
        entries[digest] = left if left.tokens else Entry(left.size, whole=False, tokens=left.tokens)


def _forget(entries: dict[str, Entry], digest: str) -> None:
    if digest in entries and not entries[digest].tokens:
        del entries[digest]
