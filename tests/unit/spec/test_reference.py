from __future__ import annotations

import re
from pathlib import Path

from specr.resources.base import METADATA_FIELDS, shapes_of
from specr.resources.catalog import KINDS
from specr.resources.docs import attribute_docs
from specr.spec.reference import render_reference
from tests.conftest import Golden

DOCS = Path(__file__).parents[3] / "docs"


def test_the_reference_in_the_documentation_is_current(golden: Golden) -> None:
    golden(DOCS / "reference.md", render_reference())


def test_every_argument_is_described() -> None:
    text = render_reference()
    for kind, model in KINDS.items():
        section = text.partition(f"### {kind}\n")[2].partition("\n### ")[0]
        for name, key, _ in shapes_of(model):
            if name not in METADATA_FIELDS and (kind, name) != ("Project", "depends_on"):
                assert f"| `{key}` |" in section
                assert attribute_docs(model)[name]


def test_every_link_leads_to_a_section() -> None:
    text = render_reference()
    headings = {heading.lower() for heading in re.findall(r"^### (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]+)\)", text)) <= headings


def test_every_row_has_four_cells() -> None:
    rows = [
        line for line in render_reference().partition("## Limits")[0].splitlines() if line.startswith("|")
    ]
    assert {row.count("|") for row in rows} == {5}
