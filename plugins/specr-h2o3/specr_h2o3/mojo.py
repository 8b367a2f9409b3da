"""What a MOJO says of itself: the columns it takes and gives, and where it comes from.

Read from its texts alone, without Java. The reader shows it at plan, the processor refuses by it, and the
runtime holds genmodel to it.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from specr_processor import OpenZip, SourceError, open_zip

from specr_h2o3.columns import Column, Kind
from specr_h2o3.ini import Ini, Levels, MojoError, parse_ini, parse_levels
from specr_h2o3.outputs import output_columns

INI: Final = "model.ini"
DETAILS: Final = "experimental/modelDetails.json"

_INI_LIMIT: Final = 1 << 30
"""Bytes of a model.ini: some algorithms write their weights there, on lines that are not read."""

_LINE: Final = 1 << 16
_DETAILS_LIMIT: Final = 16 << 20
_LEVELS_LIMIT: Final = 64 << 20
_FACTS: Final = ("h2o_version", "mojo_version", "algo", "algorithm", "category", "uuid", "timestamp")
_LONGEST_FACT: Final = 200
_IN_CLASSES: Final = "\n\r\t"
"""What classes that people wrote as texts may hold; columns are named after them."""


@dataclass(frozen=True, slots=True)
class Mojo:
    """A MOJO's own description.

    `inputs` are in the order in which the model has them; an offset, where there is one, is last.
    `labels` are the classes that a classifier predicts, in the order of their probabilities.
    `is_detailed` says whether the zip has the file that tells times from numbers.
    """

    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    facts: dict[str, str]
    labels: tuple[str, ...] = ()
    offset: str = ""
    is_detailed: bool = True

    @property
    def category(self) -> str:
        """H2O's name for what kind of question the model answers."""
        return self.facts["category"]

    @property
    def explains_by_details(self) -> bool:
        """Whether genmodel needs the details to explain answers, as it does for forests."""
        return self.is_detailed and self.facts["algo"] == "drf"


def describe_mojo(path: Path) -> Mojo:
    """Read a MOJO's description.

    Raises:
        SourceError: it is no MOJO, is damaged, or is of a kind that can't be served.
        OSError: the file can't be read.
    """
    with open_zip(path) as archive:
        return describe_zip(archive)


def describe_zip(archive: OpenZip) -> Mojo:
    """The same for a zip that is open already."""
    ini = parse_ini(archive.lines(INI, _LINE, _INI_LIMIT))
    missing = [key for key in ("algo", "category", "mojo_version") if not ini.text(key)]
    if missing:
        raise MojoError(f"its {INI} does not say what its {missing[0]} is")
    kinds = _told_kinds(archive)
    inputs = _inputs(archive, ini, kinds or {})
    offset = ini.text("offset_column")
    if offset:
        inputs = (*inputs, Column(offset, Kind.NUMBER, required=True))
    labels = _labels(archive, ini)
    features = [
        (name, _levels(archive, ini, ini.levels[index]) if index in ini.levels else None)
        for index, name in enumerate(ini.columns[: ini.whole("n_features")])
        if ini.text("category") == "AutoEncoder"
    ]
    outputs = output_columns(ini, labels, features)
    _check_names(inputs, "", "Rename the column")
    _check_names(outputs, _IN_CLASSES, "Rename the class or the column")
    return Mojo(
        inputs=_distinct(inputs, "input"),
        outputs=_distinct(outputs, "output"),
        facts={key: ini.text(key)[:_LONGEST_FACT] for key in _FACTS if ini.text(key)},
        labels=labels,
        offset=offset,
        is_detailed=kinds is not None,
    )


def _check_names(columns: Iterable[Column], but: str, remedy: str) -> None:
    """Refuse names with control characters, which specs, headers and terminals make something else of."""
    for column in columns:
        if any(unicodedata.category(letter) == "Cc" and letter not in but for letter in column.name):
            raise MojoError(
                f"a column is named {column.name[:60]!r}, with a control character in it. {remedy} and train"
                " again"
            )


def _inputs(archive: OpenZip, ini: Ini, kinds: dict[str, Kind]) -> tuple[Column, ...]:
    """The columns as the model's author knows them, whatever they are encoded to inside."""
    features = ini.columns[: ini.whole("n_features")]
    if len(features) != ini.whole("n_features"):
        raise MojoError(f"its {INI} announces {ini.text('n_features')} features and names {len(features)}")
    categorical = {ini.columns[index] for index in ini.levels if index < len(ini.columns)}
    originals = _originals(archive, ini)
    if originals is not None:
        categorical = {name for position, name in enumerate(originals) if _original_count(ini, position)}
        features = tuple(name for name in originals if _is_encoded(name, features, name in categorical))
    if ini.text("category") == "WordEmbedding":
        return tuple(Column(name, Kind.WORD) for name in features)
    return tuple(
        Column(name, Kind.CATEGORY if name in categorical else kinds.get(name, Kind.NUMBER))
        for name in features
    )


def _originals(archive: OpenZip, ini: Ini) -> tuple[str, ...] | None:
    """The columns before they were encoded, the response among them; None where they are as they were."""
    count = ini.whole("_n_orig_names", 0)
    if not count or ini.text("_genmodel_encoding") in ("", "AUTO"):
        return None
    names = tuple(_text(archive, "_orig_names").split("\n")[:count])
    if len(names) != count or not all(names):
        raise MojoError("its _orig_names does not list the columns that model.ini announces")
    response = ini.columns[-1] if ini.text("supervised") == "true" else None
    return tuple("" if name == response else name for name in names)


def _original_count(ini: Ini, position: int) -> int:
    return ini.whole(f"_m_orig_domain_values_{position}", 0)


def _is_encoded(name: str, features: Sequence[str], is_categorical: bool) -> bool:
    """Whether the model uses a column of the training frame; weights and folds are there too."""
    if not name or name in features:
        return bool(name)
    return is_categorical and any(feature.startswith((f"{name}.", f"{name}:")) for feature in features)


def _labels(archive: OpenZip, ini: Ini) -> tuple[str, ...]:
    """The response's levels; "0" and "1" where it is a number that stands for one of two classes."""
    if ini.text("category") not in ("Binomial", "Multinomial", "Ordinal"):
        return ()
    response = len(ini.columns) - 1
    found = ini.levels.get(response)
    labels = ("0", "1") if found is None else _levels(archive, ini, found)
    if len(labels) != ini.whole("n_classes"):
        raise MojoError(f"its {INI} announces {ini.text('n_classes')} classes and lists {len(labels)}")
    return labels


def _levels(archive: OpenZip, ini: Ini, found: Levels) -> tuple[str, ...]:
    name = f"domains/{found.file}"
    escaped = ini.text("escape_domain_values") == "true"
    return parse_levels(_text(archive, name), found.count, name, escaped=escaped)


def _text(archive: OpenZip, name: str) -> str:
    try:
        return archive.read(name, _LEVELS_LIMIT).decode("utf-8")
    except UnicodeDecodeError:
        raise MojoError(f"its {name} is not UTF-8 text") from None


def _told_kinds(archive: OpenZip) -> dict[str, Kind] | None:
    """Which columns are times, as the details tell; None where there are no details that can be read."""
    if DETAILS not in archive:
        return None
    try:
        document = json.loads(archive.read(DETAILS, _DETAILS_LIMIT))
        output: Any = document["output"]
        pairs = dict(zip(output["names"], output["column_types"], strict=True))
    except (SourceError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return {name: Kind.TIME for name, told in pairs.items() if told == "Time"}


def _distinct(columns: tuple[Column, ...], side: str) -> tuple[Column, ...]:
    seen = set[str]()
    for column in columns:
        if column.name in seen:
            raise MojoError(
                f"two of its {side} columns are named {column.name!r}; rename the column or the class and"
                " train it again"
            )
        seen.add(column.name)
    return columns
