"""When a connection reads, answers, gives up and closes: on a real loop, a transport that only remembers."""

import asyncio
import math
import resource
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from specr_scorer import DataType, Field, Frame, Schema
from specr_scorer.app import Application
from specr_scorer.connection import Connection
from specr_scorer.connections import Connections
from specr_scorer.phases import Phase
from specr_scorer.responses import Content, Response
from specr_scorer.service import Service
from specr_scorer.settings import Settings
from specr_scorer.testing import PATIENCE
from specr_scorer.turns import Receiver, Turn
from specr_scorer.workers import Workers

ID = b"GET /model/id HTTP/1.1\r\nhost: x\r\n\r\n"


def score(cell: str) -> bytes:
    body = orjson.dumps({"fields": ["a"], "rows": [[cell]]})
    return b"POST /model/score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


class Gate:
    """Gives back its input, once it is let go."""

    schema = Schema((Field("a", DataType.STR),), (Field("y", DataType.STR),))

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.scored: list[Any] = []

    def score(self, frame: Frame) -> Mapping[str, list[Any]]:
        assert self.go.wait(PATIENCE)
        self.scored += frame.columns["a"]
        return {"y": frame.columns["a"]}


class Apart(Gate):
    """Promises what lets its requests be joined, and scored on the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[int] = []

    def row_independent(self) -> bool:
        return True

    def any_thread(self) -> bool:
        return True

    def score(self, frame: Frame) -> Mapping[str, list[Any]]:
        self.frames.append(frame.rows)
        return super().score(frame)


class Transport(asyncio.Transport):
    """Remembers what it was told; `unsent` is what its client has not read."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.peer: tuple[str, int] | None = ("127.0.0.1", 5000)
        self.unsent = 0
        self.reads = True
        self.closed = self.aborted = self.ended = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.peer if name == "peername" else default

    def write(self, data: Any) -> None:
        assert not self.ended
        assert not self.closed
        self.written += data

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    @property
    def answers(self) -> list[tuple[int, bytes]]:
        """Statuses and bodies, in order."""
        found, rest = [], self.written
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            status = int(head.split()[1])
            length = int(head.rpartition(b"content-length: ")[2]) if status != 100 else 0
            found.append((status, rest[:length]))
            rest = rest[length:]
        return found


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not there():  # noqa: ASYNC110 - what is waited for has no event to offer
            await asyncio.sleep(0.001)


@dataclass
class House:
    """A server without sockets."""

    app: Application
    model: Gate
    connections: Connections

    def connect(self) -> tuple[Connection, Transport]:
        connection, transport = self.connections.make(), Transport()
        connection.connection_made(transport)
        return connection, transport

    async def settle(self, transport: Transport, count: int) -> list[tuple[int, bytes]]:
        """Wait until there are so many answers."""
        await until(lambda: len(transport.answers) >= count)
        return transport.answers

    def counted(self, status: int) -> int:
        """How many requests were answered with a status, by the metrics."""
        lines = self.app.metrics.render().decode().splitlines()
        return sum(
            int(line.split()[-1])
            for line in lines
            if line.startswith("specr_scorer_requests_total") and f'status="{status}"' in line
        )


Play = Callable[[House], Awaitable[None]]


class AtOnce(Turn):
    """Has what arrives read at once, as of a single client, so that tests need not wait."""

    def add(self, receiver: Receiver) -> None:
        receiver.catch_up()


def play(main: Play, model: Gate | None = None, *, turns: bool = False, **settings: Any) -> House:
    model = model or Gate()

    async def inside() -> House:
        loop = asyncio.get_running_loop()
        chosen = Settings(Path("model"), "m1", **settings)
        app = Application(chosen)
        workers: Workers[Content, Response] = Workers(1, loop, app.set_overdue)
        if app.install(model).moves:
            workers.allow_inline()
        turn = Turn(loop) if turns else AtOnce(loop)
        house = House(app, model, Connections(Service(app, chosen, workers), loop, turn))
        try:
            await asyncio.wait_for(main(house), PATIENCE)
        finally:
            model.go.set()
        return house

    return asyncio.run(inside())


def test_requests_that_come_at_once_are_answered_in_order() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(score("1") + ID + score("2") + score("3")[:-5])
        connection.data_received(score("3")[-5:] + ID)
        answers = await house.settle(transport, 5)
        assert [status for status, _ in answers] == [200] * 5
        assert [orjson.loads(body)["score"] for _, body in answers if body != b"m1"] == [
            [["1"]],
            [["2"]],
            [["3"]],
        ]
        assert answers[1] == answers[4] == (200, b"m1")

    house = play(main)
    assert house.counted(200) == 5


def test_nothing_is_read_while_a_request_is_served() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        house.model.go.clear()
        connection.data_received(score("1"))
        assert transport.reads
        connection.data_received(score("2"))
        assert not transport.reads
        house.model.go.set()
        await house.settle(transport, 2)
        assert transport.reads
        assert connection.phase is Phase.IDLE

    play(main)


def test_requests_of_several_clients_are_joined_and_those_of_one_are_answered_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("specr_scorer.workers._QUICK", PATIENCE)  # however slow the machine is
    model = Apart()

    async def main(house: House) -> None:
        first, transport = house.connect()
        for number in range(100):  # until the loop trusts the model
            first.data_received(score("x"))
            await house.settle(transport, number + 1)
        await until(lambda: first.phase is Phase.IDLE)
        first.data_received(score("1"))
        assert len(transport.answers) == 101
        others = [house.connect() for _ in range(3)]
        for connection, _ in others:
            connection.data_received(score("2"))
            assert connection.phase is Phase.ANSWER
        for _, transport in others:
            await house.settle(transport, 1)
        assert model.frames[-2:] == [1, 3]

    play(main, model)


def test_what_arrives_together_is_read_together() -> None:
    async def main(house: House) -> None:
        (first, one), (second, two), (third, three), (fourth, four) = (house.connect() for _ in range(4))
        for connection in (first, second, third):
            connection.data_received(ID)
            connection.data_received(ID[:9])
        assert one.answers == [(200, b"m1")]  # the second piece can't wait for the first
        first.data_received(ID[9:])
        fourth.data_received(ID)
        second.data_received(ID[9:])
        second.eof_received()
        third.data_received(ID[9:])
        third.connection_lost(None)
        assert (len(two.answers), len(three.answers), four.answers) == (2, 1, [])
        fourth.retire()  # which closes what is idle, and this one is not
        assert four.answers == [(200, b"m1")]
        await house.settle(one, 2)

    play(main, turns=True)


def test_a_head_that_arrived_in_time_is_not_late() -> None:
    async def main(house: House) -> None:
        house.connect()
        connection, transport = house.connect()
        connection.data_received(ID[:9])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert connection.phase is Phase.HEAD
        connection.data_received(ID[9:])
        connection.be_late()
        assert transport.answers == [(200, b"m1")]

    play(main, turns=True)


def test_a_connection_that_breaks_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(house: House) -> None:
        (broken, one), (whole, other) = house.connect(), house.connect()
        monkeypatch.setattr(broken, "_read", {}.__getitem__)
        broken.data_received(ID)
        whole.data_received(ID)
        await house.settle(other, 1)
        assert one.aborted
        assert not other.aborted

    play(main, turns=True)


def test_a_client_that_leaves_is_not_scored_for() -> None:
    async def main(house: House) -> None:
        house.model.go.clear()
        first, transport = house.connect()
        first.data_received(score("1"))
        second, _ = house.connect()
        second.data_received(score("2") + score("3"))
        second.connection_lost(None)
        house.model.go.set()
        await house.settle(transport, 1)
        third, transport = house.connect()
        third.data_received(score("4"))
        await house.settle(transport, 1)
        assert house.model.scored == ["1", "4"]

    house = play(main)
    assert house.counted(499) == 2
    assert "specr_scorer_in_flight 0" in house.app.metrics.render().decode()


def test_a_client_may_say_that_it_sends_no_more_and_still_gets_its_answers() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(score("1") + score("2"))
        assert connection.eof_received()
        await house.settle(transport, 2)
        assert transport.closed
        idle, transport = house.connect()
        idle.data_received(ID)
        assert not idle.eof_received()

    play(main)


def test_a_client_that_asks_before_it_sends_a_body_is_told_in_its_turn() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        head, _, body = score("1").partition(b"\r\n\r\n")
        connection.data_received(score("0") + head + b"\r\nexpect: 100-continue\r\n\r\n")
        assert [status for status, _ in await house.settle(transport, 2)] == [200, 100]
        connection.data_received(body)
        assert [status for status, _ in await house.settle(transport, 3)] == [200, 100, 200]
        refused, transport = house.connect()
        refused.data_received(head.replace(b"score", b"none") + b"\r\nexpect: 100-continue\r\n\r\n")
        assert [status for status, _ in transport.answers] == [404]
        assert transport.ended

    play(main)


def test_versions_and_methods_of_old() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(b"GET /model/id HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        assert b"\r\nconnection: keep-alive\r\n" in transport.written
        connection.data_received(b"GET /model/id HTTP/1.0\r\n\r\n")
        assert b"\r\nconnection: close\r\n" in transport.written
        assert transport.closed
        assert transport.answers == [(200, b"m1")] * 2
        other, transport = house.connect()
        other.data_received(b"HEAD /model/id HTTP/1.1\r\nhost: x\r\n\r\n" + ID)
        head, _, rest = transport.written.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
        assert head.endswith(b"\r\ncontent-length: 2")
        assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
        assert rest.endswith(b"\r\ncontent-length: 2\r\n\r\nm1")
        third, transport = house.connect()
        third.data_received(b"HEAD /model/contribution HTTP/1.1\r\nhost: x\r\n\r\n" + ID)
        assert transport.written.startswith(b"HTTP/1.1 405 Method Not Allowed\r\ndate: ")
        assert b"detail" not in transport.written
        counted = house.app.metrics.render()
        assert b'{route="/model/id",method="HEAD",status="200"}' in counted
        assert b'{route="/model/contribution",method="other",status="405"}' in counted

    play(main)


def test_only_http_1_0_may_leave_out_the_host_and_nobody_names_two() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        twice = b"GET /model/id HTTP/1.%d\r\nHost: a\r\nhost: a\r\nConnection: keep-alive\r\n\r\n"
        connection.data_received(b"GET /model/id HTTP/1.1\r\n\r\n" + twice % 1 + twice % 0 + ID)
        assert [status for status, _ in transport.answers] == [400, 400, 400, 200]
        assert b"there is no header Host" in transport.answers[0][1]
        assert b"there are several headers Host" in transport.answers[1][1]
        assert house.app.metrics.in_flight == 0

    play(main)


def test_a_compressed_body_is_refused_unread() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        head = b"POST /model/score HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n"
        connection.data_received(head + b"abc" + ID)
        assert [status for status, _ in transport.answers] == [415, 200]

    play(main)


def test_a_connection_closes_after_the_answer_where_that_was_asked_for() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(b"GET /model/id HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" + ID)
        assert transport.answers == [(200, b"m1")]
        assert transport.closed
        connection.data_received(ID)
        assert transport.answers == [(200, b"m1")]

    play(main)


def test_what_is_no_http_is_told_after_what_was_asked_before() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(score("1") + b"nonsense\r\n\r\n")
        answers = await house.settle(transport, 2)
        assert [status for status, _ in answers] == [200, 400]
        assert b"This is no HTTP/1.1" in answers[1][1]
        assert transport.ended
        assert connection.phase is Phase.CLIENT
        connection.be_late()
        assert transport.aborted

    house = play(main)
    assert house.counted(400) == 1


@pytest.mark.parametrize(
    ("sent", "phase", "detail"),
    [
        (b"POST /model/sc", Phase.HEAD, b"The head did not arrive within 30 seconds."),
        (score("1")[:-1], Phase.BODY, b"The body did not arrive within 7 seconds (SPECR_READ_TIMEOUT)."),
    ],
)
def test_a_request_that_does_not_come_is_given_up(sent: bytes, phase: Phase, detail: bytes) -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(ID + sent)
        assert connection.phase is phase
        deadline = connection.deadline
        connection.be_late()
        assert [status for status, _ in transport.answers] == [200, 408]
        assert detail in transport.answers[1][1]
        assert transport.ended
        assert connection.deadline >= deadline  # the time to read it

    house = play(main, read_timeout=7)
    assert house.counted(408) == 1


def test_every_body_has_its_own_time() -> None:
    async def main(house: House) -> None:
        connection, _ = house.connect()
        connection.data_received(score("1")[:-1])
        first = connection.deadline
        await asyncio.sleep(0.01)
        connection.data_received(score("1")[-1:] + score("2")[:-1])
        await until(lambda: connection.phase is Phase.BODY)
        second = connection.deadline
        assert second > first
        connection.data_received(b"")
        assert connection.deadline == second

    play(main)


def test_a_client_that_does_not_read_gets_no_more_and_in_the_end_nothing() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        transport.unsent = 5000
        connection.pause_writing()
        connection.data_received(ID)
        assert not transport.reads
        assert not transport.answers
        transport.unsent = 4000
        connection.be_late()  # slow, but it reads
        assert not transport.aborted
        connection.resume_writing()
        assert transport.answers == [(200, b"m1")]
        assert transport.reads
        connection.pause_writing()
        connection.be_late()
        assert transport.aborted

    play(main)


def test_an_idle_connection_is_closed_in_the_end() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.be_late()
        assert transport.aborted

    play(main)


def test_the_connection_idle_for_longest_makes_room_and_else_the_newest_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("specr_scorer.connections.MOST", 3)

    async def main(house: House) -> None:
        house.model.go.clear()
        busy, _ = house.connect()
        busy.data_received(score("1"))
        old, old_transport = house.connect()
        await asyncio.sleep(0.01)
        young, young_transport = house.connect()
        newest, _ = house.connect()
        assert old_transport.closed
        assert not young_transport.closed
        old.connection_lost(None)
        young.data_received(score("2"))
        newest.data_received(score("3"))
        _, refused = house.connect()
        assert [status for status, _ in refused.answers] == [503]
        assert b"There are 3 connections already" in refused.answers[0][1]

    play(main)


def test_a_drain_waits_for_answers_and_closes_what_is_idle() -> None:
    async def main(house: House) -> None:
        house.model.go.clear()
        busy, transport = house.connect()
        busy.data_received(score("1"))
        idle, idle_transport = house.connect()
        house.app.retire()
        draining = asyncio.create_task(house.connections.drain(PATIENCE))
        await asyncio.sleep(0)
        assert idle_transport.closed
        idle.connection_lost(None)
        assert not transport.closed
        house.model.go.set()
        await house.settle(transport, 1)
        assert b"\r\nconnection: close\r\n" in transport.written
        assert transport.closed
        busy.connection_lost(None)
        assert await draining

    play(main)


def test_a_drain_gives_up_in_the_end() -> None:
    async def main(house: House) -> None:
        house.model.go.clear()
        connection, transport = house.connect()
        connection.data_received(score("1"))
        house.app.retire()
        assert not await house.connections.drain(0.01)
        assert [status for status, _ in transport.answers] == [503]
        assert transport.closed

    play(main)


def test_deadlines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr_scorer.connection.IDLE_SECONDS", 0)

    async def main(house: House) -> None:
        _, transport = house.connect()
        await until(lambda: transport.aborted)

    play(main)


def test_a_client_may_be_gone_before_its_connection_is_there() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connections.make(), Transport()
        transport.peer = None
        connection.connection_made(transport)
        connection.connection_lost(None)
        assert await house.connections.drain(0.01)

    play(main)


METRICS = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"


def test_requests_sent_ahead_are_not_begun_long_before_their_turn() -> None:
    async def main(house: House) -> None:
        house.model.go.clear()
        connection, transport = house.connect()
        connection.data_received(score("1") + METRICS * 5000)
        assert house.app.metrics.in_flight < 100
        assert not transport.reads
        connection.connection_lost(None)

    house = play(main)
    assert house.app.metrics.in_flight == 0


def test_requests_sent_ahead_leave_other_connections_their_turn() -> None:
    async def main(house: House) -> None:
        greedy, transport = house.connect()
        greedy.data_received(METRICS * 500)
        assert 0 < transport.written.count(b"HTTP/1.1 200 OK") < 400
        other, other_transport = house.connect()
        other.data_received(ID)
        assert other_transport.answers == [(200, b"m1")]
        greedy.retire()  # of no effect, since it is owed answers
        greedy.data_received(ID)
        await until(lambda: transport.written.endswith(b"m1"))
        assert transport.written.count(b"HTTP/1.1 200 OK") == 501
        assert greedy.phase is Phase.IDLE

    assert play(main).app.metrics.in_flight == 0


def test_what_is_asked_beyond_the_last_answer_does_not_take_that_from_its_client() -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(score("1").replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        connection.data_received(ID)
        assert not transport.reads
        await house.settle(transport, 1)
        assert transport.reads  # and drops what comes
        assert transport.ended
        assert not transport.closed
        assert connection.phase is Phase.CLIENT
        connection.data_received(ID)
        transport.unsent, connection._unread = 500, 1000
        connection.be_late()  # slow, but it reads
        assert connection.phase is Phase.CLIENT
        assert not transport.aborted
        assert not connection.eof_received()
        assert len(transport.answers) == 1

    play(main)


@pytest.mark.parametrize("ends", [False, True])
def test_a_last_answer_that_nobody_reads_is_given_up(ends: bool) -> None:
    async def main(house: House) -> None:
        connection, transport = house.connect()
        connection.data_received(score("1"))
        transport.unsent = 500
        if ends:
            await house.settle(transport, 1)
            assert not connection.eof_received()
        else:
            house.app.retire()
            await house.settle(transport, 1)
        assert transport.closed
        assert connection.deadline < math.inf
        transport.unsent = 400
        connection.be_late()
        assert not transport.aborted
        connection.be_late()
        assert transport.aborted

    play(main, score_timeout=0)


def test_nothing_is_waited_for_from_who_sends_no_more() -> None:
    async def main(house: House) -> None:
        house.model.go.clear()
        connection, transport = house.connect()
        connection.data_received(score("1") + b"nonsense\r\n\r\n")
        assert connection.eof_received()
        house.model.go.set()
        assert [status for status, _ in await house.settle(transport, 2)] == [200, 400]
        assert transport.closed

    play(main)


def test_refused_connections_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr_scorer.connections.MOST", 2)
    monkeypatch.setattr("specr_scorer.connections._REFUSED", 3)

    async def main(house: House) -> None:
        busy = [house.connect() for _ in range(2)]
        for connection, _ in busy:
            connection.data_received(b"GET /mod")
        refused = [house.connect()[1] for _ in range(10)]
        assert all(transport.answers[0][0] == 503 for transport in refused)
        assert [transport.aborted for transport in refused] == [True] * 7 + [False] * 3
        assert not any(transport.closed or transport.aborted for _, transport in busy)

    play(main)


@pytest.mark.parametrize(
    ("files", "most", "refused"),
    [(64, 32, 8), (200, 100, 25), (1024, 896, 32), (100_000, 1024, 64), (resource.RLIM_INFINITY, 1024, 64)],
)
def test_there_are_fewer_connections_than_files(
    monkeypatch: pytest.MonkeyPatch, files: int, most: int, refused: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))

    async def main(house: House) -> None:
        for number in range(most + refused + 10):
            connection, transport = house.connect()
            connection.data_received(b"GET /mod")
            assert bool(transport.answers) == (number >= most)
            if transport.answers:
                await asyncio.sleep(0)
        held = [each for each in house.connections._open if each.deadline < math.inf]
        assert len(held) == most + refused

    play(main)


def test_a_drain_does_not_wait_long_for_who_was_refused() -> None:
    async def main(house: House) -> None:
        before, _ = house.connect()
        before.data_received(b"nonsense\r\n\r\n")
        after, transport = house.connect()
        after.data_received(b"GET /mod")
        house.app.retire()
        draining = asyncio.create_task(house.connections.drain(0.1))
        await asyncio.sleep(0)
        after.data_received(b"\0")
        assert [status for status, _ in transport.answers] == [400]
        soon = asyncio.get_running_loop().time() + 2
        assert before.deadline < soon
        assert after.deadline < soon
        assert await draining  # nothing was owed

    play(main)


def test_a_drain_without_any_time_closes_idle_connections_in_peace() -> None:
    async def main(house: House) -> None:
        _, transport = house.connect()
        assert await house.connections.drain(0)
        assert transport.closed

    play(main)


@pytest.mark.parametrize("sent", [score("1"), score("1")[:-1]])
def test_what_is_given_up_at_the_end_is_answered_and_counted_once(sent: bytes) -> None:
    async def main(house: House) -> None:
        house.model.go.clear()
        connection, transport = house.connect()
        connection.data_received(sent)
        house.app.retire()
        assert not await house.connections.drain(0.01)
        house.model.go.set()
        await asyncio.sleep(0.05)
        connection.connection_lost(None)
        assert [status for status, _ in transport.answers] == [503]

    house = play(main)
    assert (house.counted(503), house.counted(499), house.counted(200)) == (1, 0, 0)
    assert house.app.metrics.in_flight == 0
