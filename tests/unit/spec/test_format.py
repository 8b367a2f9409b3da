from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.spec import format as formatting
from specr.spec.format import format_file, format_text
from specr.spec.split import split_documents
from specr.spec.values import read_value
from tests.unit.spec.projects import document

UNTIDY = """\
# Copyright
---
spec:
    modelType:    t
    # what to run
    command:
    - python   # the interpreter
    - -m
    -   serve
    env: {A: "x",B: 'y'}
    text: |
        # no comment
          indented

    empty:
    versions: {1: a}
    nested:
    -
      k: v
      l: 0x1F
    # the end of spec
# about the name
metadata:
  name:   r
  labels: &l {a: b}
  annotations: *l
kind: Runtime
apiVersion: specr/v1   # the version

# the end
---
# nothing but this
---
---
apiVersion: specr/v1
kind: ModelType
metadata: {name: t}
"""

TIDY = """\
# Copyright
---
apiVersion: specr/v1   # the version
kind: Runtime
# about the name
metadata:
  name: r
  labels: &l {a: b}
  annotations: *l
spec:
  modelType: t
  # what to run
  command:
    - python   # the interpreter
    - -m
    - serve
  env: {A: "x", B: 'y'}
  text: |
    # no comment
      indented

  empty:
  versions: {1: a}
  nested:
    - k: v
      l: 0x1F
  # the end of spec

# the end
---
# nothing but this
---
apiVersion: specr/v1
kind: ModelType
metadata: {name: t}
"""


def test_the_form_is_canonical() -> None:
    assert format_text(UNTIDY) == TIDY
    assert format_text(TIDY) == TIDY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("---\n", ""),
        ("# c", "# c\n"),
        ("\n\na: 1\n\n\n", "a: 1\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        (
            "a: no\nb: 2021-01-01\nc: 1_000\nd: ~\ne: '1'\nf: 1e3\n",
            "a: no\nb: 2021-01-01\nc: 1_000\nd: ~\ne: '1'\nf: 1e3\n",
        ),
        ("a:\n- b\n- - c\n", "a:\n  - b\n  -   - c\n"),
        ("{apiVersion: a, spec: {}, kind: b}\n", "{apiVersion: a, spec: {}, kind: b}\n"),
        ("a: 1   \nb: 'x  '\n", "a: 1\nb: 'x  '\n"),
        ("a: |+\n x\n\n# c\n", "a: |+\n  x\n\n# c\n"),
    ],
)
def test_small_texts(text: str, expected: str) -> None:
    assert format_file(text.encode()) == expected


def test_what_can_not_be_read_is_told_and_nothing_else() -> None:
    result = format_text("a: 1\n---\nb: [\n---\nc: {\n", "x.yaml")
    assert isinstance(result, tuple)
    assert [(d.summary, d.span and (d.span.file, d.span.line)) for d in result] == [
        ("Invalid YAML", ("x.yaml", 3)),
        ("Invalid YAML", ("x.yaml", 5)),
    ]
    result = format_text("a: 1\n... junk\n", "x.yaml")
    assert isinstance(result, tuple)
    assert [(d.summary, d.span and d.span.line) for d in result] == [("Invalid YAML", 2)]
    result = format_file(b"\xff", "x.yaml")
    assert isinstance(result, tuple)
    assert [d.summary for d in result] == ["File is not UTF-8"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {b: # why\n  1}\n", "a: {b: # why\n  1}\n"),
        ("a:\n   b: [c, # x\n    d] # y\n", "a:\n  b: [c, # x\n   d]  # y\n"),
        ("a:\n- [b, # x\n  c]\n- d\n", "a:\n  - [b, # x\n    c]\n  - d\n"),
        ("a: [\n  # x\n  b,\n\n  c,\n]\n", "a: [\n  # x\n  b,\n\n  c,\n]\n"),
        ("a: [\n# x\nb\n]\n", "a: [\n  # x\n  b\n  ]\n"),
        ("a:\n- # x\n [b,\n # y\n c]\n", "a:\n  # x\n  - [b,\n    # y\n    c]\n"),
        ("a: &x 1\nb: [*x, # x & y\n 'c & *d']\n", "a: &x 1\nb: [*x, # x & y\n 'c & *d']\n"),
        ("aside: [0, # aside0x\n 1]\nb:  2\n", "aside: [0, # aside0x\n 1]\nb: 2\n"),
    ],
)
def test_comments_between_brackets_stay_where_they_are(text: str, expected: str) -> None:
    assert format_text(text) == expected
    assert format_text(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n- | # c\n  x\n- b\n", "a:\n  - | # c\n    x\n  - b\n"),
        (
            "a:\n- |- # c\n  x\n- > # d\n  y # no\n- >-  # c\n  z\n",
            "a:\n  - |- # c\n    x\n  - > # d\n    y # no\n  - >-  # c\n    z\n",
        ),
        ("a:\n- &x |- # c\n   x\n- *x\n", "a:\n  - &x |- # c\n    x\n  - *x\n"),
        ("a:\n- &x#y | # c\n  x\n", "a:\n  - &x#y | # c\n    x\n"),
        ("a:\n- |2- # c\n    x\n- b\n", "a:\n  - |2- # c\n      x\n  - b\n"),
        ("a:\n- | # c\n  # | # no\n  x\n", "a:\n  - | # c\n    # | # no\n    x\n"),
        ("a:\n- - > # c\n    x\n  - y\n", "a:\n  -   - > # c\n        x\n      - y\n"),
        (
            "a:\n- b: | # c\n    x\n  d: [1, # e\n    2]\n- | # f\n  y\n",
            "a:\n  - b: | # c\n      x\n    d: [1, # e\n      2]\n  - | # f\n    y\n",
        ),
        ("a: | # c\n # no\n x\n", "a: | # c\n  # no\n  x\n"),
        ("a: &x |2- # c\n    x\nb: *x\n", "a: &x |2- # c\n    x\nb: *x\n"),
        ("kind: | # k\n x\napiVersion: >- # v\n y\n", "apiVersion: >- # v\n  y\nkind: | # k\n  x\n"),
        ("a:\n- &x # c\n  # d\n  | # e\n  x\n- *x\n", "a:\n  # c\n  # d\n  - &x | # e\n    x\n  - *x\n"),
    ],
)
def test_comments_behind_the_headers_of_blocks_stay_there(text: str, expected: str) -> None:
    assert format_text(text) == expected
    assert format_text(expected) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\n---\n# top\nb: &x [1, # why\n  2]\nc: *x\n", (4, 11)),
        ("# top\n--- {a: 1, # why\n  b: 2}\n", (2, 12)),
        ("a: {b: [&x 1, # why\n  2]}\nc: *x\n", (1, 15)),
        ("a: [&x # why\n  1]\nc: *x\n", (1, 8)),
        ("a: &x # why\n  |\n  x\nb: *x\n", (1, 7)),
        ("a: &x # why\n  't'\nb: *x\n", (1, 7)),
    ],
)
def test_a_comment_that_would_be_lost_is_a_refusal_at_its_place(text: str, place: tuple[int, int]) -> None:
    result = format_text(text)
    assert isinstance(result, tuple)
    ((summary, detail, span),) = [(d.summary, d.detail, d.span) for d in result]
    assert (summary, detail) == (
        "Document can't be formatted",
        "This comment would be lost. It was left as it is.",
    )
    assert span is not None
    assert (span.line, span.column) == place


@pytest.mark.parametrize("rest", ["  - k: a\n  - k: b\n", "  - k: a\n  - k: b\n    l: c\n"])
def test_what_the_writer_garbles_is_a_refusal_and_no_fault_of_the_text(rest: str) -> None:
    result = format_text("spec: # rows\n  - {a: 1} # one\n" + rest)
    assert isinstance(result, tuple)
    assert [(d.summary, d.detail) for d in result] == [
        (
            "Document can't be formatted",
            "The writer of YAML makes something else of it. It was left as it is.",
        )
    ]


def test_a_value_that_would_change_is_a_refusal_at_its_place() -> None:
    result = format_text("a: 1\nb:\n  - c\n  - d: |\n       e")
    assert isinstance(result, tuple)
    assert [(d.detail, d.span and (d.span.line, d.span.column)) for d in result] == [
        ("Its meaning would change. It was left as it is.", (4, 8))
    ]


@pytest.mark.parametrize("text", ["spec:\n  a: |+\n    \n---\nkind: X\n", "spec:\n  a: >+\n\n...\n"])
def test_blank_lines_that_end_a_document_and_mean_something_are_a_refusal(text: str) -> None:
    result = format_text(text)
    assert isinstance(result, tuple)
    assert [(d.detail, d.span and (d.span.line, d.span.column)) for d in result] == [
        ("Its meaning would change. It was left as it is.", (2, 6))
    ]


def test_a_line_end_that_the_last_text_lacks_is_not_given_to_it() -> None:
    result = format_text("a:\n  - |\n    b")
    assert isinstance(result, tuple)
    assert [(d.detail, d.span and (d.span.line, d.span.column)) for d in result] == [
        ("Its meaning would change. It was left as it is.", (2, 5))
    ]
    assert format_text("a:\n  - b") == "a:\n  - b\n"


def test_anchors_may_be_given_anew() -> None:
    text = "a: &x 1\nb: *x\nc: &x 2\nd: *x\n"
    assert format_text(text) == text


LINES = [
    *("# comment", "  # deeper comment", "      # deepest comment", ""),
    *(
        "apiVersion: specr/v1",
        "kind: X  # why",
        "metadata:",
        "  name: 'a'",
        "spec:",
        "    a: |",
        "        text",
        "  b:",
    ),
    *("  d: [1, # x", "   # y", "   2] # z", "  - {a: 1, # v", "     b: 2}", "    ]"),
    *(
        "  - 1",
        "    - x: y",
        "      z: [1, {a: b}]",
        "  c: >-",
        "   folded",
        "  - | # header",
        "  - &x >-  # header",
        "  e: |+ # header",
        "      # text",
        "    ",
        "...",
        "  text: a",
        "    b",
        "---",
        "other: {k: v}",
    ),
]


@given(st.lists(st.sampled_from(LINES), max_size=14).map("\n".join))
def test_formatting_keeps_meaning_and_comments_and_is_done_after_once(text: str) -> None:
    result = format_text(text)
    if not isinstance(result, str):
        return
    assert format_text(result) == result
    assert [repr(sorted_keys(c.text)) for c in split_documents(text)] == [
        repr(sorted_keys(c.text)) for c in split_documents(result)
    ]
    assert result.count("#") == text.count("#")


def sorted_keys(text: str) -> object:
    value = read_value(text)
    return dict(sorted(value.items(), key=repr)) if isinstance(value, dict) else value


@given(st.permutations(["apiVersion: specr/v1", "kind: ModelType", "metadata: {name: t}", "spec: {}"]))
def test_the_order_of_top_level_keys_is_always_the_same(lines: list[str]) -> None:
    assert format_text("\n".join(lines)) == document("ModelType", "t").removeprefix("---\n")


def test_what_is_canonical_is_written_once_only(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "apiVersion: specr/v1  # kept\nkind: Experiment\nmetadata:\n  name: fraud\n"
    once, texts = formatting._format_once, list[str]()

    def noting(given: str) -> str:
        texts.append(given)
        return once(given)

    monkeypatch.setattr(formatting, "_format_once", noting)
    assert format_text(text) == text
    assert texts == [text]
    assert format_text(f"{text}spec:   {{}}\n") == f"{text}spec: {{}}\n"
    assert len(texts) > 2
