"""The processor: takes `pipeline.mojo` out of a download, checks it, and puts it at TARGET_PATH.

Run as `python -m specr_dai.processor`. Every byte of the pipeline is checked; nothing of it is loaded, and
what else is in the download (programs, examples) stays behind.
"""

from pathlib import Path
from typing import Final

from specr_processor import Job, Processor, SourceError

from specr_dai.pipeline import NAME, open_pipeline

_CHUNK: Final = 1 << 20


def make(job: Job) -> Path:
    """A folder with the pipeline in it.

    Raises:
        SourceError: there is none, it is damaged, or it grows beyond measure.
    """
    limits, size = job.limits, job.source.stat().st_size
    most = min(limits.total_bytes, max(limits.free_bytes, size * limits.ratio))
    folder = job.work / "model"
    folder.mkdir()
    with open_pipeline(job.source) as (file, archive):
        archive.check_bytes(most)
        file.seek(0)
        written = 0
        with (folder / NAME).open("xb") as target:
            while chunk := file.read(_CHUNK):
                written += len(chunk)
                if written > most:
                    raise SourceError(f"its {NAME} has more than {most:,} bytes, too much for its size")
                target.write(chunk)
    (folder / NAME).chmod(0o644)
    return folder


PROCESSOR: Final = Processor("specr-dai", "Driverless AI MOJO pipeline", NAME, make)

if __name__ == "__main__":
    PROCESSOR.run()
