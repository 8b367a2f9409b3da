"""The kit that processors are made with. A processor is a `Processor(...)` whose `run()` is called."""

from specr_processor.errors import SettingsError, SourceError
from specr_processor.program import FAILED, MISUSED, Job, Processor
from specr_processor.settings import Settings, whole_number
from specr_processor.unpack import Limits, UnpackError, model_root, unpack
from specr_processor.zips import OpenZip, ZipError, open_zip, open_zip_file

__version__ = "0.1.0"

__all__ = [
    "Processor",
    "Job",
    "Settings",
    "SourceError",
    "SettingsError",
    "UnpackError",
    "Limits",
    "unpack",
    "model_root",
    "OpenZip",
    "ZipError",
    "open_zip",
    "open_zip_file",
    "whole_number",
    "FAILED",
    "MISUSED",
]
