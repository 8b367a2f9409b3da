from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.spec.fault import Fault
from specr.spec.split import decode_text, legible, split_all, split_documents


def pieces(text: str) -> list[tuple[int, str]]:
    return [(chunk.line, chunk.text) for chunk in split_documents(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n\n", []),
        ("# only a comment", []),
        ("---", []),
        ("---\n---\n# nothing\n---\n", []),
        ("%YAML 1.2\n---\na: 1\n", [(1, "---\na: 1\n")]),
        ("a: 1", [(0, "a: 1")]),
        ("a: 1\n---\nb: 2\n", [(0, "a: 1\n"), (1, "---\nb: 2\n")]),
        ("--- {a: 1}\n--- # note\nb: 2\n", [(0, "--- {a: 1}\n"), (1, "--- # note\nb: 2\n")]),
        ("a: 1\n...\nb: 2\n", [(0, "a: 1\n"), (2, "b: 2\n")]),
        ("a: 1\n... # end\n# more\n", [(0, "a: 1\n")]),
        ("---a: 1\n", [(0, "---a: 1\n")]),
        ("---# a\n", [(0, "---# a\n")]),
        ("a: |\n  text\n ---\n", [(0, "a: |\n  text\n ---\n")]),
        ("a: 'x\n---\ny'\n", [(0, "a: 'x\n"), (1, "---\ny'\n")]),
        ("...", []),
    ],
)
def test_documents_are_parted_at_markers(text: str, expected: list[tuple[int, str]]) -> None:
    assert pieces(text) == expected


def test_only_a_comment_may_follow_the_end_of_a_document() -> None:
    with pytest.raises(Fault, match="Invalid YAML") as caught:
        pieces("a: 1\n... b\n")
    assert caught.value.place == (1, 0)


@given(
    st.lists(st.sampled_from(["---", "...", "a: 1", "# c", "", " ---", "---x", "--- y"]), max_size=8).map(
        "\n".join
    )
)
def test_each_piece_lies_where_it_says(text: str) -> None:
    lines = text.split("\n")
    try:
        found = list(split_all(text))
    except Fault:
        return
    for chunk in found:
        if chunk.text:
            assert "\n".join(lines[chunk.line :]).startswith(chunk.text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a: 1\r\nb: 2\rc: 3\n", "a: 1\nb: 2\nc: 3\n"),
        (b"\xef\xbb\xbfa: 1\n", "a: 1\n"),
        (b"\xef\xbb\xbf", ""),
        ("a: é日😀\u00a0\n".encode(), "a: é日😀\u00a0\n"),
        (b"a:\tb\n", "a:\tb\n"),
    ],
)
def test_text_is_utf_8_with_line_feeds(data: bytes, text: str) -> None:
    assert decode_text(data) == text


@pytest.mark.parametrize(
    ("data", "summary", "place"),
    [
        (b"\xff\xfea\x00", "File is not UTF-8", (0, 0)),
        (b"\xfe\xff\x00a", "File is not UTF-8", (0, 0)),
        (b"a: 1\nb: \xe9\n", "File is not UTF-8", (1, 3)),
        (b"\xef\xbb\xbf\xc3\xa9\r\n\xe9", "File is not UTF-8", (1, 0)),
        (b"a\x00b", "File is not text", (0, 1)),
        (b"a: 1\nbb\x07", "Character that YAML can't hold", (1, 2)),
        (b"a: \x7f", "Character that YAML can't hold", (0, 3)),
        ("a: \u0085".encode(), "Character that YAML can't hold", (0, 3)),
        ("a: \u2028".encode(), "Character that YAML can't hold", (0, 3)),
        ("é\n \ufeff".encode(), "Character that YAML can't hold", (1, 1)),
        ("\ufffe".encode(), "Character that YAML can't hold", (0, 0)),
    ],
)
def test_other_bytes_are_refused_with_their_place(data: bytes, summary: str, place: tuple[int, int]) -> None:
    with pytest.raises(Fault) as caught:
        decode_text(data)
    assert (caught.value.summary, caught.value.place) == (summary, place)


@given(st.binary(max_size=40))
def test_any_bytes_give_text_or_a_fault_in_what_is_legible(data: bytes) -> None:
    try:
        text = decode_text(data)
    except Fault as fault:
        shown, place = legible(data).split("\n"), fault.place
    else:
        shown, place = text.split("\n"), (0, 0)
    assert shown == [""] or (place[0] < len(shown) and place[1] <= len(shown[place[0]]))
