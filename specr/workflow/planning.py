"""Planning one project: resolve sources, observe what runs, expand what is declared, ask the pure planner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from specr.address import Address
from specr.diagnostics import Diagnostic, DiagnosticError, Severity, has_errors
from specr.plan.checks import check_plan
from specr.plan.desired import digest_specs
from specr.plan.expand import Expander, Expansion
from specr.plan.observed import Observation, ProviderSchema, SourceReport
from specr.plan.planner import Request, World, plan
from specr.plan.ports import check_ports
from specr.plan.targets import check_targets, close_targets
from specr.resources.artifact import Artifact
from specr.resources.deployment import Deployment
from specr.state.model import State
from specr.workflow.options import Options, Planned

if TYPE_CHECKING:
    from specr.backends.protocol import Backend
    from specr.workflow.workspace import Workspace


def make_plan(workspace: Workspace, options: Options) -> Planned:
    """Compare what the specs declare with recorded state and with what really runs.

    Raises:
        DiagnosticError: there is no sound plan; everything that stands against it is told.
    """
    state = workspace.backend.read()
    report = _resolve(workspace, state, options)
    observed = workspace.observe(state, state.objects) if options.refresh else {}
    schemas = _schemas(workspace, state)
    expansion, reusable = _expand(workspace, state, report, observed, schemas)
    desired = expansion.desired
    targets = close_targets(options.targets, desired, state, destroy=options.destroy)
    clashes = check_ports(workspace.specs, schemas.__getitem__)
    problems = [*workspace.check_sources(), *report.diagnostics, *expansion.diagnostics, *clashes]
    if options.destroy:
        problems = [d for d in problems if not d.is_error]
    if options.targets:
        problems = [d for d in problems if d.address is None or d.address in targets]
    problems += check_targets((*options.targets, *options.replace), desired, state)
    _raise_on_error(workspace, problems)
    request = Request(
        destroy=options.destroy,
        targets=targets if options.targets else None,
        named_targets=tuple(sorted(set(options.targets))),
        replace=frozenset(options.replace),
    )
    world = World(state, observed, schemas, reusable)
    made = plan(desired, world, request, spec_digest=spec_digest(workspace, report))
    problems += check_plan(made, allow_delete=options.allow_delete)
    _raise_on_error(workspace, problems)
    strays = _strays(workspace, state, schemas) if options.refresh else ()
    told = (*workspace.warnings, *problems, *strays, *_under_way(workspace.backend, state))
    return Planned(made, workspace.located(told))


def resolve_artifacts(workspace: Workspace, state: State, *, destroy: bool) -> SourceReport:
    """What the sources of all artifacts mean now.

    Raises:
        DiagnosticError: one of them can't be resolved.
    """
    report = _resolve(workspace, state, Options(destroy=destroy))
    _raise_on_error(workspace, report.diagnostics)
    return report


def spec_digest(workspace: Workspace, report: SourceReport) -> str:
    """The digest of all that planning reads but state and the world."""
    specs = workspace.specs
    return digest_specs(specs.resources, specs.project, report.facts, dict(report.resolved))


def _strays(workspace: Workspace, state: State, providers: Collection[str]) -> Iterator[Diagnostic]:
    """What runs where this project's objects are, and is none of them."""
    if not providers:
        return
    from specr.providers.protocol import StrayFinder  # noqa: PLC0415 - records are nowhere to be seen

    for name in providers:
        provider = workspace.provider(name, state.lineage)
        if isinstance(provider, StrayFinder):
            yield from provider.check_strays()


def _under_way(backend: Backend, state: State) -> Iterator[Diagnostic]:
    """That what reads as begun and not finished is maybe being done right now."""
    lock = backend.lock_info() if state.pending else None
    if lock is None:
        return
    from specr.workflow.lease import is_alive  # noqa: PLC0415 - most plans find nothing begun

    if is_alive(lock):
        yield Diagnostic(
            "Changes are under way",
            f"{lock.holder} runs `{lock.operation}` since {lock.acquired}; "
            "what that has begun reads as begun and not finished.",
            "Plan again once it has ended.",
            severity=Severity.WARNING,
        )


def _resolve(workspace: Workspace, state: State, options: Options) -> SourceReport:
    """Sources of all artifacts; a destroy needs none of them."""
    specs = workspace.specs
    artifacts = [resource for resource in specs.resources.values() if isinstance(resource, Artifact)]
    if options.destroy or not artifacts:
        return SourceReport()
    from specr.workflow.resolving import local_reference, resolve_sources  # noqa: PLC0415 - artifacts only

    with_references = [(a, local_reference(specs.origins[a.address].file, a.source)) for a in artifacts]
    return resolve_sources(
        with_references,
        state,
        source_for=workspace.source,
        store=workspace.store,
        root=workspace.root,
        ask_hosts=options.refresh,
    )


def _schemas(workspace: Workspace, state: State) -> Mapping[str, ProviderSchema]:
    """Facts about every provider that a deployment names or a recorded object is at."""
    specs = workspace.specs
    default = specs.project.default_provider
    names = {r.provider for r in state.objects.values() if r.provider}
    names |= {r.provider or default for r in specs.resources.values() if isinstance(r, Deployment)}
    return {name: workspace.provider(name, state.lineage).schema for name in sorted(names)}


def _expand(
    workspace: Workspace,
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
        stored = workspace.store.find_build(effect)
        if stored is not None:
            reusable.add(effect)
        return stored

    @cache
    def image_id(provider: str, image: str) -> str | None:
        """What an image means to a provider, asked once a plan."""
        from specr.workflow.observing import resolve_image  # noqa: PLC0415 - only where there are images

        return resolve_image(provider, workspace.provider(provider, state.lineage), image)

    specs = workspace.specs
    expander = Expander(specs.resources, specs.project, report.facts, schemas, output_of, image_id)
    return expander.expand(), frozenset(reusable)


def _raise_on_error(workspace: Workspace, diagnostics: Iterable[Diagnostic]) -> None:
    found = tuple(diagnostics)
    if has_errors(found):
        raise DiagnosticError(*workspace.located((*workspace.warnings, *found)))
