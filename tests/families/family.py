"""What a family's folder says of it: `family.toml`, read and checked.

    <name>/family.toml               this
    <name>/requirements-listed.txt   the environment at the listed version, or the nearest that installs
    <name>/requirements-newest.txt   the environment at the newest; left out where that is the same one
    <name>/build.py                  trains and saves a model with the real library
    <name>/specr.yaml                the project that deploys it

Nothing here runs or installs anything.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FAMILIES: Final = Path(__file__).parent
ROOT: Final = FAMILIES.parents[1]
_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)

ColumnType = Literal["Boolean", "Time64", "Float32", "Float64", "Int32", "Int64", "String"]


class FamilyError(Exception):
    """A family's folder that is not as it should be; the message names the file."""


class EditionName(StrEnum):
    """Which version of the library."""

    LISTED = "listed"
    NEWEST = "newest"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Edition(_Part):
    """One environment.

    `requires` is what `lock` resolves, `package` the distribution here, if it is another than the
    family's, `note` says why it is not the listed version, or another package. `debian` are the versions of
    what is not installed from an index but taken from Debian's packages, by their names: of libraries that
    have no wheel, or none for processors alone.
    """

    requires: tuple[str, ...]
    package: str = ""
    note: str = ""
    debian: dict[str, str] = Field(default_factory=dict)

    @property
    def from_debian(self) -> Mapping[str, str]:
        """The versions of distributions that Debian's packages bring: `torch` is `python3-torch`."""
        return {name.removeprefix("python3-"): version for name, version in self.debian.items()}


class Rows(_Part):
    """What the rows must hold, so that no column type that the family takes is left out.

    `missing` is what becomes of a row that lacks a cell: `scored`, or `refused` with a 400; `note` says
    what the library makes of it. `media` are the columns whose cells name files in the case's folder `media`.
    """

    types: tuple[ColumnType, ...] = ()
    missing: Literal["scored", "refused"] = "scored"
    note: str
    media: tuple[str, ...] = ()


class Comparison(_Part):
    """How far a number may be off, relative to the larger of 1 and itself; above 0 it needs a reason."""

    tolerance: float = Field(default=0.0, ge=0, le=1e-3)
    reason: str = ""


class Family(_Part):
    """One family. `listed` is the version of the source documents, empty where they give none.

    `package` is the distribution whose version is the family's; `plugins` are folders of `plugins/`
    that go on the path of its environment; `needs` are Debian packages that it needs besides. `cases` are
    what the rows of some of its models hold, where that is not `rows`. A `heavy` one has gigabytes to
    download. `untried` is why a family can't be tried at all; `processor` and `runtime` then say what there
    is for it.
    """

    name: str
    title: str
    package: str = ""
    listed: str = ""
    artifact_type: str
    plugins: tuple[str, ...]
    needs: tuple[str, ...] = ()
    note: str = ""
    heavy: bool = False
    untried: str = ""
    processor: str = ""
    runtime: str = ""
    editions: dict[EditionName, Edition] = Field(default_factory=dict)
    rows: Rows = Rows(note="")
    cases: dict[str, Rows] = Field(default_factory=dict)
    comparison: Comparison = Comparison()

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return FAMILIES / self.name

    @property
    def debian_packages(self) -> frozenset[str]:
        """All Debian packages that it needs."""
        return frozenset(self.needs).union(*(edition.debian for edition in self.editions.values()))

    def requirements(self, edition: EditionName) -> Path:
        """The pinned requirements of an edition."""
        return self.folder / f"requirements-{edition}.txt"

    def rows_of(self, case: str) -> Rows:
        """What the rows of a model hold."""
        return self.cases.get(case, self.rows)

    def version(self, edition: EditionName) -> str:
        """The library's version in an edition, by its pin.

        Raises:
            FamilyError: the requirements don't pin it.
        """
        pins = {**read_pins(self.requirements(edition)), **self.editions[edition].from_debian}
        package = self.editions[edition].package or self.package
        found = pins.get(normalise(package))
        if found is None:
            path = self.requirements(edition).relative_to(ROOT)
            raise FamilyError(
                f"{path} does not pin {package}: run `python -m tests.families lock {self.name}`"
            )
        return found


def normalise(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(path: Path) -> Mapping[str, str]:
    """The versions that a requirements file pins, by normalised name; none where there is no file."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return {normalise(name): version for name, version in _PIN.findall(text)}


def family_names() -> list[str]:
    """The folders that hold a family."""
    return sorted(path.parent.name for path in FAMILIES.glob("*/family.toml"))


def load_family(name: str) -> Family:
    """Read one family.

    Raises:
        FamilyError: there is none of that name, or its file is not right.
    """
    path = FAMILIES / name / "family.toml"
    if not path.exists():
        raise FamilyError(f"there is no family {name!r}; there are {', '.join(family_names())}")
    try:
        family = Family.model_validate({"name": name, **tomllib.loads(path.read_text(encoding="utf-8"))})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise FamilyError(f"{path.relative_to(ROOT)}: {error}") from error
    problems = list(_problems(family))
    if problems:
        raise FamilyError(f"{path.relative_to(ROOT)}: {'; '.join(problems)}")
    return family


def _problems(family: Family) -> Iterator[str]:
    if family.untried:
        if not (family.processor and family.runtime):
            yield "a family that can't be tried says what `processor` and `runtime` there are for it"
        return
    if EditionName.LISTED not in family.editions:
        yield "it has no edition `listed`"
    if not family.rows.note:
        yield "`rows.note` must say what becomes of missing cells"
    for needed in ("build.py", "specr.yaml"):
        if not (family.folder / needed).exists():
            yield f"{needed} is missing"
    if family.comparison.tolerance and not family.comparison.reason:
        yield "a tolerance needs its reason"
    for plugin in family.plugins:
        if not (ROOT / "plugins" / plugin / "pyproject.toml").exists():
            yield f"there is no plug-in {plugin}"
