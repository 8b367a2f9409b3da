"""What a runtime counts, and how Prometheus reads it.

The text format is written here: it is three rules, while prometheus-client takes longer to import than
the rest of the scorer, and its counters take a lock for each request. The tests read the text with that
library. Counts of requests belong to the event loop's thread; those of batches take a lock.
"""

import os
import resource
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "specr_scorer"
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Sample: TypeAlias = tuple[str, Mapping[str, str], float]
"""A line of the text format: the name, the labels, the value."""


class Histogram:
    """Counts of observations up to each bound, and above the last."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self, name: str, labels: Mapping[str, str]) -> Iterator[Sample]:
        """The lines that show it; each bucket counts those below it too."""
        total = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            le = "+Inf" if bound == float("inf") else repr(float(bound))
            yield f"{name}_bucket", {**labels, "le": le}, total
        yield f"{name}_sum", labels, self._sum
        yield f"{name}_count", labels, total


class Metrics:
    """The counts of one runtime."""

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id
        self._started = time.time()
        self._requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._seconds: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(_SECONDS))
        self._rows = 0
        self._batches = threading.Lock()
        self._batch_requests = Histogram(_SIZES)
        self._batch_rows = Histogram(_SIZES)
        self.in_flight = 0
        self.overdue = 0
        self.ready = False
        self.load_seconds: float | None = None

    def observe(self, route: str, method: str, status: int, seconds: float, rows: int) -> None:
        """Count an answered request; `route` and `method` must be of a bounded number."""
        self._requests[route, method, status] += 1
        self._seconds[route].observe(seconds)
        self._rows += rows

    def observe_batch(self, requests: int, rows: int) -> None:
        """Count a call of the model, for how many requests and rows it was. From any thread."""
        with self._batches:
            self._batch_requests.observe(requests)
            self._batch_rows.observe(rows)

    def render(self) -> bytes:
        """All counts as text, in the format 0.0.4 that every Prometheus reads."""
        lines: list[str] = []
        for name, kind, meaning, samples in self._families():
            lines.append(f"# HELP {name} {meaning}")
            lines.append(f"# TYPE {name} {kind}")
            lines += [_line(*sample) for sample in samples]
        return ("\n".join(lines) + "\n").encode("utf-8", "replace")

    def _families(self) -> Iterator[tuple[str, str, str, list[Sample]]]:
        def one(name: str, kind: str, meaning: str, value: float, **labels: str) -> _Family:
            return name, kind, meaning, [(name, labels, value)]

        name = f"{_PREFIX}_requests_total"
        counts: list[Sample] = [
            (name, {"route": route, "method": method, "status": str(status)}, float(count))
            for (route, method, status), count in sorted(self._requests.items())
        ]
        yield name, "counter", "Requests answered.", counts
        name = f"{_PREFIX}_request_seconds"
        timed = [
            sample
            for route, histogram in sorted(self._seconds.items())
            for sample in histogram.samples(name, {"route": route})
        ]
        yield name, "histogram", "Seconds from a request's head to its answer.", timed
        yield one(f"{_PREFIX}_in_flight", "gauge", "Requests that have no answer yet.", self.in_flight)
        yield one(f"{_PREFIX}_rows_total", "counter", "Rows scored.", self._rows)
        with self._batches:
            for histogram, unit in ((self._batch_requests, "requests"), (self._batch_rows, "rows")):
                name = f"{_PREFIX}_batch_{unit}"
                meaning = f"The {unit} of each call of the model."
                yield name, "histogram", meaning, list(histogram.samples(name, {}))
        meaning = "Requests that were given up and whose scoring has not ended."
        yield one(f"{_PREFIX}_overdue", "gauge", meaning, self.overdue)
        yield one(f"{_PREFIX}_ready", "gauge", "Whether /readyz answers 200.", self.ready)
        if self.load_seconds is not None:
            meaning = "Seconds that loading the model took."
            yield one(f"{_PREFIX}_model_load_seconds", "gauge", meaning, self.load_seconds)
        meaning = "The model served, in its label."
        yield one(f"{_PREFIX}_model_info", "gauge", meaning, 1, id=self._model_id)
        yield from self._process()

    def _process(self) -> Iterator["_Family"]:
        """The process, by the names that Prometheus' own libraries give these figures."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        figures = [
            ("process_start_time_seconds", "gauge", "When the process started, since 1970.", self._started),
            (
                "process_cpu_seconds_total",
                "counter",
                "Seconds of processor time.",
                usage.ru_utime + usage.ru_stime,
            ),
        ]
        memory = Path("/proc/self/statm")
        if memory.exists():
            resident = int(memory.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            figures.append(("process_resident_memory_bytes", "gauge", "Memory in use.", resident))
        for name, kind, meaning, value in figures:
            yield name, kind, meaning, [(name, {}, value)]


_Family = tuple[str, str, str, list[Sample]]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    shown = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
    number = repr(int(value)) if float(value).is_integer() else repr(float(value))
    return f"{name}{{{shown}}} {number}" if shown else f"{name} {number}"
