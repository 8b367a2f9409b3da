"""Load for the scorer benchmark, by wrk: as much as a server takes, or as much as is wanted of it."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.scorer_servers import ServerError

_SCRIPT = """
local bodies = {BODIES}
local requests, turn = {}, 0
init = function(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
local pause, connections, calls = PAUSE, CONNECTIONS, 0
if pause > 0 then
  -- wrk waits for whole milliseconds, of which the mean is right here; the first pause of a connection is
  -- drawn, so that they do not send all at once
  delay = function()
    calls = calls + 1
    return math.floor(pause * (calls > connections and 1 or math.random()) + math.random())
  end
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


_LONG = 20
"""Seconds within which a server that works answers something."""


@dataclass(frozen=True)
class Load:
    """What came of one load; percentiles in milliseconds."""

    requests: int
    requests_per_second: float
    p50: float
    p99: float


def press(
    url: str, bodies: Sequence[str], connections: int, seconds: int, scratch: Path, pause: float = 0
) -> Load:
    """Send requests for some seconds, from each connection the next as soon as the last is answered.

    Or so many milliseconds later, as `pause` says. If none is answered within that time, ten times as long.

    Raises:
        ServerError: a request failed, or none was answered.
    """
    quoted = ",".join("[==[" + body + "]==]" for body in bodies)
    script = scratch / "load.lua"
    filled = _SCRIPT.replace("PAUSE", repr(pause)).replace("CONNECTIONS", str(connections))
    script.write_text(filled.replace("BODIES", quoted), encoding="utf-8")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), url]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise ServerError(f"wrk failed: {finished.stderr}{finished.stdout}")
    told = json.loads(finished.stderr.strip().splitlines()[-1])
    if not (told["errors"] or told["requests"] or seconds >= _LONG):
        return press(url, bodies, connections, max(_LONG, 10 * seconds), scratch, pause)
    if told["errors"] or not told["requests"]:
        raise ServerError(
            f"{told['requests']} requests were answered within {seconds} s, {told['errors']} failed"
        )
    per_second = told["requests"] / (told["microseconds"] / 1e6)
    return Load(told["requests"], per_second, told["p50"] / 1000, told["p99"] / 1000)


def half(connections: int, rate: float, try_out: Callable[[float], Load]) -> float:
    """The pause after each answer, in milliseconds, with which connections ask for half of a rate.

    Args:
        connections: how many.
        rate: what they are answered a second when they do not pause.
        try_out: presses with a pause, to learn how long an answer takes then.
    """
    interval = 2000 * connections / rate
    # an answer takes as long as when all is asked, at first
    guess = interval / 2
    taken = 1000 * connections / try_out(guess).requests_per_second - guess
    return max(interval - taken, 0.1)
