"""Load for the scorer benchmark, by wrk: as much as a server takes, or half of that."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local bodies = {BODIES}
local requests, turn = {}, 0
init = function(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
  math.randomseed(7)
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
DELAY
done = function(summary, latency, requests)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
_DELAY = """
-- a connection waits, on average, for as long as makes them all together send at the rate
delay = function() return math.floor(-MEAN * math.log(1 - math.random()) + 0.5) end
"""


@dataclass(frozen=True)
class Load:
    """What came of one load; milliseconds."""

    requests_per_second: float
    p50: float
    p99: float


def press(
    url: str,
    bodies: Sequence[str],
    connections: int,
    seconds: float,
    scratch: Path,
    rate: float | None = None,
) -> Load:
    """Send requests for some seconds: as fast as they are answered, or about `rate` a second.

    With a rate, each of the connections sends, is answered, and waits for a random time (exponential, so
    that all of them together are nearly a Poisson process); the pace does not follow the server's, as long
    as it answers in less than the wait.
    """
    quoted = ",".join("[==[" + body + "]==]" for body in bodies)
    delay = "" if rate is None else _DELAY.replace("MEAN", repr(1000 * connections / rate))
    script = scratch / "load.lua"
    script.write_text(_SCRIPT.replace("BODIES", quoted).replace("DELAY", delay), encoding="utf-8")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), url]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        sys.exit(f"wrk failed: {finished.stderr}{finished.stdout}")
    told = json.loads(finished.stderr.strip().splitlines()[-1])
    if told["errors"]:
        sys.exit(f"{told['errors']} requests to {url} failed:\n{finished.stdout}")
    per_second = told["requests"] / (told["microseconds"] / 1e6)
    return Load(per_second, told["p50"] / 1000, told["p99"] / 1000)
