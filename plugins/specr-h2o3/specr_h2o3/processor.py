"""The processor: checks a MOJO without loading it, and puts it at TARGET_PATH as `mojo.zip`.

Run as `python -m specr_h2o3.processor`. Every byte of the zip is read once; nothing of it is unpacked or run.
"""

import shutil
from pathlib import Path
from typing import Final

from specr_processor import Job, Processor, open_zip

from specr_h2o3.mojo import describe_zip

NAME: Final = "mojo.zip"


def make(job: Job) -> Path:
    """A folder with the MOJO in it.

    Raises:
        SourceError: it is no MOJO, is damaged, or is of a kind that can't be served.
    """
    limits = job.limits
    size = job.source.stat().st_size
    with open_zip(job.source) as archive:
        describe_zip(archive)
        archive.check_bytes(min(limits.total_bytes, max(limits.free_bytes, size * limits.ratio)))
    folder = job.work / "model"
    folder.mkdir()
    shutil.copyfile(job.source, folder / NAME)
    (folder / NAME).chmod(0o644)
    return folder


PROCESSOR: Final = Processor("specr-h2o3", "H2O-3 MOJO", NAME, make)

if __name__ == "__main__":
    PROCESSOR.run()
