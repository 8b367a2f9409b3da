"""Each folder beside this file is a project with something wrong; `expected.txt` is what specr says of it.

`variables.txt` holds values given from outside, a line each. `.packs` holds the packs that are installed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from specr.render.diagnostics import render_diagnostic
from specr.spec.load import load_specs
from tests.conftest import Golden
from tests.unit.spec.projects import Folders

HERE = Path(__file__).parent
SOURCES = HERE.parents[2] / "specr" / "spec"
SCENARIOS = sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name[0] not in "._")

TRIED_ELSEWHERE = {
    "Document can't be formatted",  # tests/unit/spec/test_format.py: formatting is no part of loading
    "Document is too long",  # tests/unit/spec/test_values.py: needs megabytes
    "File is too large",  # tests/unit/spec/test_discover.py: needs megabytes
    "Project is too large",  # the same
    "Not a regular file",  # the same: can't be kept in a repository
    "Folder can't be read",  # the same
    "File can't be read",  # the same
    "Specs can't be written",  # tests/unit/importing: no part of loading
    "Value of a variable is not UTF-8",  # tests/unit/cli/test_streams.py: no file can hold it
    "Value does not fit",  # tests/unit/spec/test_decode.py holds that nothing comes to this
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_said(name: str, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    packs = Folders({path.name: path for path in Path(".packs").iterdir()})
    given = HERE / name / "variables.txt"
    variables = dict(line.split("=", 1) for line in given.read_text().splitlines()) if given.exists() else {}
    _, diagnostics = load_specs(Path(name), packs=packs, variables=variables)
    assert diagnostics
    golden(HERE / name / "expected.txt", "\n".join(render_diagnostic(d) for d in diagnostics))


def test_every_summary_is_in_a_golden_file() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("*/expected.txt"))
    known = set(summaries())
    assert len(known) > 50
    assert sorted(s for s in known - TRIED_ELSEWHERE if f": {s}\n" not in said) == []
    assert known >= TRIED_ELSEWHERE


def summaries() -> Iterator[str]:
    """The fixed phrases that findings of the spec language begin with, as its source has them."""
    makers = {"Diagnostic", "Problem", "Fault", "file_finding"}
    for path in sorted(set(SOURCES.glob("*.py")) - set(SOURCES.glob("git*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            texts: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
                texts = node.args[:2] if node.func.id in ("Problem", "file_finding") else node.args[:1]
            elif isinstance(node, ast.Tuple) and path.name in ("mismatch.py", "discover.py"):
                texts = node.elts[:2]
            for text in texts:
                for constant in ast.walk(text):
                    value = constant.value if isinstance(constant, ast.Constant) else None
                    if isinstance(value, str) and value[:1].isupper() and "." not in value and " " in value:
                        yield value
