"""Resolving: what the sources of artifacts mean now, and what artifacts say of themselves.

Reads the world and changes nothing in it, and takes no lock.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from specr.address import Address
from specr.canonical import Json
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.observed import SourceFacts, SourceReport
from specr.readers.catalog import reader_for
from specr.readers.protocol import Selective
from specr.resources.artifact import Artifact
from specr.sources.protocol import Previewer, Resolved, Source
from specr.state.model import RecordedObject, State
from specr.store.protocol import Store

_log = logging.getLogger(__name__)

_FEW: Final = 2
_AT_ONCE: Final = 8
"""Sources on other hosts are asked side by side from two on, this many at once."""


def local_reference(file: str, source: str) -> str:
    """A source as it is recorded: relative paths start at the project's folder.

    `file` is where the artifact is declared; a relative path in it starts at its folder.
    """
    if "://" in source or ":/" in source or source.startswith(("/", "~")):
        return source
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), source))


def resolve_sources(
    artifacts: Iterable[tuple[Artifact, str]],
    state: State,
    *,
    source_for: Callable[[str], Source],
    store: Store,
    root: Path,
    ask_hosts: bool = True,
) -> SourceReport:
    """Resolve every artifact's source and read what the artifact says of itself.

    `artifacts` come with the reference of each. All that can't be resolved is reported
    in one go. Unless `ask_hosts`, a source on another host is taken to be what it was
    when it was recorded, if it was.
    """

    def resolve(one: tuple[Artifact, str]) -> _Answer:
        artifact, reference = one
        recorded = state.objects.get(artifact.address)
        _log.info("%s: resolve the source", artifact.address)
        try:
            known = None if ask_hosts else _as_recorded(reference, recorded)
            resolved = known or source_for(reference).resolve(reference, root)
            facts = _facts(artifact, reference, resolved, recorded, store)
            if not facts.is_read and facts.digest is None and ask_hosts:
                facts = _preview(artifact, facts, resolved, source_for(reference))
        except DiagnosticError as error:
            return _Answer(artifact.address, None, None, [_about(artifact, d) for d in error.diagnostics])
        warnings = [_about(artifact, d) for d in resolved.diagnostics]
        told = [resolved.digest, dict(resolved.identity), *([resolved.pinned] if resolved.pinned else [])]
        return _Answer(artifact.address, facts, told, warnings)

    answers = _each(resolve, tuple(artifacts))
    return SourceReport(
        {a.address: a.facts for a in answers if a.facts is not None},
        {str(a.address): a.told for a in answers if a.facts is not None},
        tuple(d for a in answers for d in a.diagnostics),
    )


class _Answer(NamedTuple):
    """What came of resolving one artifact."""

    address: Address
    facts: SourceFacts | None
    told: Json
    diagnostics: list[Diagnostic]


def _each(
    resolve: Callable[[tuple[Artifact, str]], _Answer], artifacts: Sequence[tuple[Artifact, str]]
) -> list[_Answer]:
    """Resolve all, several at a time where hosts have to be asked."""
    remote = sum(1 for _, reference in artifacts if _is_remote(reference))
    if remote < _FEW:
        return list(map(resolve, artifacts))
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few projects need it

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="specr-source") as pool:
        return list(pool.map(resolve, artifacts))


def _as_recorded(reference: str, recorded: RecordedObject | None) -> Resolved | None:
    """What a source on another host was when it was recorded, if it is still the one that is meant."""
    if recorded is None or not _is_remote(reference) or recorded.arguments.get("source") != reference:
        return None
    told = recorded.attributes
    identity = told.get("identity") or {}
    return Resolved(
        None if identity else told["digest"],
        identity=identity,
        pinned=recorded.arguments.get("resolved", ""),
        origin=told.get("origin") or {},
    )


def _is_remote(reference: str) -> bool:
    return ":/" in reference and not reference.startswith("file:")


def _about(artifact: Artifact, diagnostic: Diagnostic) -> Diagnostic:
    """A source's finding, placed at the artifact that names it unless it is about the project's settings."""
    if diagnostic.address is not None or diagnostic.path[:2] == ("spec", "sources"):
        return diagnostic
    return replace(diagnostic, address=artifact.address, path=("spec", "source"))


def _facts(
    artifact: Artifact, reference: str, resolved: Resolved, recorded: RecordedObject | None, store: Store
) -> SourceFacts:
    """What is known now; what was recorded of the same bytes is not read again."""
    digest = resolved.digest or artifact.digest
    if digest is None and recorded is not None and resolved.identity:
        same = recorded.attributes.get("identity") == resolved.identity
        unmoved = (
            recorded.arguments.get("resolved") == resolved.pinned
            if resolved.pinned
            else recorded.arguments.get("source") == reference
        )
        digest = recorded.attributes.get("digest") if same and unmoved else None
    base = SourceFacts(
        digest,
        reference,
        resolved.size,
        resolved.identity,
        pinned=resolved.pinned,
        origin=resolved.origin,
    )
    if (
        recorded is not None
        and digest is not None
        and digest == recorded.attributes.get("digest")
        and artifact.type == recorded.arguments.get("type")
        and "schema" in recorded.attributes
    ):
        told = recorded.attributes
        return replace(base, schema=told.get("schema"), metadata=told.get("metadata", {}), is_read=True)
    content = resolved.path
    if content is None and digest is not None and store.has(digest):
        content = store.path(digest)
    return base if content is None else read_facts(artifact, base, content)


def _preview(artifact: Artifact, base: SourceFacts, resolved: Resolved, source: Source) -> SourceFacts:
    """The same facts, with what single files tell that the source can bring before the whole."""
    if not isinstance(source, Previewer):
        return base
    reader = reader_for(artifact.type)
    if not isinstance(reader, Selective):
        return base
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - few sources can do this

    with TemporaryDirectory(prefix="specr-") as folder:
        if not source.preview(resolved, reader.names(), Path(folder)):
            return base
        return read_facts(artifact, base, Path(folder))


def read_facts(artifact: Artifact, base: SourceFacts, content: Path) -> SourceFacts:
    """The same facts, with what a reader finds in the content.

    Raises:
        DiagnosticError: the content is not what its type says.
    """
    reader = reader_for(artifact.type)
    if reader is None:
        return replace(base, is_read=True)
    found = reader.read(content)
    errors = tuple(d for d in found.diagnostics if d.is_error)
    if errors:
        raise DiagnosticError(*errors)
    schema = None if found.schema is None else found.schema.dump()
    notes = tuple(f"{d.summary}: {d.detail} {d.remedy}".strip() for d in found.diagnostics)
    return replace(base, schema=schema, metadata=found.metadata, is_read=True, notes=notes)
