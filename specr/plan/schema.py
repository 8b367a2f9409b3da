"""The JSON Schema of saved plans, for tools that read them.

It is a file of the package, so that it can be read without running anything; reading it
is all that this module does.
"""

from __future__ import annotations

from importlib import resources


def plan_schema_text() -> str:
    """The text of the JSON Schema (2020-12) that every saved plan of this format fulfils."""
    return resources.files("specr.plan").joinpath("plan.schema.json").read_text(encoding="utf-8")
