"""Reading logs: of any size, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.providers.local import logs
from specr.providers.local.logs import read_lines


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "log", None) == []
    assert read_lines(tmp_path / "log", 5) == []


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", []),
        (b"a", ["a"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\n\r\nb", ["a", "", "b"]),
        (b"\xff\x00junk\n", ["\ufffd\x00junk"]),
        ("a\u2028b\x0bc\n".encode(), ["a\u2028b\x0bc"]),
    ],
)
def test_lines_are_what_newlines_divide(tmp_path: Path, data: bytes, lines: list[str]) -> None:
    log = tmp_path / "log"
    log.write_bytes(data)
    assert read_lines(log, None) == lines


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=40), st.integers(0, 50))
def test_the_tail_is_the_end_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], tail: int
) -> None:
    log = tmp_path_factory.mktemp("logs") / "log"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "_BLOCK", 16)
        whole = list(read_lines(log, None))
        assert list(read_lines(log, tail)) == whole[max(0, len(whole) - tail) :]


def test_gigabytes_are_not_read_for_a_few_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(8 << 30)  # a hole, as long as a very long line
        file.seek(0, 2)
        file.write(b"\nlast but one\nlast\n")
    assert read_lines(log, 2) == ["last but one", "last"]
    assert len(read_lines(log, 100)[0]) == 2_000


def test_a_few_last_lines_are_never_much_however_long_they_are(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(b"begin%d %s end%d\n" % (n, b"x" * 200_000, n) for n in range(30)))
    lines = read_lines(log, 20)
    assert sum(len(line.encode()) for line in lines) <= 64 << 10
    assert lines[-1].startswith("begin29 xxx")
    assert lines[-1].endswith("xxx end29")
    assert all(len(line) == 2_000 and "…" in line for line in lines[1:])
    assert len(read_lines(log, None)[0]) > 200_000


def test_a_line_that_is_just_not_too_long_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 2_000 + "\n" + "y" * 2_001)
    assert read_lines(log, 2) == ["x" * 2_000, "y" * 1_000 + "…" + "y" * 999]
