"""A score request's JSON to the model's frame and what its answer must hold.

Everything wrong with a request is found here, before the model is called, and told as a
`RequestError`. What depends only on the fields (which column goes where, how it is parsed) is
a `Layout`, and kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson

from specr_scorer.cells import CellError, copied, shown
from specr_scorer.columns import parse_column
from specr_scorer.layouts import Column, Layout, listed, make_layout
from specr_scorer.media import MediaCellError, read_media
from specr_scorer.model import Cell, Frame, Media
from specr_scorer.responses import RequestError
from specr_scorer.schema import Field, Schema

_NO_FILES: Final[Mapping[str, Media]] = MappingProxyType({})
_KEPT_LAYOUTS = 64
_KEPT_CHARACTERS = 65_536
"""A layout with more names, or longer ones, than this in sum is not kept, so the cache stays small."""


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """A request ready for the model: its frame and files, and what the answer repeats of it."""

    layout: Layout
    frame: Frame
    media: Mapping[str, list[Media | None]]
    copies: tuple[list[str | None], ...]
    shows_fields: bool
    shapley: str | None

    @property
    def joinable(self) -> bool:
        """Whether its rows may be scored beside those of other requests."""
        return self.shapley is None and self.frame.rows > 0 and not self.media


@dataclass(frozen=True, slots=True)
class Told:
    """What a request says beside its table: its files, how to name a row, and what it asks for."""

    files: Mapping[str, Media]
    place: Callable[[int], str]
    shows_fields: bool = True
    shapley: str | None = None


class RequestReader:
    """Reads score requests for one model's schema. Safe to use from several threads."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._layouts: dict[tuple[object, ...], Layout] = {}

    def read(self, body: bytes, files: Mapping[str, Media] = _NO_FILES) -> ScoreRequest:
        """Parse a request's JSON; `files` are those that its media cells may name.

        Raises:
            RequestError: it is not JSON, not a score request, or a cell fits no column.
        """
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise RequestError(f"The body is not JSON: {error}.") from None
        if not isinstance(document, dict):
            raise RequestError("The body must be a JSON object with fields and rows.")
        fields = _strings(document, "fields", required=True)
        id_field = document.get("idField")
        if id_field is not None and not isinstance(id_field, str):
            raise RequestError("idField must be a string.")
        unnamed = document.get("noFieldNamesInOutput")
        if unnamed is not None and not isinstance(unnamed, bool):
            raise RequestError("noFieldNamesInOutput must be true or false.")
        if document.get("requestPredictionIntervals") is True:
            raise RequestError("This model gives no prediction intervals.", status=501)
        self._check_media_fields(_strings(document, "mediaFields"))
        layout = self._find_layout(fields, _strings(document, "includeFieldsInOutput"), id_field)
        rows = document.get("rows")
        if not isinstance(rows, list):
            raise RequestError("rows must be a list of lists, a list of cells a row.")
        shapley = _shapley(document)
        told = Told(files, _json_place, shows_fields=not unnamed, shapley=shapley)
        return _request(layout, rows, told)

    def read_table(self, fields: list[str], rows: list[list[str]], lines: Sequence[int]) -> ScoreRequest:
        """Take a table of text cells; `lines` are the rows' line numbers for messages.

        Raises:
            RequestError: as for `read`.
        """

        def place(row: int) -> str:
            return f"line {lines[row]}"

        layout = self._find_layout(fields, [], None)
        return _request(layout, rows, Told(_NO_FILES, place))

    def _check_media_fields(self, named: Sequence[str]) -> None:
        known = {field.name for field in self._schema.media}
        wrong = [name for name in named if name not in known]
        if wrong:
            columns = f"its media columns are {listed(sorted(known))}" if known else "it has no media columns"
            raise RequestError(
                f"mediaFields names what is no media column of the model: {listed(wrong)}; {columns}."
            )

    def _find_layout(self, fields: list[str], included: list[str], id_field: str | None) -> Layout:
        key = (id_field, len(fields), *fields, *included)
        layout = self._layouts.get(key)
        if layout is None:
            layout = make_layout(self._schema, fields, included, id_field)
            if len(key) + sum(map(len, fields)) + sum(map(len, included)) <= _KEPT_CHARACTERS:
                if len(self._layouts) >= _KEPT_LAYOUTS:
                    self._layouts = {}
                self._layouts[key] = layout
        return layout


def _strings(document: dict[str, Any], key: str, *, required: bool = False) -> list[str]:
    value = document.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RequestError(f"{key} must be a list of strings.")
    return value


def _shapley(document: dict[str, Any]) -> str | None:
    value = document.get("requestShapleyValueType")
    if value is None or value == "NONE":
        return None
    if value not in ("ORIGINAL", "TRANSFORMED"):  # any JSON may come here, also what can't be hashed
        raise RequestError("requestShapleyValueType must be ORIGINAL, TRANSFORMED or NONE.")
    return str(value)


def _json_place(row: int) -> str:
    return f"rows[{row}]"


def _request(layout: Layout, rows: list[Any], told: Told) -> ScoreRequest:
    width, place = layout.width, told.place
    for index, row in enumerate(rows):
        if type(row) is not list:
            raise RequestError(f"{place(index)} is {shown(row)}; each row must be a list of cells.")
        if len(row) != width:
            raise RequestError(f"{place(index)} has {len(row)} cells, but there are {width} fields.")
    columns = (_parse_row(layout, rows[0]) if len(rows) == 1 else None) or {
        column.field.name: _parse_column(column, rows, place) for column in layout.columns
    }
    return ScoreRequest(
        layout=layout,
        frame=Frame(columns, len(rows)),
        media={
            column.field.name: _media_column(column.field, columns[column.field.name], told)
            for column in layout.columns
            if column.field.media
        },
        copies=tuple(_copy_column(position, rows, place) for position in layout.copies),
        shows_fields=told.shows_fields,
        shapley=told.shapley,
    )


def _parse_row(layout: Layout, row: list[Any]) -> dict[str, list[Cell]] | None:
    """The columns of the one row that most requests have; None if something about it must be told."""
    try:
        parsed = {column.field.name: [column.parse(row[column.position])] for column in layout.columns}
    except CellError:
        return None
    return None if layout.required and any(parsed[name][0] is None for name in layout.required) else parsed


def _parse_column(column: Column, rows: list[list[Any]], place: Callable[[int], str]) -> list[Cell]:
    position, field = column.position, column.field
    try:
        cells = parse_column(field.type, [row[position] for row in rows])
    except CellError:
        raise _first_bad_cell(column, rows, place) from None
    if not field.nullable and None in cells:
        where = place(cells.index(None))
        raise RequestError(f"{where}, field {shown(field.name)} ({field.type}): a value is required.")
    return cells


def _first_bad_cell(column: Column, rows: list[list[Any]], place: Callable[[int], str]) -> RequestError:
    """Find the cell that a column's parser refused, which the fast path does not track."""
    field = column.field
    for index, row in enumerate(rows):
        try:
            column.parse(row[column.position])
        except CellError as error:
            cell = shown(row[column.position])
            where = f"{place(index)}, field {shown(field.name)} ({field.type})"
            return RequestError(f"{where}: {cell} {error}.")
    raise AssertionError(f"no cell of {field.name!r} is refused a second time")


def _media_column(field: Field, cells: list[Cell], told: Told) -> list[Media | None]:
    """The files that a media column's cells stand for."""
    found: list[Media | None] = []
    for index, cell in enumerate(cells):
        try:
            found.append(None if cell is None else read_media(str(cell), told.files))
        except MediaCellError as error:
            where = f"{told.place(index)}, field {shown(field.name)} (media)"
            raise RequestError(f"{where}: {shown(cell)} {error}.") from None
    return found


def _copy_column(position: int, rows: list[list[Any]], place: Callable[[int], str]) -> list[str | None]:
    cells = []
    for index, row in enumerate(rows):
        try:
            cells.append(copied(row[position]))
        except CellError as error:
            cell = shown(row[position])
            raise RequestError(f"{place(index)}, cell {position + 1}: {cell} {error}.") from None
    return cells
