"""Secrets are read at the last moment, told when missing, and masked wherever they come out."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specr.address import Address
from specr.providers import masking
from specr.providers.environment import resolve_environment
from specr.providers.masking import Mask, MaskedStream, forms
from specr.providers.protocol import ProviderError
from specr.resources.compute import SecretKey, SecretValue, ValueSource
from specr.resources.convert import convert

ADDRESS = Address("deployment", "fraud")


def secret(**source: object) -> SecretValue:
    return SecretValue(value_from=convert(source, ValueSource))


def test_values_come_from_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    resolved = resolve_environment(
        {"PLAIN": "shown", "A": secret(env="TOKEN"), "B": secret(file="key")},
        address=ADDRESS,
        base=tmp_path,
        environ={"TOKEN": "from outside"},
    )
    assert resolved.values == {"PLAIN": "shown", "A": "from outside", "B": "from a file"}
    assert resolved.secret == {"A", "B"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a\nb\n", "a\nb"), ("", "")],
)
def test_a_files_final_newline_is_no_part_of_its_value(tmp_path: Path, text: str, value: str) -> None:
    (tmp_path / "key").write_bytes(text.encode())
    resolved = resolve_environment({"A": secret(file="key")}, address=ADDRESS, base=tmp_path)
    assert resolved.values["A"] == value


def test_secrets_are_not_shown_with_the_environment(tmp_path: Path) -> None:
    resolved = resolve_environment(
        {"A": secret(env="TOKEN")}, address=ADDRESS, base=tmp_path, environ={"TOKEN": "hunter2"}
    )
    assert "hunter2" not in repr(resolved)


def test_all_missing_secrets_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfd")
    (tmp_path / "nul").write_bytes(b"a\0b")
    env = {
        "A": secret(env="TOKENS"),
        "B": secret(file="nowhere"),
        "C": secret(file="binary"),
        "D": secret(file="nul"),
        "E": secret(file="."),
        "F": secret(file="~no-such-user-here/key"),
        "G": SecretValue(value_from=ValueSource(secret=SecretKey(name="vault", key="password"))),
    }
    with pytest.raises(ProviderError) as caught:
        resolve_environment(env, address=ADDRESS, base=tmp_path, environ={"TOKEN": "x"})
    told = caught.value.diagnostics
    assert [d.path[-1] for d in told] == list(env)
    assert all(d.address == ADDRESS for d in told)
    assert "TOKENS, which is not set" in told[0].detail
    assert "Did you mean TOKEN?" in told[0].remedy
    whys = ["does not exist", "not UTF-8", "NUL", "not a regular file", "home folder of a user"]
    for why, diagnostic in zip(whys, told[1:6], strict=True):
        assert why in diagnostic.detail
    assert "only a provider of type kubernetes" in told[6].detail
    assert "vault" in told[6].detail


@pytest.mark.parametrize("place", ["/dev/zero", "pipe", "link", "folder"])
def test_what_is_no_regular_file_is_told_and_not_read(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProviderError) as caught:
        resolve_environment({"A": secret(file=place)}, address=ADDRESS, base=tmp_path)
    (told,) = caught.value.diagnostics
    assert told.summary == "Missing secret"
    assert f"the file {tmp_path / place}, which is not a regular file." in told.detail


def test_a_secrets_file_may_be_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "link").symlink_to("key")
    resolved = resolve_environment({"A": secret(file="link")}, address=ADDRESS, base=tmp_path)
    assert resolved.values == {"A": "hunter2"}


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "key").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ProviderError) as caught:
        resolve_environment({"A": secret(file="key")}, address=ADDRESS, base=tmp_path)
    (told,) = caught.value.diagnostics
    assert "which has more than 1,048,576 bytes." in told.detail


def test_the_longest_secret_is_masked_first() -> None:
    assert Mask(["abc", "abcdef"]).in_text("abcdef abc abcd") == "*** *** ***d"


def test_empty_secrets_mask_nothing() -> None:
    assert Mask(["", ""]).in_text("a text") == "a text"
    assert Mask([]).in_bytes(b"a text") == b"a text"


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    mask = Mask(["-----BEGIN KEY-----\n  c2VjcmV0\n{\n-----END KEY-----"])
    assert mask.in_text("key: c2VjcmV0 {}") == "key: *** {}"


def test_text_that_is_not_utf8_passes() -> None:
    text = b"\xff hunter2 \xfe".decode(errors="surrogateescape")
    assert Mask(["hunter2"]).in_text(text) == text.replace("hunter2", "***")


def test_whole_lines_are_let_through_at_once() -> None:
    stream = MaskedStream(Mask(["hunter2"]))
    assert stream.feed(b"one\ntwo hun") == b"one\n"
    assert stream.feed(b"ter2\n") == b"two ***\n"
    assert stream.feed(b"no end") == b""
    assert stream.finish() == b"no end"


words = st.text("abc", min_size=1, max_size=6)
pieces = st.lists(st.text("abc \n", max_size=12).map(str.encode), max_size=20)


@given(st.lists(words, max_size=4), pieces, st.integers(1, 16))
def test_masking_piece_by_piece_is_masking_the_whole(
    secrets: list[str], output: list[bytes], held: int
) -> None:
    mask = Mask(secrets)
    stream = MaskedStream(mask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "_LONGEST_LINE", held)
        shown = b"".join([*(stream.feed(piece) for piece in output), stream.finish()])
    assert shown == mask.in_bytes(b"".join(output))
    assert not any(secret.encode() in shown for secret in secrets)


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "JSON": lambda secret: json.dumps({"key": secret}),
    "JSON with all characters": lambda secret: json.dumps([secret], ensure_ascii=False),
    "Python": lambda secret: repr({"key": secret}),
    "Python, beside quotes": lambda secret: repr(f'it\'s "{secret}"'),
    "Python's bytes": lambda secret: repr(secret.encode()),
    "URL": lambda secret: f"http://user:{quote(secret, safe='')}@host/",
    "path": lambda secret: f"/x/{quote(secret)}/y",
    "query": lambda secret: urlencode({"key": secret, "other": "1"}),
    "shell": lambda secret: shlex.join(["echo", secret]),
    "base 64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base 64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@given(value=st.text(st.characters(codec="utf-8", exclude_characters="*\0"), min_size=8, max_size=30))
@example(value="pa\"ss\\w'ord/ü €&=+%")
@example(value="two\nlines of it\n")
def test_a_secret_is_masked_in_every_form_in_which_programs_print_it(form: str, value: str) -> None:
    shown = Mask([value]).in_text(FORMS[form](value))
    assert "***" in shown
    for other in forms(value):
        assert other not in shown.encode()


@pytest.mark.parametrize("where", ["file", "environment", "text"])
def test_a_value_that_no_variable_can_hold_is_told_with_its_size(tmp_path: Path, where: str) -> None:
    large = "x" * (128 * 1024)
    (tmp_path / "key").write_text(large)
    env = {
        "SMALL": "1",
        "KEY": large
        if where == "text"
        else secret(**({"file": "key"} if where == "file" else {"env": "LARGE"})),
    }
    with pytest.raises(ProviderError) as caught:
        resolve_environment(env, address=ADDRESS, base=tmp_path, environ={"LARGE": large})
    (told,) = caught.value.diagnostics
    assert told.summary == "Environment variable too large"
    assert "the variable KEY with 131,077 bytes" in told.detail
    assert told.path == ("spec", "env", "KEY")
    assert large not in str(told)


def test_the_largest_value_reaches_a_process(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x" * (128 * 1024 - len("KEY=") - 1))
    found = resolve_environment({"KEY": secret(file="key")}, address=ADDRESS, base=tmp_path, environ={})
    printed = subprocess.run(
        ["sh", "-c", "printf %s ${#KEY}"], env={**found.values}, capture_output=True, check=True
    )
    assert printed.stdout == b"131067"
