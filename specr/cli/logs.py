"""The log on stderr, of what specr asks of whom. Imported only where a log is wanted."""

from __future__ import annotations

import logging
import sys

import click

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def start_logging(level: str) -> None:
    """Write specr's own log messages of a level and above to stderr.

    Raises:
        click.UsageError: there is no such level.
    """
    if level.lower() not in _LEVELS:
        raise click.UsageError(f"SPECR_LOG is {level!r}; it may be {', '.join(_LEVELS)}.")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("specr")
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(_LEVELS[level.lower()])
