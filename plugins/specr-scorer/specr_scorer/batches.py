"""Requests joined into one frame, and its answer cut apart again. Values only: nothing is scored here."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter

from specr_scorer.answers import Rendered
from specr_scorer.model import Frame
from specr_scorer.requests import ScoreRequest


def take_batches(requests: Iterable[ScoreRequest], most_rows: int) -> Iterator[list[ScoreRequest]]:
    """Consecutive requests that may share a frame of `most_rows`, in order; others alone."""
    batch: list[ScoreRequest] = []
    rows = 0
    for request in requests:
        if batch and (not request.joinable or rows + request.frame.rows > most_rows):
            yield batch
            batch, rows = [], 0
        batch.append(request)
        rows += request.frame.rows
        if not request.joinable:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def join_frames(frames: Sequence[Frame]) -> Frame:
    """The rows of all frames, which are of one model, in order."""
    parts = [frame.columns for frame in frames]
    joined = {name: list(chain.from_iterable(map(itemgetter(name), parts))) for name in parts[0]}
    return Frame(joined, sum(frame.rows for frame in frames))


def split_columns(columns: Rendered, rows: Iterable[int]) -> Iterator[Rendered]:
    """The columns cut into parts of so many rows each."""
    start = 0
    for count in rows:
        yield [column[start : start + count] for column in columns]
        start += count
