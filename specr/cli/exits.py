"""Exit codes: what each command line ends with, for scripts to go by.

0 is done, and 1 any error, wrong usage included.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing takes as long as all else that the shortest commands need
if TYPE_CHECKING:
    from typing import Final

CHANGES_FOUND: Final = 2
"""`plan --detailed-exitcode` found changes, or something that runs and does not answer."""

NOT_FORMATTED: Final = 3
"""`fmt --check` found files to format."""

INTERRUPTED: Final = 130
"""Ctrl-C or a termination signal, as shells tell it."""

BROKEN_PIPE: Final = 141
"""Whoever read the answer went away, as shells tell it."""
