"""Writes docs/reference.md from the models, or checks that it is up to date.

    python scripts/reference.py            # writes it
    python scripts/reference.py --check    # exit code 1 if it is not what the models say

`make check` checks it, so that the models and the document can't drift apart.
"""

import sys
from pathlib import Path

from specr.spec.reference import render_reference

REFERENCE = Path(__file__).parent.parent / "docs" / "reference.md"


def main() -> int:
    """Write or check."""
    text = render_reference()
    if "--check" not in sys.argv[1:]:
        REFERENCE.write_text(text, encoding="utf-8")
        return 0
    if REFERENCE.exists() and REFERENCE.read_text(encoding="utf-8") == text:
        print("reference: up to date")
        return 0
    print("docs/reference.md is not what the models say; write it with: python scripts/reference.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
