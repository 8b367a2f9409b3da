"""One processor for the scorer benchmark, that does not sleep.

On a virtual machine a processor that has nothing to do is given back to the host, and comes back late: what
a request takes is then mostly that. So servers and load share a processor, and a process of the
scheduler's idle class computes nothing on it whenever they wait, as a kernel booted with `idle=poll` would.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = """
import os
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def one_processor() -> Iterator[None]:
    """Run on the last processor alone, with whatever is started from here, and keep it awake; Linux only."""
    if not sys.platform.startswith("linux"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    spinning = subprocess.Popen([sys.executable, "-c", _SPIN])
    try:
        yield
    finally:
        spinning.kill()
        spinning.wait()
        os.sched_setaffinity(0, allowed)
