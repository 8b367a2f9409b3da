"""Starting processes: what they get to know, and what is checked before.

A process's environment is small and the same everywhere; never the user's whole one:

    PATH                  the folder of the Python that runs specr, then the user's PATH
    HOME LANG LC_* TMPDIR the user's, as far as they are set
    PYTHONUNBUFFERED      1, so that logs are complete when a Python program dies
    (those of the spec)   which may replace all of the above
    SPECR_LINEAGE SPECR_ADDRESS SPECR_TOKEN SPECR_FOLDER
                          marks, by which the process is known for specr's
    (what it is run for)  SOURCE_PATH and TARGET_PATH, or MODEL_PATH, MODEL_ID, PORT and SPECR_HOST

Its working folder is its own; a command that is a path starts at the project's folder.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from specr.providers.environment import resolve_environment
from specr.providers.local.layout import ObjectFolder, RunFolder
from specr.providers.local.logs import read_lines
from specr.providers.local.marks import FOLDER_MARK, LINEAGE_MARK, TOKEN_MARK, Marks
from specr.providers.local.problems import no_command, no_program, not_started
from specr.providers.local.runs import Phase, launch, status_of, stop
from specr.providers.protocol import BuildOrder, Order

_INHERITED: Final = frozenset({"HOME", "LANG", "TMPDIR"})
_BUILD_GRACE: Final = 5.0
"""Seconds that a processor gets to end after it was told to."""


class Host(Struct, frozen=True):
    """What all processes of one provider share.

    `root` is the project's folder, `grace` the seconds that a runtime gets to end after it
    was told to.
    """

    lineage: str
    root: Path
    grace: float

    def marks(self, token: str, folder: Path) -> Marks:
        """What the processes of an object, or of one of its runs, are known by."""
        return Marks(self.lineage, token, folder)

    def start(
        self,
        folder: ObjectFolder,
        order: Order,
        given: Mapping[str, str],
        *,
        slot: int = 0,
        port: int | None = None,
    ) -> RunFolder:
        """Start a process of an object; it runs, or its end is noted, when this returns.

        Raises:
            ProviderError: there is no such program, a secret is missing, or nothing can be
                started at all.
            OSError: the disk refuses.
        """
        resolved = resolve_environment(order.env, address=order.address, base=self.root)
        env = {**_own_environment(), **resolved.values}
        program = self._find_program(order, env["PATH"])
        folder.work.mkdir(parents=True, exist_ok=True)
        building = isinstance(order, BuildOrder)
        run = folder.new_run(
            slot,
            port,
            {
                "program": program,
                "argv": list(order.command),
                "cwd": str(folder.work),
                "secrets": sorted(resolved.secret),
                "timeout": order.timeout if isinstance(order, BuildOrder) else None,
                "grace": _BUILD_GRACE if building else self.grace,
            },
        )
        marks = {
            LINEAGE_MARK: self.lineage,
            "SPECR_ADDRESS": str(order.address),
            TOKEN_MARK: order.token,
            FOLDER_MARK: str(run.path),
        }
        launch(run, {**env, **marks, **given})
        if status_of(run).phase is Phase.IDLE:
            stop([run], 0.0, lambda _: None)
            raise not_started(order.address, tuple(read_lines(run.path / "log", 20)))
        return run

    def _find_program(self, order: Order, search: str) -> str:
        what = "processor" if isinstance(order, BuildOrder) else "runtime"
        if not order.command:
            raise no_command(order.address, what, order.image)
        program = order.command[0]
        if os.sep in program:
            path = self.root / program
            if not (path.is_file() and os.access(path, os.X_OK)):
                raise no_program(order.address, what, program, str(path))
            return str(path)
        found = shutil.which(program, path=search)
        if found is None:
            raise no_program(order.address, what, program, search)
        return str(Path(found).absolute())


def _own_environment() -> dict[str, str]:
    """What processes get of the environment that specr itself runs in."""
    inherited = {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith("LC_")
    }
    path = os.environ.get("PATH", os.defpath)
    return {**inherited, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}", "PYTHONUNBUFFERED": "1"}
