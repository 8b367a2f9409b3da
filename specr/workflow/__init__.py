"""Where the pieces meet: load -> refresh -> plan -> check -> apply."""

from specr.workflow.options import Manner, Options, Planned
from specr.workflow.workspace import Workspace

__all__ = ["Manner", "Options", "Planned", "Workspace"]
