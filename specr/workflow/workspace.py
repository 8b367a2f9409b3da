"""The workspace: one project with its specs, state, store and providers, opened as needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct
from msgspec.structs import replace

from specr.address import Address
from specr.backends.catalog import open_backend
from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean, has_errors, sorted_diagnostics
from specr.packs import InstalledPacks
from specr.plan.checks import check_plan
from specr.plan.desired import digest_specs
from specr.plan.expand import Expander, Expansion
from specr.plan.model import Plan
from specr.plan.observed import Observation, ProviderSchema, SourceReport
from specr.plan.planner import Request, World, plan
from specr.plan.ports import check_ports
from specr.plan.targets import check_targets, close_targets
from specr.resources.artifact import Artifact
from specr.resources.deployment import Deployment
from specr.spec.load import load_specs
from specr.spec.model import Specs
from specr.state.model import State
from specr.workflow.options import Manner, Options
from specr.workflow.places import check_places
from specr.workfolder import check_work_folder

if TYPE_CHECKING:
    from specr.apply.engine import Result
    from specr.backends.protocol import Backend
    from specr.providers.protocol import Provider
    from specr.sources.catalog import Sources
    from specr.sources.protocol import Source
    from specr.store.cache import DigestCache
    from specr.store.protocol import Store


class Planned(Struct, frozen=True):
    """A plan that may be carried out, and the warnings that came with it."""

    plan: Plan
    diagnostics: tuple[Diagnostic, ...] = ()


class Workspace:
    """One project, opened. A context manager: it lets go of files and connections at its end.

    Nothing but the specs is read until it is needed.
    """

    def __init__(self, specs: Specs, warnings: tuple[Diagnostic, ...] = ()) -> None:
        self.specs = specs
        self.warnings = warnings
        self._providers: dict[tuple[str, str], Provider] = {}
        self._images: dict[tuple[str, str], str | None] = {}

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
        state = self.backend.read()
        report = self._resolve(state, options)
        observed = self._observe(state, options)
        schemas = self._schemas(state)
        expansion, reusable = self._expand(state, report, observed, schemas)
        desired = expansion.desired
        targets = close_targets(options.targets, desired, state, destroy=options.destroy)
        clashes = check_ports(self.specs, schemas.__getitem__)
        problems = [*self.check_sources(), *report.diagnostics, *expansion.diagnostics, *clashes]
        if options.destroy:
            problems = [d for d in problems if not d.is_error]
        if options.targets:
            problems = [d for d in problems if d.address is None or d.address in targets]
        problems += check_targets((*options.targets, *options.replace), desired, state)
        self._raise_on_error(problems)
        request = Request(
            destroy=options.destroy,
            targets=targets if options.targets else None,
            named_targets=tuple(sorted(set(options.targets))),
            replace=frozenset(options.replace),
        )
        world = World(state, observed, schemas, reusable)
        made = plan(desired, world, request, spec_digest=self.spec_digest(report))
        problems += check_plan(made, allow_delete=options.allow_delete)
        self._raise_on_error(problems)
        return Planned(made, self.located((*self.warnings, *problems)))

    def carry_out(self, made: Plan, manner: Manner) -> Result:
        """Carry a plan out, or take up an interrupted apply of it.

        Raises:
            DiagnosticError: it is stale, the lock is held, or state could not be written.
        """
        from specr.workflow.applying import apply_plan  # noqa: PLC0415 - plans don't need it

        return apply_plan(self, made, manner)

    def resolve(self, state: State, *, destroy: bool) -> SourceReport:
        """What the sources of all artifacts mean now.

        Raises:
            DiagnosticError: one of them can't be resolved.
        """
        report = self._resolve(state, Options(destroy=destroy))
        self._raise_on_error(report.diagnostics)
        return report

    def spec_digest(self, report: SourceReport) -> str:
        """The digest of all that planning reads but state and the world."""
        resources, project = self.specs.resources, self.specs.project
        return digest_specs(resources, project, report.facts, dict(report.resolved))

    def observe(self, state: State, addresses: Iterable[Address]) -> Mapping[Address, Observation]:
        """Look at what recorded objects are now."""
        kept = [a for a in addresses if (r := state.objects.get(a)) and (r.provider or a.kind == "artifact")]
        if not kept:
            return {}
        from specr.workflow.observing import observe  # noqa: PLC0415 - records are nowhere to be seen

        return observe(
            state,
            kept,
            provider_for=lambda name: self.provider(name, state.lineage),
            store=lambda: self.store,
        )

    def located(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Findings with their places in the specs, sorted for showing."""
        return sorted_diagnostics(self.specs.locate(self._placed(d)) for d in diagnostics)

    @contextmanager
    def _placing(self) -> Iterator[None]:
        """Give what is wrong with the project's settings its place in the specs."""
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

    def _resolve(self, state: State, options: Options) -> SourceReport:
        """Sources of all artifacts; a destroy needs none of them."""
        artifacts = [resource for resource in self.specs.resources.values() if isinstance(resource, Artifact)]
        if options.destroy or not artifacts:
            return SourceReport()
        from specr.workflow.resolving import local_reference, resolve_sources  # noqa: PLC0415 - artifacts only

        origins = self.specs.origins
        with_references = [(a, local_reference(origins[a.address].file, a.source)) for a in artifacts]
        return resolve_sources(
            with_references,
            state,
            source_for=self.source,
            store=self.store,
            root=self.root,
            ask_hosts=options.refresh,
        )

    def _observe(self, state: State, options: Options) -> Mapping[Address, Observation]:
        return self.observe(state, state.objects) if options.refresh else {}

    def _schemas(self, state: State) -> Mapping[str, ProviderSchema]:
        """Facts about every provider that a deployment names or a recorded object is at."""
        default = self.specs.project.default_provider
        names = {r.provider for r in state.objects.values() if r.provider}
        names |= {r.provider or default for r in self.specs.resources.values() if isinstance(r, Deployment)}
        return {name: self.provider(name, state.lineage).schema for name in sorted(names)}

    def _expand(
        self,
        state: State,
        report: SourceReport,
        observed: Mapping[Address, Observation],
        schemas: Mapping[str, ProviderSchema],
    ) -> tuple[Expansion, frozenset[str]]:
        """Desired objects, and the builds among them whose output is in the store."""
        reusable: set[str] = set()

        def output_of(build: Address, effect: str) -> str | None:
            recorded = state.objects.get(build)
            seen = observed.get(build)
            is_there = seen is None or seen.exists
            if recorded and is_there and not recorded.tainted and recorded.attributes.get("effect") == effect:
                return str(recorded.attributes["digest"])
            stored = self.store.find_build(effect)
            if stored is not None:
                reusable.add(effect)
            return stored

        specs = self.specs
        image_id = partial(self._image_id, state.lineage)
        expander = Expander(specs.resources, specs.project, report.facts, schemas, output_of, image_id)
        return expander.expand(), frozenset(reusable)

    def _image_id(self, lineage: str, provider: str, image: str) -> str | None:
        """What an image means to a provider, asked once.

        Raises:
            ProviderError: there is no such image, or the platform does not answer.
        """
        key = (provider, image)
        if key not in self._images:
            from specr.workflow.observing import resolve_image  # noqa: PLC0415 - only where there are images

            opened = self.provider(provider, lineage)
            self._images[key] = resolve_image(provider, opened, image)
        return self._images[key]

    def _raise_on_error(self, diagnostics: Iterable[Diagnostic]) -> None:
        found = tuple(diagnostics)
        if has_errors(found):
            raise DiagnosticError(*self.located((*self.warnings, *found)))


def _unknown_provider(name: str, defined: Mapping[str, object]) -> Diagnostic:
    return Diagnostic(
        "Undefined provider",
        f"Provider {name} is asked for, by a spec or by an object in the state, but the project does not "
        "define it.",
        did_you_mean(name, defined)
        or f"Define it under `providers`; there are: {', '.join(sorted(defined))}.",
        path=("spec", "providers"),
    )
