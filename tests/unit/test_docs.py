"""What documents show exists: links lead somewhere, commands have these options, code runs."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
import jsonschema
import pytest

from specr.cli.argv import normalise
from specr.cli.program import cli
from specr.spec.load import load_specs
from specr.spec.schema import document_schema
from specr.spec.split import split_documents
from specr.spec.values import read_value

ROOT = Path(__file__).parents[2]

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:[\w./]*/)?specr [^`]+)`")
LINK = re.compile(r"\]\((?P<target>[^()\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
PLACES = (click.Path, click.File)
"""Types of values that name files, which need not be there."""


def markdown_files() -> list[Path]:
    """All but those in dot folders and in what users train."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "models")
        found += [Path(folder, name) for name in sorted(names) if name.endswith(".md")]
    return found


DOCUMENTS = [str(path.relative_to(ROOT)) for path in markdown_files()]


class Shown(NamedTuple):
    """A `specr` command in a document: what follows the program's name."""

    document: str
    words: tuple[str, ...]


def shown_commands(document: str) -> Iterator[Shown]:
    """Every `specr` command in a document, from blocks of commands and from running text."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for block in FENCE.finditer(text):
        if block["language"] not in ("", "sh", "console"):
            continue
        lines = block["text"].replace("\\\n", " ").splitlines()
        prompts = [line[2:] for line in lines if line.startswith("$ ")]
        for line in prompts or [line for line in lines if line.startswith("specr ")]:
            yield from (Shown(document, words) for words in specr_calls(line))
    for inline in INLINE.finditer(FENCE.sub("", text)):
        yield from (Shown(document, words) for words in specr_calls(inline[1]))


def specr_calls(line: str) -> Iterator[tuple[str, ...]]:
    """The calls of specr in a line of shell, those inside `$(…)` included."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    call: list[str] = []
    for word in [*lexer, ";"]:
        if word and not set(word) - set("();<>|&"):
            if call and call[0].rpartition("/")[2] == "specr":
                yield tuple(call[1:])
            call = []
        elif word != "$":
            call.append(word)


def parse(command: click.Command, words: Sequence[str], parent: click.Context | None = None) -> None:
    """Parse as click does, to the last subcommand, without running it or asking whether files exist.

    Raises:
        click.UsageError: there is no such command, option or value.
    """
    context = click.Context(command, parent=parent, info_name=command.name)
    values, rest, _ = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        value = values.get(parameter.name or "")
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and not isinstance(parameter.type, PLACES):
                parameter.type.convert(text, parameter, context)
    if not isinstance(command, click.Group):
        if rest:
            raise click.UsageError(f"unexpected: {' '.join(rest)}")
        return
    if rest:
        _, subcommand, further = command.resolve_command(context, rest)
        assert subcommand is not None
        parse(subcommand, further, context)


def slug(heading: str) -> str:
    """The anchor of a heading, as code forges make it."""
    plain = re.sub(r"[^\w\- ]", "", heading.lower())
    return plain.strip().replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    broken = []
    for link in LINK.finditer(FENCE.sub("", path.read_text(encoding="utf-8"))):
        target, _, anchor = link["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        place = (path.parent / target).resolve() if target else path
        if not place.exists() or not place.is_relative_to(ROOT):
            broken.append(link["target"])
        elif anchor:
            headings = HEADING.findall(FENCE.sub("", place.read_text(encoding="utf-8")))
            if anchor not in map(slug, headings):
                broken.append(link["target"])
    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_and_options_exist(document: str) -> None:
    wrong = []
    for shown in shown_commands(document):
        try:
            parse(cli, normalise(shown.words))
        except click.ClickException as error:
            wrong.append(f"specr {shlex.join(shown.words)}: {error.format_message()}")
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "specr plam",
        "specr plan --target",
        "specr plan --target fraud",
        "specr plan --colour",
        "specr graph --format svg",
        "specr state shw deployment/fraud",
        "specr version now",
    ],
)
def test_wrong_commands_are_noticed(line: str) -> None:
    (words,) = specr_calls(line)
    with pytest.raises(click.UsageError):
        parse(cli, normalise(words))


def test_commands_are_found_wherever_a_line_has_them() -> None:
    line = "cd x && specr plan --out p | cat; curl $(specr output iris --url)/model/id > out"
    assert list(specr_calls(line)) == [("plan", "--out", "p"), ("output", "iris", "--url")]


def test_specs_are_valid() -> None:
    validator = jsonschema.Draft202012Validator(document_schema())
    count = 0
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        for block in FENCE.finditer(text):
            if block["language"] == "yaml":
                for piece in split_documents(block["text"]):
                    problems = [e.message for e in validator.iter_errors(read_value(piece.text))]
                    assert not problems, (document, piece.text)
                    count += 1
    assert count > 10


def test_the_readme_names_every_command() -> None:
    named = {shown.words[0] for shown in shown_commands("README.md") if shown.words}
    assert isinstance(cli, click.Group)
    assert named >= set(cli.list_commands(click.Context(cli)))


def test_the_code_of_the_architecture_page_runs() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    blocks = [block["text"] for block in FENCE.finditer(text) if block["language"] == "python"]
    assert len(blocks) == 6
    for block in blocks:
        name = block.split("\n", 1)[0].removeprefix("# ")
        module = ModuleType(name)
        exec(compile(block, name, "exec"), module.__dict__)


def test_the_project_of_the_architecture_page_loads_where_the_page_puts_it(tmp_path: Path) -> None:
    """A package inside the project's folder would have its pack read twice."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    installed = re.search(r"^\$ pip install (?P<place>\S*acme-specr)$", text, re.MULTILINE)
    assert installed
    project = tmp_path / "cities"
    package = (project / installed["place"]).resolve()
    for block in FENCE.finditer(text):
        named = re.match(r"# (?P<name>\S+\.yaml)\n", block["text"])
        if named:
            place = (project if named["name"] == "specr.yaml" else package) / named["name"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block["text"], encoding="utf-8")

    class Installed:
        def names(self) -> tuple[str, ...]:
            return ("acme",)

        def folder(self, name: str) -> Path:
            return package / f"{name}_specr" / "pack"

    specs, found = load_specs(project, packs=Installed())
    assert not found
    assert specs is not None
    assert {"runtime/table", "deployment/capitals"} <= {str(address) for address in specs.resources}
