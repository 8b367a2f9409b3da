"""What makes the program start sooner. Nothing here changes what it does."""

from __future__ import annotations

import gc
import os
import sys
from types import ModuleType

_NEW_OBJECTS = 200_000
"""How many more objects there must be before the garbage collector looks: some tens of megabytes."""

_LOADER = "pydantic.plugin._loader"


class _NoPlugins(ModuleType):
    """Stands in for pydantic's loader of plug-ins, which specr has no use for.

    The real one imports `importlib.metadata` and what hangs on it, a sixth of the time that a small
    plan takes, before it looks whether plug-ins are wanted at all. Whatever else is asked of the
    module is answered by the real one.
    """

    @staticmethod
    def get_plugins() -> tuple[()]:
        return ()

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        del sys.modules[_LOADER]
        from importlib import import_module

        return getattr(import_module(_LOADER), name)


def start_sooner() -> None:
    """Collect garbage seldom, and leave out what pydantic would do for plug-ins that are not wanted.

    Modules, classes and specs live as long as the program, so looking among them for garbage after
    every 700 new objects, as the interpreter does by itself, finds none.
    """
    gc.set_threshold(_NEW_OBJECTS, 30, 30)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if os.environ["PYDANTIC_DISABLE_PLUGINS"] == "__all__":
        sys.modules.setdefault(_LOADER, _NoPlugins(_LOADER))
