"""Packs: folders of specs that installed packages ship, so that users need not restate them.

A package declares an entry point of the group `specr.packs`: its name is the pack's, its value
the package whose folder holds the YAML. Finding a pack imports the parent of that package, as
Python must to find its folder, and nothing else. What is in the folder is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specr.plugins import find_plugins

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "specr.packs"


class InstalledPacks:
    """The packs of the packages that are installed, as they are when first asked for.

    Asking reads the metadata of every installed package once: about a tenth of a
    millisecond for each, so it is done only for projects that name packs.
    """

    def names(self) -> tuple[str, ...]:
        """The names of all packs, sorted."""
        return tuple(sorted(self._entries))

    def folder(self, name: str) -> Path:
        """The folder that holds a pack's YAML.

        Raises:
            LookupError: there is no such pack, or its package can't be found; the message says why.
        """
        values = self._entries.get(name)
        if values is None:
            raise LookupError("no installed package ships it")
        if len(values) > 1:
            raise LookupError(f"several packages ship it: {', '.join(sorted(values))}")
        return _folder_of(next(iter(values)))

    @cached_property
    def _entries(self) -> Mapping[str, frozenset[str]]:
        """The values of the entry points of each name."""
        return _by_name(find_plugins(GROUP))


def _by_name(entries: Iterable[EntryPoint]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for entry in entries:
        found[entry.name] = found.get(entry.name, frozenset()) | {entry.value}
    return found


def _folder_of(package: str) -> Path:
    from importlib.util import find_spec  # noqa: PLC0415 - see specr.plugins

    try:
        spec = find_spec(package)
    except Exception as error:  # a package of someone else may fail to import in any way
        reason = f"{type(error).__name__}: {error}".split("\n", 1)[0]
        raise LookupError(f"its package {package} can't be imported ({reason})") from error
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    folder = next((Path(f) for f in folders if Path(f).is_dir()), None)
    if folder is None:
        raise LookupError(f"its package {package} is not there as a folder")
    return folder
