"""Driverless AI MOJO pipelines for specr. Imports nothing, so that finding the pack costs nothing."""

__version__ = "0.1.0"
