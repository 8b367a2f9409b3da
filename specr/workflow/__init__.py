"""Where the pieces meet: load -> refresh -> plan -> check -> apply."""

from specr.workflow.options import Manner, Options
from specr.workflow.workspace import Planned, Workspace

__all__ = ["Manner", "Options", "Planned", "Workspace"]
