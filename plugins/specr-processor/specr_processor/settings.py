"""What the environment tells a processor. Read once at start; nothing else reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specr_processor.errors import SettingsError
from specr_processor.unpack import Limits


@dataclass(frozen=True, slots=True)
class Settings:
    """From where, to where, and how far a source may grow. The README tells the variables."""

    source: Path
    target: Path
    limits: Limits = field(default_factory=Limits)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Take the settings from environment variables.

    Raises:
        SettingsError: SOURCE_PATH or TARGET_PATH is missing, or a value is none.
    """
    source, target = _path(environ, "SOURCE_PATH"), _path(environ, "TARGET_PATH")
    if not source.exists():
        raise SettingsError(f"SOURCE_PATH is {str(source)!r}, where there is nothing")
    if target.resolve().is_relative_to(source.resolve()):
        raise SettingsError(f"TARGET_PATH {str(target)!r} lies in SOURCE_PATH {str(source)!r}")
    default = Limits()
    limits = Limits(
        total_bytes=whole_number(environ, "SPECR_MAX_UNPACKED_BYTES", default.total_bytes),
        ratio=whole_number(environ, "SPECR_MAX_UNPACK_RATIO", default.ratio),
    )
    return Settings(source, target, limits)


def whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    """A variable that is a whole number above 0; the default where it is not set or empty.

    Raises:
        SettingsError: it is set to anything else.
    """
    text = environ.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text[:20]) > 0):
        raise SettingsError(f"{name} is {text!r}; it must be a whole number above 0")
    return int(text)


def _path(environ: Mapping[str, str], name: str) -> Path:
    if not environ.get(name):
        raise SettingsError(f"{name} is not set; the processor needs SOURCE_PATH and TARGET_PATH")
    return Path(environ[name])
