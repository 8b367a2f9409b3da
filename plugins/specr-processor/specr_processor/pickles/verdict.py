"""The search's findings held against the policy: nothing, a warning, or a refusal that says what to do."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from specr_processor.errors import SourceError
from specr_processor.pickles.contents import Search, Sighting
from specr_processor.pickles.known import LIBRARIES, describe, suggest
from specr_processor.pickles.policy import Mode, Policy, read_policy
from specr_processor.pickles.trace import Doubt, Global
from specr_processor.program import Job

_SHOWN: Final = 3
_CODE: Final = (".py", ".pyc", ".so")


class PickleError(SourceError):
    """A model whose pickles the policy does not allow."""


def check_pickles(
    job: Job, tree: Path, further: Iterable[Sighting] = (), joblib: Collection[str] = ()
) -> None:
    """See that no pickle below a folder refers to what the project's policy does not allow.

    Nothing is unpickled or imported. `further` are references that the family has found elsewhere,
    such as a module that a model's description tells to load. `joblib` are files, relative to the folder,
    that the family's runtime loads with joblib, and never with pickle.

    Raises:
        PickleError: one does, and the policy is to refuse it.
        SourceError: one ends before its last instruction, so that nothing could load it.
        SettingsError: the policy makes no sense.
    """
    policy = read_policy(job.environ)
    if policy.mode is Mode.ALLOW:
        return
    search = _search_all(job, tree, joblib)
    if search.cut:
        raise SourceError(f"{search.cut[0]} is cut short: its pickle goes on where the file ends")
    sightings = [*further, *search.sightings]
    found = _objections(sightings, policy)
    found += _own_code(tree, policy)
    if not found:
        return
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    text = "; ".join(found[:_SHOWN]) + more
    if policy.mode is Mode.WARN:
        job.warn(f"{text}. Loading the model may run any code")
        return
    raise PickleError(f"{text}. {_remedy(found, _needed(sightings, policy))}")


def _search_all(job: Job, tree: Path, joblib: Collection[str]) -> Search:
    """All that the pickles below a folder refer to, and all that can't be looked into."""
    search = Search(job.work, job.limits)
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            name = path.relative_to(tree).as_posix()
            search.file(path, name, joblib=name in joblib)
    return search


def _objections(sightings: Iterable[Sighting], policy: Policy) -> list[str]:
    """What is wrong, each once, with the first place where it is."""
    found: dict[str, str] = {}
    for sighting in sightings:
        what = sighting.what
        if not isinstance(what, Global):
            if what.allowed_by and policy.names(what.allowed_by):
                continue
            found.setdefault(f"{sighting.file} {what.why}", f"{sighting.place}: {what.why}")
        elif not policy.permits(what.module, what.name):
            full = f"{what.module}.{what.name}"
            found.setdefault(full, f"{sighting.place}: it refers to {full}{describe(what.module, what.name)}")
    return list(found.values())


def _own_code(tree: Path, policy: Policy) -> list[str]:
    """Modules that the model brings and nobody has named.

    Wherever they lie, something may put their folder on the path: then they are imported in place of
    others. So what is allowed by a library's name never allows them.
    """
    found = []
    for path in sorted(tree.rglob("*")):
        if path.suffix not in _CODE or not path.is_file():
            continue
        *folders, file = path.relative_to(tree).parts
        parts = [*folders, file.partition(".")[0]]
        names = [".".join(parts[start:]) for start in range(len(parts)) if parts[start] not in LIBRARIES]
        if not any(policy.names(name) for name in names):
            found.append(f"{'/'.join((*folders, file))}: it is code that the model brings along")
    return found


def _needed(sightings: Iterable[Sighting], policy: Policy) -> str:
    """What to name to have this model allowed, as the policy would have it."""
    missing = [
        what.allowed_by if isinstance(what, Doubt) else suggest(what.module, what.name)
        for what in (sighting.what for sighting in sightings)
        if isinstance(what, Doubt) or not policy.permits(what.module, what.name)
    ]
    names = sorted({name for name in missing if name and not policy.names(name)})
    return f" (modules: [{', '.join(names)}])" if names else ""


def _remedy(found: list[str], needed: str) -> str:
    what = "it" if len(found) == 1 else "them"
    return (
        "Loading a pickle runs what it refers to. If you know who made this model, name what it needs in "
        f"policy.modules of the Project{needed}, or have {what} told only with policy.pickles: warn"
    )
