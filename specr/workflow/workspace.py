"""The workspace: one project with its specs, state, store and providers, opened as needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from specr.address import Address
from specr.backends.catalog import open_backend
from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean, has_errors, sorted_diagnostics
from specr.packs import InstalledPacks
from specr.spec.load import load_specs
from specr.spec.model import Specs
from specr.state.model import State
from specr.workflow.options import Manner, Options, Planned
from specr.workflow.places import check_places
from specr.workfolder import check_work_folder

if TYPE_CHECKING:
    from specr.apply.engine import Result
    from specr.backends.protocol import Backend
    from specr.plan.model import Plan
    from specr.plan.observed import Observation
    from specr.providers.protocol import Provider
    from specr.sources.catalog import Sources
    from specr.sources.protocol import Source
    from specr.store.cache import DigestCache
    from specr.store.protocol import Store


class Workspace:
    """One project, opened. A context manager: it lets go of files and connections at its end.

    Nothing but the specs is read until it is needed.
    """

    def __init__(self, specs: Specs, warnings: tuple[Diagnostic, ...] = ()) -> None:
        self.specs = specs
        self.warnings = warnings
        self._providers: dict[tuple[str, str], Provider] = {}

    @classmethod
    def open(cls, root: Path, *, variables: Mapping[str, str] | None = None) -> Self:
        """Load the specs of a folder.

        Raises:
            DiagnosticError: they hold errors; all of them are told.
        """
        specs, diagnostics = load_specs(root, packs=InstalledPacks(), variables=variables or {})
        if specs is None or has_errors(diagnostics):
            raise DiagnosticError(*diagnostics)
        return cls(specs, diagnostics)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "backend" in self.__dict__:
            self.backend.close()

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.specs.root

    @cached_property
    def backend(self) -> Backend:
        """Where state is kept.

        Raises:
            DiagnosticError: it can't be opened, or there can't be a work folder beside it.
        """
        in_the_way = check_work_folder(self.root)
        if in_the_way is not None:
            raise DiagnosticError(in_the_way)
        with self._placing():
            clashes = check_places(self.specs.project, self.root)
            if clashes:
                raise DiagnosticError(*clashes)
            return open_backend(self.specs.project.backend, self.root)

    @cached_property
    def store(self) -> Store:
        """Where bytes are kept."""
        from specr.store.catalog import open_store  # noqa: PLC0415 - only bytes need it

        with self._placing():
            return open_store(self.specs.project.store, self.root, self._digests)

    def provider(self, name: str, lineage: str) -> Provider:
        """A provider by its name in the project, for objects of this lineage.

        Raises:
            DiagnosticError: the project has no such provider, or its settings are wrong.
        """
        if (name, lineage) not in self._providers:
            from specr.providers.catalog import UNASKED, open_provider  # noqa: PLC0415 - records need none

            defined = {**UNASKED, **self.specs.project.providers}
            if name not in defined:
                raise DiagnosticError(_unknown_provider(name, defined))
            with self._placing():
                self._providers[name, lineage] = open_provider(
                    name, defined[name], lineage=lineage, root=self.root, store=self.store
                )
        return self._providers[name, lineage]

    def source(self, reference: str) -> Source:
        """The source that a reference is for."""
        return self._sources.source_for(reference)

    def plan(self, options: Options = Options()) -> Planned:  # noqa: B008 - a frozen value
        """Compare what the specs declare with recorded state and with what really runs.

        Raises:
            DiagnosticError: there is no sound plan; everything that stands against it is told.
        """
        from specr.workflow.planning import make_plan  # noqa: PLC0415 - whoever only looks needs no plan

        return make_plan(self, options)

    def carry_out(self, made: Plan, manner: Manner) -> Result:
        """Carry a plan out, or take up an interrupted apply of it.

        Raises:
            DiagnosticError: it is stale, the lock is held, a secret is missing, or state could not be
                written.
        """
        from specr.workflow.applying import apply_plan  # noqa: PLC0415 - plans don't need it

        with self._placing():
            return apply_plan(self, made, manner)

    def observe(
        self, state: State, addresses: Iterable[Address], *, listening: bool = True
    ) -> Mapping[Address, Observation]:
        """Look at what recorded objects are now; with `listening`, also at whether they answer."""
        kept = [a for a in addresses if (r := state.objects.get(a)) and (r.provider or a.kind == "artifact")]
        if not kept:
            return {}
        from specr.workflow.observing import observe  # noqa: PLC0415 - records are nowhere to be seen

        return observe(
            state,
            kept,
            provider_for=lambda name: self.provider(name, state.lineage),
            store=lambda: self.store,
            listening=listening,
        )

    def located(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Findings with their places in the specs, sorted for showing."""
        return sorted_diagnostics(self.specs.locate(self._placed(d)) for d in diagnostics)

    @contextmanager
    def _placing(self) -> Iterator[None]:
        """Give what is found wrong its place in the specs."""
        try:
            yield
        except DiagnosticError as error:
            raise DiagnosticError(*self.located(error.diagnostics)) from error

    def _placed(self, diagnostic: Diagnostic) -> Diagnostic:
        """Findings with a path but no address are about the project's settings."""
        if diagnostic.address is not None or not diagnostic.path:
            return diagnostic
        return replace(diagnostic, address=self.specs.project.address)

    @cached_property
    def _sources(self) -> Sources:
        from specr.sources.catalog import Sources  # noqa: PLC0415 - only artifacts need it

        return Sources(self.root, digests=self._digests, settings=self.specs.project.sources)

    def check_sources(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the project's settings of sources. Asks none of them."""
        return self._sources.check() if self.specs.project.sources else ()

    @cached_property
    def _digests(self) -> DigestCache:
        """What is known of files' digests; the store and the sources share it."""
        from specr.store.catalog import open_cache  # noqa: PLC0415 - only bytes need it

        return open_cache(self.root)


def _unknown_provider(name: str, defined: Mapping[str, object]) -> Diagnostic:
    return Diagnostic(
        "Undefined provider",
        f"Provider {name} is asked for, by a spec or by an object in the state, but the project does not "
        "define it.",
        did_you_mean(name, defined)
        or f"Define it under `providers`; there are: {', '.join(sorted(defined))}.",
        path=("spec", "providers"),
    )
