"""Bytes to requests, however they are cut."""

import tracemalloc
from dataclasses import dataclass
from itertools import chain, pairwise
from sys import getsizeof

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from specr_scorer.exchanges import Exchange
from specr_scorer.heads import KnownHeads
from specr_scorer.reader import HEAD_BYTES, Reader
from specr_scorer.responses import BodyLimit, Job, Response, error

LIMIT = 100_000
JOB = Job(lambda _: Response(200, b""), BodyLimit(LIMIT, "SPECR_MAX_REQUEST_BYTES"))


def begin(exchange: Exchange) -> None:
    """Admit everything but what goes to /no…."""
    exchange.decided = error(404, "no") if exchange.head.path.startswith("/no") else JOB


def make(known: KnownHeads | None = None) -> Reader:
    return Reader(begin, known or KnownHeads())


UPGRADE = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"

Read = tuple[str, str, str, bytes, bool]


def shown(exchange: Exchange) -> Read:
    return (
        exchange.head.method,
        exchange.head.path,
        exchange.head.query,
        b"".join(exchange.body),
        exchange.keeps,
    )


@dataclass(frozen=True)
class Sent:
    """A request, and whether its body goes in pieces."""

    method: str
    path: str
    body: bytes
    pieces: tuple[int, ...]
    upgrade: bool

    @property
    def wire(self) -> bytes:
        head = [f"{self.method} {self.path} HTTP/1.1", "host: x"]
        if self.upgrade:
            head += ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"]
        body = self.body
        if self.pieces:
            head.append("Transfer-Encoding: chunked")
            cuts = [0, *sorted(min(cut, len(body)) for cut in self.pieces), len(body)]
            parts = [body[start:end] for start, end in pairwise(cuts) if end > start]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif self.method == "POST":
            head.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*head, "", ""]).encode() + body


requests = st.builds(
    lambda post, path, body, pieces, upgrade: Sent(
        "POST" if post else "GET", path, body if post else b"", tuple(pieces) if post else (), upgrade
    ),
    st.booleans(),
    st.sampled_from(["/", "/model/score", "/a?b=c%20d", "/no", "http://host:80/x?y"]),
    st.binary(max_size=300),
    st.lists(st.integers(0, 300), max_size=3),
    st.booleans(),
)


@given(st.lists(requests, min_size=1, max_size=5), st.lists(st.integers(0, 2000), max_size=8))
@example([Sent("POST", "/", b"abc", (), upgrade=True)] * 2, [])
@example([Sent("POST", "/", b"abc", (1,), upgrade=True), Sent("GET", "/", b"", (), upgrade=True)], [75])
def test_requests_are_the_same_however_their_bytes_are_cut(sent: list[Sent], cuts: list[int]) -> None:
    wire = b"".join(request.wire for request in sent)
    places = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    reader = make()
    for start, end in pairwise(places):
        refusal = reader.feed(wire[start:end])
        if refusal is not None:  # a refused body in pieces is not worth its end
            assert refusal.status == 404
            break
    else:
        assert reader.coming is None
    expected = [
        (
            request.method,
            path := request.path.removeprefix("http://host:80").partition("?")[0],
            request.path.partition("?")[2],
            b"" if path == "/no" else request.body,
            True,
        )
        for request in sent
    ]
    read = [shown(exchange) for exchange in reader.whole]
    assert read == expected[: len(read)]
    assert len(read) == len(sent) or reader.coming is not None


lines = st.sampled_from(
    [
        b"Content-Length: 3",
        b"content-length: 03",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Connection: Upgrade\r\nUpgrade: h2c",
        b"Expect: 100-continue",
        b"Authorization: Bearer x",
        b"",
        b"\n",
    ]
)
wires = st.builds(
    lambda start, target, version, lines, end, body: b"\r\n".join(
        [b"%bPOST %b HTTP/%b" % (start, target, version), *lines, end, body]
    ),
    st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]),
    st.sampled_from([b"/", b"/no", b"/a?b", b"*"]),
    st.sampled_from([b"1.1", b"1.0", b"1.1\n"]),
    st.lists(lines, max_size=3),
    st.sampled_from([b"", b"\n"]),
    st.sampled_from([b"", b"abc", b"ab\n", b"\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]),
)
pieces = st.builds(
    lambda wire, cut: [piece for piece in (wire[:cut], wire[cut:]) if piece], wires, st.integers(0, 100)
)
PLAIN = b"GET / HTTP/1.1\r\n\r\n"
THREE = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"


@given(st.lists(pieces, min_size=1, max_size=4), st.lists(pieces, min_size=1, max_size=4))
@example([[THREE + b"abc"]], [[THREE + b"ab"]])
@example([[THREE + b"abc"]], [[THREE + b"abc" + PLAIN]])
@example([[THREE[:30], THREE[30:] + b"abc"]], [[THREE[30:] + b"abc"]])
@example([[PLAIN]], [[b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(PLAIN), PLAIN]])
@example([[PLAIN]], [[b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", PLAIN]])
@example([[b"\r\n\r\n" + PLAIN]], [[b"\r\n\r\n"]])
@example(
    [[b"POST / HTTP/1.1\nContent-Length: 7\n\nabc\r\n\r\n"]],
    [[b"POST / HTTP/1.1\nContent-Length: 7\n\nabc\r\n\r\n"]],
)
@example([[UPGRADE + b"\r\n"]], [[UPGRADE + b"\r\n", b"POST / HTTP/1.1\r\n\r\n"]])
def test_a_head_that_came_before_means_the_same_again(
    before: list[list[bytes]], after: list[list[bytes]]
) -> None:
    known = KnownHeads()
    for wire in (*before, *after):  # each on a connection of its own
        reader = make(known)
        for piece in wire:
            if reader.feed(piece) is not None:
                break

    def read(reader: Reader) -> list[object]:
        told: list[object] = []
        for piece in chain.from_iterable(after):
            refusal = reader.feed(piece)
            whole = [(*shown(exchange), exchange.head, exchange.received) for exchange in reader.whole]
            coming = reader.coming
            rest = None if coming is None else (coming.head, coming.received, b"".join(coming.body))
            told.append((refusal, whole, rest, [exchange.decided for exchange in reader.whole]))
            if refusal is not None:
                break
            if not (coming or any(not exchange.keeps for exchange in reader.whole)):
                reader.whole.clear()  # they were answered
        return told

    assert read(make(known)) == read(make())


def test_a_head_is_parsed_once() -> None:
    known = KnownHeads()
    wire = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    reader = make(known)
    reader.feed(wire + b"abc")
    first = reader.whole.popleft()
    other = make(known)
    other.feed(wire + b"def")
    (second,) = other.whole
    assert second.head is first.head
    assert (shown(second), second.received) == (("POST", "/a", "", b"def", True), 3)


def test_a_body_that_nobody_wants_is_not_kept_whether_its_head_came_before_or_not() -> None:
    def begin_without_body(exchange: Exchange) -> None:
        exchange.decided = Job(lambda _: Response(200, b""))

    known = KnownHeads()
    for _ in range(2):
        reader = Reader(begin_without_body, known)
        reader.feed(b"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        (exchange,) = reader.whole
        assert (exchange.body, exchange.received) == ([], 3)


def test_no_more_heads_are_kept_than_take_little_memory() -> None:
    known = KnownHeads()
    for number in range(1000):
        make(known).feed(b"GET /%d HTTP/1.1\r\nx: %b\r\n\r\n" % (number, b"y" * (number * 10)))
    kept = known._heads
    assert 0 < len(kept) <= 64
    assert max(map(len, kept)) <= 2048


@given(st.lists(st.binary(max_size=200), max_size=5))
@example([b"GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\r\n"])
@example([b"CONNECT a:1 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcd"])
@example([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
@example([b"\x16\x03\x01\x02"])
def test_whatever_comes_is_read_or_refused(pieces: list[bytes]) -> None:
    reader = make()
    for piece in pieces:
        refusal = reader.feed(piece)
        if refusal is not None:
            assert refusal.status in {400, 404, 431}
            break


@pytest.mark.parametrize(
    ("wire", "detail"),
    [
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", b"Transfer-Encoding"),
        (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", b"Content-Length"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", b"Transfer-Encoding"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"Content-Length"),
        (b"GET / HTTP/1.1\r\na : b\r\n\r\n", b"header"),
        (b"GET /a b HTTP/1.1\r\n\r\n", b"HTTP/"),
        (b"hello\r\n\r\n", b"method"),
    ],
)
def test_what_two_servers_might_read_differently_is_refused(wire: bytes, detail: bytes) -> None:
    refusal = make().feed(wire)
    assert refusal is not None
    assert refusal.status == 400
    assert detail in refusal.body


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"GET / HTTP/1.1\r\na: ", b"x" * 1000),
        (b"GET /", b"x" * 1000),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 100),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 100),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;", b"x" * 1000),
    ],
)
def test_what_never_ends_is_refused(start: bytes, piece: bytes) -> None:
    reader = make()
    assert reader.feed(start) is None
    for _ in range(HEAD_BYTES // len(piece) + 1):
        refusal = reader.feed(piece)
        if refusal is not None:
            break
    assert refusal is not None
    assert refusal.status == 431


def test_a_body_is_kept_up_to_its_limit() -> None:
    reader = make()
    reader.feed(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%b\r\n" % (LIMIT // 2, b"x" * (LIMIT // 2))
    assert reader.feed(chunk) is None
    assert reader.feed(chunk) is None
    refusal = reader.feed(b"1\r\nx\r\n")
    assert refusal is not None
    assert refusal.status == 413
    assert reader.coming is not None
    assert reader.coming.body == []


def test_a_refused_request_is_read_to_its_end_if_that_is_near() -> None:
    reader = make()
    assert reader.feed(b"POST /no HTTP/1.1\r\ncontent-length: 3\r\n\r\n") is None
    assert reader.feed(b"abcGET /yes HTTP/1.1\r\n\r\n") is None
    assert [exchange.head.path for exchange in reader.whole] == ["/no", "/yes"]
    for head in (
        b"content-length: 99999999",
        b"transfer-encoding: chunked",
        b"content-length: 3\r\nexpect: 100-continue",
    ):
        refusal = make().feed(b"POST /no HTTP/1.1\r\n" + head + b"\r\n\r\n")
        assert refusal is not None
        assert refusal.status == 404


def test_what_matters_of_a_head() -> None:
    reader = make()
    reader.feed(
        b"GET /%C3%A9%FF/a%2Fb?q=%20 HTTP/1.0\r\nAuthorization: one\r\nAUTHORIZATION: two\r\nX: y\r\n"
        b"Connection: keep-alive\r\nExpect: 100-continue\r\n\r\n"
    )
    (exchange,) = reader.whole
    assert shown(exchange) == ("GET", "/é\ufffd/a/b", "q=%20", b"", True)
    head = exchange.head
    assert (head.authorization, head.content_type, head.encoding) == ("one", "", None)
    assert head.old
    assert not head.waits


@pytest.mark.parametrize("space", [b" ", b"\t", b" \t "])
def test_the_body_after_an_offer_is_no_request_however_its_length_is_written(space: bytes) -> None:
    reader = make()
    inner = b"GET /smuggled HTTP/1.1\r\n\r\n"
    head = UPGRADE + b"Content-Length: %d%b\r\n\r\n" % (len(inner), space)
    assert reader.feed(head + inner + b"GET /yes HTTP/1.1\r\n\r\n") is None
    assert [(exchange.head.path, b"".join(exchange.body)) for exchange in reader.whole] == [
        ("/", inner),
        ("/yes", b""),
    ]


def test_an_offer_makes_no_coding_good_that_is_not() -> None:
    refusal = make().feed(UPGRADE + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n")
    assert refusal is not None
    assert refusal.status == 400


@pytest.mark.parametrize(
    "wire",
    [
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n",
        UPGRADE + b"content-length: 1\r\n\r\nx",
    ],
)
def test_any_number_of_offers_may_come_at_once(wire: bytes) -> None:
    reader = make()
    assert reader.feed(wire * 2000) is None
    assert len(reader.whole) == 2000


def test_a_length_may_begin_with_any_number_of_zeros() -> None:
    reader = make()
    assert reader.feed(b"POST /no HTTP/1.1\r\ncontent-length: " + b"0" * 5000 + b"3\r\n\r\nab") is None
    assert reader.coming is not None
    assert reader.coming.head.length == 3


def test_a_body_in_small_pieces_takes_no_more_memory_than_a_whole_one() -> None:
    reader = make()
    reader.feed(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    for number in range(10_000):
        reader.feed(b"2\r\n%02d\r\n" % (number % 100))
    assert reader.coming is not None
    pieces = reader.coming.body
    assert sum(map(getsizeof, pieces)) < 30_000
    assert b"".join(pieces) == b"".join(b"%02d" % (number % 100) for number in range(10_000))


@pytest.mark.parametrize("line", [b"GET /%b HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nAuthorization: %b\r\n"])
def test_what_was_answered_takes_no_memory_while_nothing_else_comes(line: bytes) -> None:
    readers = [make() for _ in range(20)]
    wire = line % (b"x" * 60_000) + b"\r\n"
    tracemalloc.start()
    for reader in readers:
        reader.feed(wire)
        reader.whole.clear()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < len(wire)


def test_a_connection_does_not_outlive_what_an_old_proxy_would_take_for_other_requests() -> None:
    reader = make()
    head = b"POST / HTTP/1.0\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n"
    assert reader.feed(head + b"3\r\nabc\r\n0\r\n\r\n") is None
    (exchange,) = reader.whole
    assert b"".join(exchange.body) == b"abc"
    assert not exchange.keeps
