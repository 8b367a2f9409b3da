"""Content from the web, against a real server that cuts connections, lies and changes its mind."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources import partial as partial_module
from specr.sources.connection import Connection
from specr.sources.http import HttpSource
from specr.sources.limits import HttpLimits
from specr.sources.protocol import Resolved, Source
from tests.servers import LeavableServer

DATA = bytes(range(256)) * 4_000
TAG = {"ETag": '"one"'}
DATE = {"Last-Modified": "Mon, 01 Sep 2025 10:00:00 GMT"}


@dataclass
class Page:
    """What a server has at one path, and the ways in which it misbehaves."""

    data: bytes = DATA
    headers: dict[str, str] = field(default_factory=lambda: dict(TAG))
    head: int = 200
    ranges: bool = True
    tells_length: bool = True
    claims: int | None = None
    """A false Content-Length."""
    cuts: list[int] = field(default_factory=list)
    """After so many bytes the next transfers break off."""
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answered before anything else."""
    shift: int = 0
    """Parts begin so many bytes off."""
    stalls: bool = False
    drips: str = ""
    """`headers` or `body`: they come a byte at a time, and never to an end."""


class Site:
    """A server on this machine."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.release = Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                site.answer(self)

            def do_GET(self) -> None:
                site.answer(self)

        self.server = LeavableServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def url(self, path: str = "/model.zip") -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def serve(self, path: str = "/model.zip", **page: Any) -> Page:
        self.pages[path] = Page(**page)
        return self.pages[path]

    def asked(self, method: str) -> list[dict[str, str]]:
        return [headers for asked, headers in self.requests if asked == method]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.command, {k.lower(): v for k, v in handler.headers.items()}))
        page = self.pages.get(handler.path.split("?")[0])
        if page is None:
            return self.plain(handler, 404)
        if page.stalls:
            self.release.wait(30)
            return self.plain(handler, 500)
        if page.drips:
            return self.drip(handler, page)
        if page.statuses:
            return self.plain(handler, *page.statuses.pop(0))
        if handler.command == "HEAD" and page.head != 200:
            return self.plain(handler, page.head)
        return self.content(handler, page)

    def drip(self, handler: BaseHTTPRequestHandler, page: Page) -> None:
        tag = "".join(f"{name}: {value}\r\n" for name, value in page.headers.items())
        end = "Connection: close\r\n\r\n" if page.drips == "body" else ""
        handler.wfile.write(f"HTTP/1.1 200 OK\r\n{tag}X-Drip: {end}".encode())
        handler.close_connection = True
        with suppress(OSError):  # the other side has had enough
            while not self.release.wait(0.01):
                handler.wfile.write(b"a")

    def plain(
        self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str] | None = None
    ) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()

    def content(self, handler: BaseHTTPRequestHandler, page: Page) -> None:
        data, status, headers = page.data, 200, dict(page.headers)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        still = handler.headers.get("If-Range") in (None, headers.get("ETag"), headers.get("Last-Modified"))
        if asked and page.ranges and still:
            first = int(asked[1])
            last = min(int(asked[2]) if asked[2] else len(data) - 1, len(data) - 1)
            if first >= len(data):
                return self.plain(handler, 416, {"Content-Range": f"bytes */{len(data)}"})
            first += page.shift
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if page.tells_length:
            handler.send_header("Content-Length", str(len(data) if page.claims is None else page.claims))
        else:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        if handler.command == "HEAD":
            return None
        cut = page.cuts.pop(0) if page.cuts and status + len(data) > 207 else None
        handler.wfile.write(data[:cut])
        if cut is not None or page.claims is not None:
            handler.close_connection = True
        return None


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("SSL_CERT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def source(tmp_path: Path, pauses: list[float]) -> HttpSource:
    return HttpSource(tmp_path / "downloads", HttpLimits(connect=5, read=5), pauses.append)


def resolve(source: HttpSource, site: Site, path: str = "/model.zip") -> Resolved:
    return source.resolve(site.url(path), Path())


def fetch(source: HttpSource, site: Site, target: Path, path: str = "/model.zip") -> bytes:
    resolved = resolve(source, site, path)
    return source.fetch(resolved, site.url(path), target).read_bytes()


def told(act: Any, *arguments: Any) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        act(*arguments)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.remedy
    return diagnostic


def test_it_is_a_source(source: HttpSource) -> None:
    _: Source = source


class TestResolve:
    """What is known of content without fetching it."""

    def test_the_tag_and_the_size(self, source: HttpSource, site: Site) -> None:
        site.serve(headers=TAG | DATE)
        resolved = resolve(source, site)
        assert resolved == Resolved(
            None, len(DATA), {"etag": '"one"', "size": len(DATA)}, described=site.url()
        )
        assert [method for method, _ in site.requests] == ["HEAD"]
        assert site.requests[0][1]["accept-encoding"] == "identity"
        assert site.requests[0][1]["user-agent"].startswith("specr/")

    def test_the_date_where_there_is_no_tag(self, source: HttpSource, site: Site) -> None:
        site.serve(headers=DATE)
        resolved = resolve(source, site)
        assert resolved.identity == {"lastModified": DATE["Last-Modified"], "size": len(DATA)}
        assert resolved.diagnostics == ()

    def test_the_size_alone_is_told_with_a_warning(self, source: HttpSource, site: Site) -> None:
        site.serve(headers={})
        resolved = resolve(source, site)
        assert resolved.identity == {"size": len(DATA)}
        (warning,) = resolved.diagnostics
        assert not warning.is_error
        assert "other content of that size goes unnoticed" in warning.detail

    def test_nothing_at_all_is_told_with_a_warning(self, source: HttpSource, site: Site) -> None:
        site.serve(headers={}, tells_length=False, ranges=False)
        resolved = resolve(source, site)
        assert resolved.identity == {}
        assert resolved.size is None
        (warning,) = resolved.diagnostics
        assert "every plan shows it as changed" in warning.detail

    @pytest.mark.parametrize("head", [400, 403, 404, 405, 500, 501])
    @pytest.mark.parametrize("ranges", [True, False])
    def test_where_head_is_refused_the_first_byte_is_asked_for(
        self, source: HttpSource, site: Site, head: int, ranges: bool
    ) -> None:
        site.serve(head=head, ranges=ranges)
        assert resolve(source, site).identity == {"etag": '"one"', "size": len(DATA)}
        assert site.asked("GET")[0]["range"] == "bytes=0-0"

    def test_redirects_are_followed(self, source: HttpSource, site: Site) -> None:
        site.serve(statuses=[(302, {"Location": "/elsewhere"})] * 2)
        site.serve("/elsewhere", data=b"other")
        assert resolve(source, site).size == 5

    def test_circles_are_told(self, source: HttpSource, site: Site, pauses: list[float]) -> None:
        site.serve(statuses=[(302, {"Location": "/model.zip"})] * 50)
        assert "redirects more than 10 times" in told(resolve, source, site).detail
        assert pauses == []

    @pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "http://[", "file:///etc/hostname"])
    def test_redirects_to_somewhere_odd_are_told(self, source: HttpSource, site: Site, location: str) -> None:
        site.serve(statuses=[(302, {"Location": location})] * 50)
        assert told(resolve, source, site).summary == "Artifact can't be fetched"

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (401, "asks for a login"),
            (403, "refuses access"),
            (404, "has nothing at this place"),
            (410, "no longer has anything"),
            (418, "HTTP status 418"),
            (204, "HTTP status 204"),
        ],
    )
    def test_refusals_are_told_at_once(
        self, source: HttpSource, site: Site, status: int, words: str, pauses: list[float]
    ) -> None:
        site.serve(statuses=[(status, {})] * 50)
        refusal = told(resolve, source, site)
        assert words in refusal.detail
        assert str(status) in refusal.detail
        assert pauses == []

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_failures_are_tried_again(
        self, source: HttpSource, site: Site, status: int, pauses: list[float]
    ) -> None:
        site.serve(statuses=[(status, {})] * 6)
        assert resolve(source, site).size == len(DATA)
        assert pauses == [0.5, 1.0, 2.0]

    def test_failures_that_last_are_told(self, source: HttpSource, site: Site, pauses: list[float]) -> None:
        site.serve(statuses=[(500, {})] * 50)
        assert "failed (HTTP status 500)" in told(resolve, source, site).detail
        assert pauses == [0.5, 1.0, 2.0, 4.0]

    @pytest.mark.parametrize(("after", "pause"), [("7", 7.0), ("100000", 30.0), ("tomorrow", 0.5)])
    def test_the_pause_that_a_server_asks_for_is_kept_within_bounds(
        self, source: HttpSource, site: Site, after: str, pause: float, pauses: list[float]
    ) -> None:
        site.serve(statuses=[(503, {"Retry-After": after})] * 2)
        resolve(source, site)
        assert pauses == [pause]

    @pytest.mark.parametrize("head", [200, 405])
    def test_nothing_is_no_artifact(self, source: HttpSource, site: Site, head: int) -> None:
        site.serve(data=b"", head=head)
        assert told(resolve, source, site).summary == "Artifact source is empty"

    def test_too_much_is_told_before_it_is_fetched(self, tmp_path: Path, site: Site) -> None:
        site.serve()
        source = HttpSource(tmp_path, HttpLimits(size=len(DATA) - 1))
        refusal = told(resolve, source, site)
        assert refusal.summary == "Artifact is too large to fetch"
        assert f"{len(DATA) - 1:,}" in refusal.detail

    def test_silence_is_told(self, tmp_path: Path, site: Site) -> None:
        site.serve(stalls=True)
        source = HttpSource(tmp_path, HttpLimits(read=0.05, attempts=2), lambda _: None)
        assert "no sign of life for 0.05 seconds" in told(resolve, source, site).detail

    def test_a_server_that_is_not_there_is_told(self, source: HttpSource, pauses: list[float]) -> None:
        site = Site()
        site.close()
        assert "Connection refused" in told(resolve, source, site).detail
        assert len(pauses) == 4

    def test_a_machine_that_is_not_there_is_told(self, source: HttpSource) -> None:
        refusal = told(source.resolve, "http://no-such-machine.invalid/x", Path())
        assert refusal.detail.startswith("http://no-such-machine.invalid/x: no connection")

    def test_https_to_a_plain_server_is_told(self, source: HttpSource, site: Site) -> None:
        url = site.url().replace("http:", "https:")
        assert "no connection" in told(source.resolve, url, Path()).detail

    @pytest.mark.parametrize(
        "url",
        ["http:///x", "https://:80/x", "http://h:port/x", "http://h/a b", "http://h/\n", "http://[::1/x"],
    )
    def test_what_is_no_url_is_told(self, source: HttpSource, url: str) -> None:
        assert told(source.resolve, url, Path()).summary == "Not a URL to fetch from"


class TestSecrets:
    """What could be a secret is never shown."""

    def test_a_login_in_the_url_is_refused(self, source: HttpSource) -> None:
        for url in (
            "https://me:hunter2@h.example/x",
            "https://hunter2@h.example/x",
            "http://:hunter2@h.example/x",
        ):
            refusal = told(source.resolve, url, Path())
            assert "holds a login" in refusal.detail
            assert "hunter2" not in refusal.detail + refusal.remedy
            assert "netrc" in refusal.remedy

    def test_queries_are_not_shown(self, source: HttpSource, site: Site) -> None:
        url = site.url("/gone?signature=hunter2#hunter2")
        refusal = told(source.resolve, url, Path())
        assert "/gone?…" in refusal.detail
        assert "hunter2" not in refusal.detail + refusal.remedy
        site.serve("/here")
        resolved = source.resolve(site.url("/here?signature=hunter2"), Path())
        assert "hunter2" not in repr(resolved)

    def test_netrc_gives_logins(
        self, source: HttpSource, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.serve()
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
        resolve(source, site)
        assert site.requests[0][1]["authorization"].startswith("Basic ")

    @pytest.mark.parametrize("text", ["machine h login me password a hunter2 b\n", "hunter2\n", "\xff\n"])
    def test_a_broken_netrc_is_told_without_its_words(
        self, source: HttpSource, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        (tmp_path / "netrc").write_text(text, encoding="latin-1")
        refusal = told(resolve, source, site)
        assert refusal.summary == "Logins can't be read"
        assert str(tmp_path / "netrc") in refusal.detail
        assert "hunter2" not in refusal.detail + refusal.remedy

    @pytest.mark.parametrize(
        ("name", "value"), [("HTTP_PROXY", "hunter2://x:y"), ("SSL_CERT_FILE", "/nowhere/hunter2")]
    )
    def test_an_unusable_environment_is_told_without_its_words(
        self, source: HttpSource, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        refusal = told(source.resolve, "http://127.0.0.1:9/x", Path())
        assert refusal.summary == "Settings of the connection can't be used"
        assert name in refusal.remedy
        assert "hunter2" not in refusal.detail + refusal.remedy


class TestFetch:
    """Bringing the bytes."""

    def test_the_bytes_come_as_they_are(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve()
        assert fetch(source, site, tmp_path / "target") == DATA
        assert list((tmp_path / "downloads").iterdir()) == []

    def test_encodings_are_left_alone(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve(headers=TAG | {"Content-Encoding": "gzip"})
        assert fetch(source, site, tmp_path / "target") == DATA

    def test_no_length_is_no_trouble(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve(tells_length=False, ranges=False)
        assert fetch(source, site, tmp_path / "target") == DATA

    @pytest.mark.parametrize("headers", [TAG, DATE, TAG | DATE])
    def test_a_broken_transfer_is_taken_up(
        self, source: HttpSource, site: Site, tmp_path: Path, headers: dict[str, str], pauses: list[float]
    ) -> None:
        site.serve(cuts=[100_000, 200_000, 300_000], headers=headers)
        assert fetch(source, site, tmp_path / "target") == DATA
        assert [h.get("range") for h in site.asked("GET")] == [
            None,
            "bytes=100000-",
            "bytes=300000-",
            "bytes=600000-",
        ]
        assert {h.get("if-range") for h in site.asked("GET")[1:]} == {next(iter(headers.values()))}
        assert pauses == [0.5, 1.0, 2.0]

    @pytest.mark.parametrize("page", [{"ranges": False}, {"headers": {}}, {"headers": {"ETag": 'W/"one"'}}])
    def test_where_that_cannot_be_done_safely_it_begins_anew(
        self, source: HttpSource, site: Site, tmp_path: Path, page: dict[str, Any]
    ) -> None:
        site.serve(cuts=[100_000, 200_000], **page)
        assert fetch(source, site, tmp_path / "target") == DATA
        if "headers" in page:
            assert [h.get("range") for h in site.asked("GET")] == [None, None, None]

    def test_a_transfer_that_never_ends_well_is_told_and_taken_up_by_the_next_run(
        self, source: HttpSource, site: Site, tmp_path: Path
    ) -> None:
        site.serve(cuts=[1_000] * 5)
        assert "broke off" in told(fetch, source, site, tmp_path / "target").detail
        assert not (tmp_path / "target").exists()
        site.requests.clear()
        again = HttpSource(tmp_path / "downloads")
        assert fetch(again, site, tmp_path / "target") == DATA
        assert [h.get("range") for h in site.asked("GET")] == ["bytes=5000-"]

    def test_content_that_changed_between_two_runs_begins_anew(
        self, source: HttpSource, site: Site, tmp_path: Path
    ) -> None:
        site.serve(cuts=[1_000] * 5)
        told(fetch, source, site, tmp_path / "target")
        site.serve(data=DATA[::-1], headers={"ETag": '"two"'})
        assert fetch(source, site, tmp_path / "target") == DATA[::-1]

    def test_bytes_that_may_not_have_reached_the_disk_are_fetched_again(
        self, source: HttpSource, site: Site, tmp_path: Path
    ) -> None:
        site.serve(cuts=[1_000] * 5)
        told(fetch, source, site, tmp_path / "target")
        (part,) = (tmp_path / "downloads").glob("*.part")
        part.write_bytes(part.read_bytes() + b"\0" * 5_000)  # as after a crash: longer than what is noted
        assert fetch(source, site, tmp_path / "target") == DATA

    @pytest.mark.parametrize("harm", ["note gone", "note damaged", "bytes gone", "note of another form"])
    def test_a_beginning_that_cannot_be_made_out_is_forgotten(
        self, source: HttpSource, site: Site, tmp_path: Path, harm: str
    ) -> None:
        site.serve(cuts=[1_000] * 5)
        told(fetch, source, site, tmp_path / "target")
        (part,) = (tmp_path / "downloads").glob("*.part")
        note = part.with_suffix(".json")
        match harm:
            case "note gone":
                note.unlink()
            case "note damaged":
                note.write_bytes(note.read_bytes()[:10])
            case "bytes gone":
                part.write_bytes(b"short")
            case "note of another form":
                note.write_text('{"validator": 3, "size": "x"}')
        site.requests.clear()
        assert fetch(source, site, tmp_path / "target") == DATA
        assert site.asked("GET")[0].get("range") is None

    def test_a_whole_whose_end_was_missed_is_not_fetched_again(
        self, source: HttpSource, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.serve()

        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(partial_module.Partial, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(source, site, tmp_path / "target")
        monkeypatch.undo()
        monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
        site.requests.clear()
        assert fetch(source, site, tmp_path / "target") == DATA
        assert [h.get("range") for h in site.asked("GET")] == [f"bytes={len(DATA)}-"]

    def test_progress_is_noted_now_and_then(
        self, source: HttpSource, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(partial_module, "_SYNC_EVERY", 300_000)
        monkeypatch.setattr(partial_module.Partial, "close", lambda _: None)  # as if killed
        site.serve(cuts=[700_000])
        killed = HttpSource(tmp_path / "downloads", HttpLimits(attempts=1))
        told(fetch, killed, site, tmp_path / "target")
        monkeypatch.undo()
        monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
        site.requests.clear()
        assert fetch(source, site, tmp_path / "target") == DATA
        (asked,) = site.asked("GET")
        assert 300_000 <= int(asked["range"].removeprefix("bytes=").removesuffix("-")) <= 700_000

    def test_parts_that_were_not_asked_for_are_refused(
        self, source: HttpSource, site: Site, tmp_path: Path
    ) -> None:
        site.serve(cuts=[100_000], shift=7)
        assert fetch(source, site, tmp_path / "target") == DATA
        assert [h.get("range") for h in site.asked("GET")] == [None, "bytes=100000-", None]

    def test_content_that_changed_since_it_was_looked_up_is_refused(
        self, source: HttpSource, site: Site, tmp_path: Path
    ) -> None:
        site.serve()
        resolved = resolve(source, site)
        site.serve(headers={"ETag": '"two"'})
        refusal = told(source.fetch, resolved, site.url(), tmp_path / "target")
        assert refusal.summary == "Artifact source has changed"
        assert not (tmp_path / "target").exists()

    def test_less_than_was_promised_is_refused(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        page = site.serve(ranges=False)
        resolved = resolve(source, site)
        page.claims = len(DATA) + 10
        unknown = Resolved(None, described=resolved.described)
        assert told(source.fetch, unknown, site.url(), tmp_path / "target").detail
        assert not (tmp_path / "target").exists()

    def test_more_than_the_limit_is_refused_while_it_comes(self, tmp_path: Path, site: Site) -> None:
        site.serve(tells_length=False, ranges=False, headers={})
        source = HttpSource(tmp_path / "downloads", HttpLimits(size=len(DATA) - 1))
        assert told(fetch, source, site, tmp_path / "target").summary == "Artifact is too large to fetch"
        assert list((tmp_path / "downloads").iterdir()) == []

    def test_an_empty_answer_is_refused(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve(tells_length=False, ranges=False, headers={}, data=b"")
        assert told(fetch, source, site, tmp_path / "target").summary == "Artifact source is empty"

    def test_a_page_that_vanished_is_told(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve()
        resolved = resolve(source, site)
        del site.pages["/model.zip"]
        refusal = told(source.fetch, resolved, site.url(), tmp_path / "target")
        assert "has nothing at this place" in refusal.detail
        assert list((tmp_path / "downloads").iterdir()) == []

    def test_silence_in_the_middle_is_told(self, tmp_path: Path, site: Site) -> None:
        page = site.serve()
        source = HttpSource(tmp_path / "downloads", HttpLimits(read=0.05, attempts=2), lambda _: None)
        resolved = resolve(source, site)
        page.stalls = True
        refusal = told(source.fetch, resolved, site.url(), tmp_path / "target")
        assert "no sign of life" in refusal.detail

    @pytest.mark.parametrize("part", ["headers", "body"])
    def test_what_drips_is_cut_off_in_time(self, tmp_path: Path, site: Site, part: str) -> None:
        page = site.serve(drips=part)
        source = HttpSource(tmp_path / "downloads", HttpLimits(read=20, whole=1.0))
        refusal = told(source.fetch, Resolved(None, described=site.url()), site.url(), tmp_path / "target")
        assert refusal.summary == "Artifact can't be fetched in time"
        assert "not over within 1 seconds" in refusal.detail
        assert "sources: {http: {timeout: …}}" in refusal.remedy
        assert not (tmp_path / "target").exists()
        assert len(site.requests) == 1
        page.drips = ""
        assert source.fetch(Resolved(None, described=site.url()), site.url(), tmp_path / "target").is_file()

    def test_headers_that_drip_don_t_hold_up_a_plan(self, tmp_path: Path, site: Site) -> None:
        site.serve(drips="headers")
        source = HttpSource(tmp_path, HttpLimits(read=20, whole=1.0))
        assert told(resolve, source, site).summary == "Artifact can't be fetched in time"

    def test_repeats_end_with_the_time_for_all(self, tmp_path: Path, site: Site) -> None:
        site.serve(statuses=[(503, {})] * 100)
        source = HttpSource(tmp_path, HttpLimits(whole=0.2, attempts=100), lambda _: time.sleep(0.05))
        assert told(resolve, source, site).summary == "Artifact can't be fetched in time"
        assert len(site.requests) < 50

    def test_one_process_at_a_time(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve()
        resolved = resolve(source, site)
        with partial_module.open_partial(tmp_path / "downloads", site.url()):
            refusal = told(source.fetch, resolved, site.url(), tmp_path / "target")
        assert refusal.summary == "Another process fetches the same"
        assert source.fetch(resolved, site.url(), tmp_path / "target").read_bytes() == DATA

    def test_a_disk_that_refuses_is_told(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve()
        (tmp_path / "downloads").write_text("a file in the way")
        refusal = told(fetch, source, site, tmp_path / "target")
        assert refusal.summary == "A download can't be kept"
        assert "downloads" in refusal.detail

    def test_a_target_that_cannot_be_written_is_told(
        self, source: HttpSource, site: Site, tmp_path: Path
    ) -> None:
        site.serve()
        refusal = told(fetch, source, site, tmp_path / "no" / "folder" / "target")
        assert refusal.summary == "A download can't be kept"

    def test_old_beginnings_are_forgotten(self, source: HttpSource, site: Site, tmp_path: Path) -> None:
        site.serve(cuts=[1_000] * 5)
        told(fetch, source, site, tmp_path / "target")
        assert len(list((tmp_path / "downloads").iterdir())) == 2
        for path in (tmp_path / "downloads").iterdir():
            os.utime(path, (0, 0))
        site.serve("/other")
        fetch(source, site, tmp_path / "other", "/other")
        assert list((tmp_path / "downloads").iterdir()) == []

    def test_redirects_from_https_to_plain_http_are_refused(self) -> None:
        import httpx

        safe = httpx.Response(302, request=httpx.Request("GET", "https://h.example/x"))
        plain = httpx.Request("GET", "http://h.example/x")
        connection = Connection()
        connection.judge(httpx.Response(200, request=plain), "u")
        refusal = told(connection.judge, httpx.Response(200, request=plain, history=[safe]), "u")
        assert "from https to plain http" in refusal.detail
