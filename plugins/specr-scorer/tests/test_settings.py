from pathlib import Path

import pytest
from specr_scorer.settings import Batch, Settings, SettingsError, read_settings

NEEDED = {"MODEL_PATH": "/models/m", "MODEL_ID": "m1"}


def test_the_two_that_are_needed_are_enough() -> None:
    assert read_settings(NEEDED) == Settings(Path("/models/m"), "m1")


def test_every_variable_is_read(tmp_path: Path) -> None:
    environ = {
        "PORT": "9000",
        "SPECR_HOST": "127.0.0.1",
        "SPECR_PASSPHRASE": "s3cret",
        "SPECR_MAX_REQUEST_BYTES": "1000",
        "SPECR_SCORE_DIR": str(tmp_path),
        "SPECR_MAX_CSV_BYTES": "2000",
        "SPECR_THREADS": "4",
        "SPECR_ACCESS_LOG": "on",
        "SPECR_MAX_MEDIA_BYTES": "3000",
        "SPECR_MAX_MEDIA_FILES": "7",
        "SPECR_BATCH": "ON",
        "SPECR_READ_TIMEOUT": "0",
        "SPECR_SCORE_TIMEOUT": "8",
        "SPECR_STOP_DELAY": "5",
        "SPECR_DRAIN_SECONDS": "60",
    }
    assert read_settings({**NEEDED, **environ}) == Settings(
        model_path=Path("/models/m"),
        model_id="m1",
        host="127.0.0.1",
        port=9000,
        passphrase="s3cret",
        max_request_bytes=1000,
        score_folder=tmp_path,
        max_csv_bytes=2000,
        threads=4,
        access_log=True,
        max_media_bytes=3000,
        max_media_files=7,
        batch=Batch.ON,
        read_timeout=0,
        score_timeout=8,
        stop_delay=5,
        drain=60,
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("MODEL_PATH", "", "MODEL_PATH is not set"),
        ("MODEL_ID", "", "MODEL_ID is not set"),
        ("PORT", "x", "PORT is 'x'; it must be a whole number from 1 to 65535"),
        ("PORT", "0", "PORT is '0'"),
        ("PORT", "65536", "PORT is '65536'"),
        ("PORT", "-1", "PORT is '-1'"),
        ("PORT", "9" * 5000, "PORT is '9"),
        ("SPECR_THREADS", "1.5", "SPECR_THREADS is '1.5'"),
        ("SPECR_ACCESS_LOG", "maybe", "SPECR_ACCESS_LOG is 'maybe'; it must be on or off"),
        ("SPECR_BATCH", "sometimes", "SPECR_BATCH is 'sometimes'; it must be auto, on or off"),
        ("SPECR_SCORE_DIR", "/nowhere/at/all", "SPECR_SCORE_DIR is '/nowhere/at/all', which is no folder"),
        ("SPECR_PASSPHRASE", " ", "SPECR_PASSPHRASE is set but empty"),
        ("SPECR_PASSPHRASE", "pässe", "SPECR_PASSPHRASE has other characters"),
        ("SPECR_PASSPHRASE", "pass ", "SPECR_PASSPHRASE has other characters"),
        ("SPECR_PASSPHRASE", "pa\nss", "SPECR_PASSPHRASE has other characters"),
    ],
)
def test_a_value_that_makes_no_sense_is_told(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({**NEEDED, name: value})
    assert str(caught.value).startswith(reason)
