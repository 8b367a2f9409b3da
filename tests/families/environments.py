"""The environments that families run in, made with uv from their requirement files.

specr's plug-ins are not installed into them. Their folders in this checkout go on the path, so that
a changed plug-in needs no new environment, and any checkout can use any environment; only what the plug-ins
need from elsewhere is installed, and belongs to an environment's key.
"""

import configparser
import os
import platform
import re
import shlex
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.families.cache import Cache, cache_folder, key_of
from tests.families.commands import CommandError, Deadline, run
from tests.families.family import ROOT, EditionName, Family

PYTHON: Final = "3.11"
"""The version of Python that the listed versions have wheels for."""
UV: Final = Path(sys.executable).parent / "uv"
_INSTALL_SECONDS: Final = 900
_OURS: Final = "specr-"
_DEBIANS: Final = Path("/usr/bin/python3")
"""The Python whose libraries Debian's packages are. It has to be 3.11, which Debian 12's is."""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_PASSED_ON: Final = ("OPENBLAS_", "OMP_", "MKL_", "NVPL_")
"""Variables that decide which code a numeric library runs: the build's must be the runtime's."""


def environment(family: Family, edition: EditionName, deadline: Deadline) -> tuple[Path, bool]:
    """The Python of a family's environment, and whether that had to be made.

    Raises:
        CommandError: the requirements can't be installed.
        OutOfTimeError: the run's time is up.
    """
    debian = family.editions[edition].debian
    return environment_of(family.requirements(edition), family.plugins, deadline, debian)


def environment_of(
    requirements: Path, plugins: Sequence[str], deadline: Deadline, debian: Mapping[str, str] = _NOTHING
) -> tuple[Path, bool]:
    """The same for any requirements, with what these plug-ins need and Debian's packages bring.

    An environment that sees Debian's libraries is made without what these depend on: the requirements say
    all that is to be installed beside them.
    """
    extra = plugin_requirements(plugins)
    interpreter = str(_DEBIANS) if debian else _interpreter()
    for package, version in debian.items():
        _check_debian(package, version, deadline)

    def make(folder: Path) -> None:
        env = uv_environment(os.environ)
        command: list[str | Path] = [UV, "venv", "--quiet", "--relocatable", "--python", interpreter]
        command += ["--system-site-packages"] if debian else []
        run([*command, folder], deadline=deadline, limit=_INSTALL_SECONDS, env=env)
        install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python"]
        install += ["--no-deps"] if debian else []
        run(
            [*install, "--requirement", requirements, *extra],
            deadline=deadline,
            limit=_INSTALL_SECONDS,
            env=env,
        )

    pins = requirements.read_text(encoding="utf-8").splitlines()
    said = [line for line in pins if not line.startswith("#")]  # families of one environment share it
    seen = [f"{package}={version}" for package, version in sorted(debian.items())]
    key = key_of([*said, *extra, *seen, interpreter, platform.machine()])
    folder, made = Cache(cache_folder() / "environments").get(key, make)
    return folder / "bin" / "python", made


def plugin_folders(plugins: Sequence[str]) -> list[Path]:
    """The folders of plug-ins and of those that they need, to go on a path."""
    found = dict.fromkeys(plugins)
    for plugin in plugins:
        ours = (re.split(r"[^\w-]", need)[0] for need in _dependencies(plugin) if need.startswith(_OURS))
        found |= dict.fromkeys(folder.name for folder in plugin_folders(list(ours)))
    return [ROOT / "plugins" / plugin for plugin in found]


def plugin_requirements(plugins: Sequence[str]) -> list[str]:
    """What plug-ins, and those that they need, want installed from elsewhere."""
    needs = {need for folder in plugin_folders(plugins) for need in _dependencies(folder.name)}
    return sorted(need for need in needs if not need.startswith(_OURS))


def _dependencies(plugin: str) -> list[str]:
    path = ROOT / "plugins" / plugin / "pyproject.toml"
    needs: list[str] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"]
    return needs


def write_launcher(path: Path, python: Path, folders: Sequence[Path]) -> None:
    """Write a program that is a family's Python with folders of this checkout on its path.

    Builds and runtimes are both started by one, since runtimes get a small environment of their own. Both
    compute with one thread, as the packs' runtimes do.
    """
    variables = {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, folders))} | {
        name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)
    }
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    path.write_text(f'#!/bin/sh\n{exports}exec {shlex.quote(str(python))} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def uv_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for uv, with what pip is told by its own: uv reads none of pip's.

    pip takes the best version of all indexes, and so must uv here.
    """
    told = dict(environ)
    settings = _pip_settings(environ)
    for ours, theirs in (
        ("UV_FIND_LINKS", "find-links"),
        ("UV_INDEX_URL", "index-url"),
        ("UV_EXTRA_INDEX_URL", "extra-index-url"),
    ):
        if settings.get(theirs):
            told.setdefault(ours, settings[theirs])
    told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    told.pop("VIRTUAL_ENV", None)
    return told


def _pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's settings from its files and variables, the stronger last, as pip reads them."""
    files = [Path("/etc/pip.conf"), Path(sys.prefix, "pip.conf")]
    home = environ.get("HOME")
    if home:
        config = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
        files[1:1] = [Path(home, ".pip", "pip.conf"), Path(config, "pip", "pip.conf")]
    if environ.get("PIP_CONFIG_FILE"):
        files.append(Path(environ["PIP_CONFIG_FILE"]))
    parser = configparser.RawConfigParser()
    parser.read(files, encoding="utf-8")
    settings = dict(parser["global"]) if parser.has_section("global") else {}
    for name, value in environ.items():
        if name.startswith("PIP_"):
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return {name: " ".join(value.split()) for name, value in settings.items()}


def _check_debian(package: str, version: str, deadline: Deadline) -> None:
    """See that a Debian package is installed in a version, whatever Debian's own revision of it."""
    ask: list[str | Path] = ["dpkg-query", "--show", "--showformat", "${Version}", package]
    try:
        found = run(ask, deadline=deadline, limit=60)
    except CommandError as error:
        raise CommandError(f"Debian's package {package} is missing: `apt-get install {package}`") from error
    if re.split(r"[+~-]", found)[0] != version:
        raise CommandError(f"Debian's package {package} is {found} here, and {version} is to be tried")


def _interpreter() -> str:
    """The Python to make environments with: specr's own if it fits, else one that uv finds."""
    if platform.python_version().startswith(f"{PYTHON}."):
        return str(Path(sys.base_prefix, "bin", f"python{PYTHON}"))
    return PYTHON
