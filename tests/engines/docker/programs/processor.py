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
source = Path(os.environ["SOURCE_PATH"])
if behaviour == "hangs":
    time.sleep(600)
elif behaviour == "slow":
    time.sleep(float(os.environ["SLEEP"]))
elif behaviour == "fails":
    print("this artifact is no good", file=sys.stderr)
    sys.exit(3)
elif behaviour == "hungry":
    hoard = [bytearray(os.urandom(1 << 20)) for _ in range(1024)]
elif behaviour == "link":
    target.symlink_to("/etc/passwd")
elif behaviour == "strange":
    target.mkdir()
    os.mkfifo(target / "pipe")
elif behaviour == "curious":
    found = {
        "uid": os.getuid(),
        "source": sorted(path.name for path in source.iterdir()) if source.is_dir() else "file",
        "root": os.access("/", os.W_OK) or os.access("/etc", os.W_OK),
        "source_writable": os.access(source, os.W_OK),
        "tmp": os.access("/tmp", os.W_OK),
        "capabilities": next(x for x in open("/proc/self/status") if x.startswith("CapBnd")).split()[1],
        "privileges": next(x for x in open("/proc/self/status") if x.startswith("NoNewPrivs")).split()[1],
    }
    print(found)
    target.write_text(repr(found))
elif behaviour == "folder":
    target.mkdir()
    (target / "empty").mkdir()
    (target / "deep" / "er").mkdir(parents=True)
    (target / "deep" / "er" / "file").write_bytes(b"x" * 100_000)
    (target / "run.sh").write_text("#!/bin/sh\n")
    (target / "run.sh").chmod(0o750)
    (target / "again").hardlink_to(target / "run.sh")
    (target / "link").symlink_to("deep/er/file")
    (target / "umläut name").write_text("")
    (target / "deep").chmod(0o555)
    target.chmod(0o555)
elif behaviour != "empty":
    target.write_bytes(b"processed " + (b"a folder" if source.is_dir() else source.read_bytes()))
