"""Plug-ins: what installed packages offer to specr, by entry point group and name.

Looking reads the metadata of every installed package, so it is done only when something is
asked for that specr does not have itself. What a plug-in holds is not looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def find_plugins(group: str) -> tuple[EntryPoint, ...]:
    """All entry points of a group, in the order that packages are found."""
    # Importing it takes a tenth of the time that a small plan takes, and most plans need no plug-in.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return tuple(entry_points(group=group))


def plugins_by_name(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name; of several with one name, the last that was found."""
    return {point.name: point for point in find_plugins(group)}
