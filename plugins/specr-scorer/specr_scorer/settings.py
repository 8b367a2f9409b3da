"""What the environment tells a runtime. Read once at start; nothing else reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

_MIB = 1024 * 1024
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - a container's port is published by who runs it


class SettingsError(Exception):
    """An environment variable that is missing or makes no sense; the message names it."""


class Batch(StrEnum):
    """Whether requests that wait are scored as one frame: where the model allows it, always, never."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve. The README's table tells each variable's meaning and default."""

    model_path: Path
    model_id: str
    host: str = _ANY_ADDRESS
    port: int = 8080
    passphrase: str | None = field(default=None, repr=False)
    max_request_bytes: int = 32 * _MIB
    max_media_bytes: int = 128 * _MIB
    max_media_files: int = 1000
    score_folder: Path | None = None
    max_csv_bytes: int = 256 * _MIB
    threads: int = 1
    batch: Batch = Batch.AUTO
    read_timeout: int = 30
    score_timeout: int = 300
    access_log: bool = False
    stop_delay: int = 0
    drain: int = 30


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Take the settings from environment variables.

    Raises:
        SettingsError: MODEL_PATH or MODEL_ID is missing, or a value is none.
    """
    return Settings(
        model_path=Path(_required(environ, "MODEL_PATH")),
        model_id=_required(environ, "MODEL_ID"),
        host=environ.get("SPECR_HOST") or _ANY_ADDRESS,
        port=_whole(environ, "PORT", 8080, 1, 65_535),
        passphrase=_passphrase(environ, "SPECR_PASSPHRASE"),
        max_request_bytes=_whole(environ, "SPECR_MAX_REQUEST_BYTES", 32 * _MIB, 1, 2**40),
        max_media_bytes=_whole(environ, "SPECR_MAX_MEDIA_BYTES", 128 * _MIB, 1, 2**40),
        max_media_files=_whole(environ, "SPECR_MAX_MEDIA_FILES", 1000, 1, 1_000_000),
        score_folder=_folder(environ, "SPECR_SCORE_DIR"),
        max_csv_bytes=_whole(environ, "SPECR_MAX_CSV_BYTES", 256 * _MIB, 1, 2**40),
        threads=_whole(environ, "SPECR_THREADS", 1, 1, 256),
        batch=_batch(environ, "SPECR_BATCH"),
        read_timeout=_whole(environ, "SPECR_READ_TIMEOUT", 30, 0, 86_400),
        score_timeout=_whole(environ, "SPECR_SCORE_TIMEOUT", 300, 0, 86_400),
        access_log=_switch(environ, "SPECR_ACCESS_LOG"),
        stop_delay=_whole(environ, "SPECR_STOP_DELAY", 0, 0, 3600),
        drain=_whole(environ, "SPECR_DRAIN_SECONDS", 30, 0, 86_400),
    )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; a runtime needs MODEL_PATH and MODEL_ID")
    return value


def _passphrase(environ: Mapping[str, str], name: str) -> str | None:
    text = environ.get(name)
    if text is None:
        return None
    if not text.strip():
        raise SettingsError(f"{name} is set but empty; unset it to serve without a passphrase")
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        # Its value is a secret, so the message does not show it.
        raise SettingsError(
            f"{name} has other characters than a header can carry: use ASCII, without spaces at its ends"
        )
    return text


def _whole(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= most):
        raise SettingsError(f"{name} is {text!r}; it must be a whole number from {least} to {most}")
    return int(text)


def _batch(environ: Mapping[str, str], name: str) -> Batch:
    text = (environ.get(name) or Batch.AUTO).lower()
    if text not in set(Batch):
        raise SettingsError(f"{name} is {text!r}; it must be auto, on or off")
    return Batch(text)


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = (environ.get(name) or "off").lower()
    if text in {"on", "true", "1", "yes"}:
        return True
    if text in {"off", "false", "0", "no"}:
        return False
    raise SettingsError(f"{name} is {text!r}; it must be on or off")


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name)
    if not text:
        return None
    if not Path(text).is_dir():
        raise SettingsError(f"{name} is {text!r}, which is no folder")
    return Path(text)
