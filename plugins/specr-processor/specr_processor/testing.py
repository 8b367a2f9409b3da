"""What tests of processors need: sources of every form, a look at results, processors as processes.

Never imported when processing.
"""

import io
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Link = tuple[str, str]
"""The name of a symbolic link, and where it leads."""


def make_tar(
    path: Path, files: Mapping[str, bytes], *links: Link, mode: Literal["w", "w:gz"] = "w:gz"
) -> Path:
    """Write a tar with these files and links, in this order."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return path


def make_zip(path: Path, files: Mapping[str, bytes], *links: Link) -> Path:
    """Write a zip with these files and links, in this order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in links:
            member = zipfile.ZipInfo(name)
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, target)
    return path


def make_folder(path: Path, files: Mapping[str, bytes], *links: Link) -> Path:
    """Make a folder with these files and links, and what folders they need."""
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    for name, target in links:
        (path / name).symlink_to(target)
    return path


def read_tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every entry below a folder, none of them a link: its mode, and its bytes if it is a file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        assert not path.is_symlink(), path
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (stat.S_IMODE(path.stat().st_mode), content)
    return found


def run_processor(module: str, source: Path, target: Path, **env: str) -> tuple[int, str]:
    """Run a processor's module as specr does, with a small environment: its status, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={"PATH": os.environ["PATH"], "SOURCE_PATH": str(source), "TARGET_PATH": str(target), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stdout, done.stdout
    return done.returncode, done.stderr
