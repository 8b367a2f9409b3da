"""What makes the program start sooner. Nothing here changes what it does."""

from __future__ import annotations

import os
import sys
from types import ModuleType

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
    """Leave out what pydantic would do at its first model for plug-ins that are not wanted."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if os.environ["PYDANTIC_DISABLE_PLUGINS"] == "__all__":
        sys.modules.setdefault(_LOADER, _NoPlugins(_LOADER))
