"""Serialized Python files for specr: the pack, the reader, the processor and the runtime."""

__version__ = "0.1.0"
