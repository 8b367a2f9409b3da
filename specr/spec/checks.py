"""What must hold between resources: references, names, cycles, versions.

Each check takes resources that decode, and returns findings with the address and path
they are about. Nothing is reported that only follows from another finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import Struct

from specr.address import Address, parse_address
from specr.diagnostics import Diagnostic, did_you_mean
from specr.graph import find_cycles
from specr.resources.base import Resource
from specr.resources.catalog import BUILD, KINDS
from specr.resources.project import Project
from specr.spec.model import reference_graph

BUILT_IN_PROVIDERS: Final = frozenset({"local", "memory", "docker", "kubernetes"})
"""Providers that every project has unasked."""

_SUGGESTIONS: Final = 50
"""References for which close names are looked for; where more are wrong, the cause is another."""

_CANDIDATES: Final = 2_000
"""Names that are compared letter by letter; of more, only those that begin or end alike."""


_KINDS: Final = {kind.lower(): kind for kind in KINDS}


class Known(Struct, frozen=True):
    """What is declared, for checks to look into."""

    project: Project
    resources: Mapping[Address, Resource]
    broken: AbstractSet[Address] = frozenset()
    """Addresses of documents with errors: they are declared, but nothing is known of them."""
    complete: bool = True
    """Whether all addresses are known; not so if some document can't even be read."""
    project_broken: bool = False
    """Whether the Project has errors, so that its packs and providers are not known."""

    def declares(self, address: Address) -> bool:
        """Whether a document declares the address, or might."""
        return address in self.resources or address in self.broken

    @property
    def judges_absence(self) -> bool:
        """Whether what is not found is sure not to be declared."""
        return self.complete and not self.project_broken


Check = Callable[[Known], Iterator[Diagnostic]]


def check_depends_on(known: Known) -> Iterator[Diagnostic]:
    """Entries of `dependsOn` are addresses."""
    for address, resource in known.resources.items():
        for position, text in enumerate(resource.depends_on):
            try:
                parse_address(text)
            except ValueError:
                yield Diagnostic(
                    "Malformed address",
                    f"{address} depends on {text[:100]!r}, which is no address.",
                    "Write the kind in lower case, a slash and the name, such as deployment/fraud.",
                    address=address,
                    path=("spec", "dependsOn", position),
                )


def check_references(known: Known) -> Iterator[Diagnostic]:
    """What a resource refers to is declared."""
    if not known.judges_absence:
        return
    names: dict[str, list[str]] = {}
    for address in sorted({*known.resources, *known.broken}):
        names.setdefault(address.kind, []).append(address.name)
    reported: set[tuple[Address, Address]] = set()
    for address, resource in known.resources.items():
        for path, target in resource.references():
            if not known.declares(target) and (address, target) not in reported:
                reported.add((address, target))
                yield Diagnostic(
                    "Reference to an undeclared resource",
                    f"{address} refers to {target}, which no spec declares.",
                    _remedy(target, names.get(target.kind, [])) if len(reported) <= _SUGGESTIONS else "",
                    address=address,
                    path=path,
                )


def _remedy(target: Address, names: list[str]) -> str:
    """What to do about a target that is not declared, told the names that are, of its kind."""
    if target.kind == BUILD:
        return "Builds are derived from deployments, never declared: name the artifact or the deployment."
    if target.kind not in _KINDS:
        kinds = ", ".join(sorted(_KINDS))
        return did_you_mean(target.kind, _KINDS) or f"There is no such kind; there are: {kinds}."
    near = [n for n in names if abs(len(n) - len(target.name)) <= 4 and n[0] == target.name[0]]
    near += [n for n in names if abs(len(n) - len(target.name)) <= 4 and n[-1] == target.name[-1]]
    found = did_you_mean(target.name, near[:_CANDIDATES] if len(names) > _CANDIDATES else names)
    if found:
        return found.replace("Did you mean ", f"Did you mean {target.kind}/", 1)
    if names and len(names) <= 10:
        return f"Declared of that kind: {', '.join(names)}."
    return f"Declare it, in a document of kind {_KINDS[target.kind]}."


def check_cycles(known: Known) -> Iterator[Diagnostic]:
    """No resource needs itself."""
    for cycle in find_cycles(reference_graph(known.resources)):
        first = cycle[0]
        following = cycle[1] if len(cycle) > 1 else first
        path = next(r.path for r in known.resources[first].references() if r.target == following)
        shown = [str(a) for a in (*cycle, first)]
        if len(shown) > 12:
            shown[6:-5] = [f"({len(shown) - 11} more)"]
        yield Diagnostic(
            "Resources need each other in a circle",
            f"{' -> '.join(shown)}.",
            "Remove one of these references.",
            address=first,
            path=path,
        )


def check_providers(known: Known) -> Iterator[Diagnostic]:
    """Providers that are named exist."""
    if known.project_broken:
        return
    names = BUILT_IN_PROVIDERS | set(known.project.providers)
    for address, resource in known.resources.items():
        provider = getattr(resource, "provider", None) if address.kind == "deployment" else None
        if provider is not None and provider not in names:
            yield _no_provider(f"{address} runs on", provider, names, address, ("spec", "provider"))
    if known.project.default_provider not in names:
        address = known.project.address
        yield _no_provider(
            "The default is", known.project.default_provider, names, address, ("spec", "defaultProvider")
        )


def _no_provider(
    who: str, provider: str, names: AbstractSet[str], address: Address, path: tuple[str, ...]
) -> Diagnostic:
    return Diagnostic(
        "Unknown provider",
        f"{who} the provider {provider!r}, which the project does not define.",
        did_you_mean(provider, names)
        or f"Define it under providers in the Project; there are {', '.join(sorted(names))}.",
        address=address,
        path=path,
    )
