"""H2O-3 MOJO models for specr. Imports nothing, so that finding the pack costs nothing."""

__version__ = "0.1.0"
