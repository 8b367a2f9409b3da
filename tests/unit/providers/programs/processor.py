"""A processor: copies the artifact, marked as processed.

The first argument: good, fails (exits with status 3), hangs, deaf (hangs and ignores SIGTERM), empty
(writes nothing), folder (writes a read-only folder), wait (until the file at WAIT is there).
"""

# ruff: noqa: T201, PTH110, PTH123 - a program that prints, and that starts fast

import os
import signal
import sys
import time
from pathlib import Path

behaviour = sys.argv[1] if len(sys.argv) > 1 else "good"
target = Path(os.environ["TARGET_PATH"])
for line in filter(None, os.environ.get("SAY", "").split("|")):
    print(line, flush=True)
if "TELL" in os.environ:
    print(os.environ[os.environ["TELL"]], flush=True)
if "RAN" in os.environ:
    with open(os.environ["RAN"], "a") as ran:
        ran.write("ran\n")
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if behaviour in {"hangs", "deaf"}:
    time.sleep(60)
while behaviour == "wait" and not os.path.exists(os.environ["WAIT"]):
    time.sleep(0.01)
if behaviour == "fails":
    print("this artifact is no good", file=sys.stderr)
    sys.exit(3)
if behaviour == "folder":
    target.mkdir()
    (target / "model").write_bytes(Path(os.environ["SOURCE_PATH"]).read_bytes())
    target.chmod(0o555)
elif behaviour != "empty":
    target.write_bytes(b"processed " + Path(os.environ["SOURCE_PATH"]).read_bytes())
