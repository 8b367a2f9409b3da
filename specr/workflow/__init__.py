"""Where the pieces meet: load -> refresh -> plan -> check -> apply."""

from specr.workflow.options import Options
from specr.workflow.workspace import Planned, Workspace

__all__ = ["Options", "Planned", "Workspace"]
