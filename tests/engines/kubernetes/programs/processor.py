"""A processor: copies the artifact, marked as processed. The first argument says how it behaves."""

import os
import sys
import time
from pathlib import Path

behaviour = sys.argv[1] if len(sys.argv) > 1 else "good"
target = Path(os.environ["TARGET_PATH"])
for line in filter(None, os.environ.get("SAY", "").split("|")):
    print(line, flush=True)
if "TELL" in os.environ:
    print(os.environ[os.environ["TELL"]], flush=True)
if behaviour == "hangs":
    time.sleep(600)
if behaviour == "fails":
    print("this artifact is no good", file=sys.stderr)
    sys.exit(3)
if behaviour == "hungry":
    bytearray(1 << 30).hex()
if behaviour == "folder":
    (target / "deep" / "er").mkdir(parents=True)
    (target / "deep" / "model").write_bytes(Path(os.environ["SOURCE_PATH"]).read_bytes())
    (target / "deep" / "run").write_text("#!/bin/sh\n")
    (target / "deep" / "run").chmod(0o755)
    (target / "link\nwith a line's end").symlink_to("deep/model")
    (target / "deep").chmod(0o555)
elif behaviour == "stray link":
    target.mkdir()
    (target / "link").symlink_to("/etc/passwd")
elif behaviour != "empty":
    target.write_bytes(b"processed " + Path(os.environ["SOURCE_PATH"]).read_bytes())
