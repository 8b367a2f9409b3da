"""What a model on an engine can read: its own content and variables, and nothing of others or of specr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("programs") / "spy.py"

OWN_CONTENT = "content-of-the-model-that-looks"
OWN_VARIABLE = "variable-of-the-model-that-looks"
OTHER_CONTENT = "content-of-another-model"
OTHER_VARIABLE = "variable-of-another-model"
CALLER = "variable-of-the-process-that-runs-specr"
TEXTS = (OWN_CONTENT, OWN_VARIABLE, OTHER_CONTENT, OTHER_VARIABLE, CALLER)


def command(root: str = "/") -> tuple[str, ...]:
    """The spy, looking in a folder for all of these."""
    return ("python", "-I", "-S", "-c", PROGRAM.read_text(), root, *TEXTS)


def check(told: bytes, own_place: str) -> None:
    """Its own it finds, in one place each, so it did look; all else is out of its sight.

    Of processes it sees those of its container; no socket of an engine is there to be asked.
    """
    found: dict[str, Any] = json.loads(told)
    assert found["texts"] == {
        OWN_CONTENT: [own_place],
        OWN_VARIABLE: ["an environment"],
        OTHER_CONTENT: [],
        OTHER_VARIABLE: [],
        CALLER: [],
    }
    assert found["environments"] == 1
    assert found["sockets"] == []
