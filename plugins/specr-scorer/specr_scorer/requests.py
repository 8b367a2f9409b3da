"""A score request's JSON to the model's frame and what its answer must hold.

Everything wrong with a request is found here, before the model is called, and told as a
`RequestError`. What a request says beside its rows is worked out once and kept, since clients send
the same again: which column goes where, how it is parsed (a `Layout`), what the answer shows.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType, NoneType
from typing import Any, Final, NamedTuple

import orjson

from specr_scorer.cells import CellError, copied, shown
from specr_scorer.columns import parse_alike, parse_column
from specr_scorer.layouts import Column, Layout, listed, make_layout
from specr_scorer.media import MediaCellError, read_media
from specr_scorer.model import Cell, Frame, Media
from specr_scorer.responses import RequestError
from specr_scorer.schema import Field, Schema

_NO_FILES: Final[Mapping[str, Media]] = MappingProxyType({})
_NO_MEDIA: Final[Mapping[str, list[Media | None]]] = MappingProxyType({})
_NOTHING: Final = object()
_FORM: Final = (
    "A score request is a JSON object with fields, the columns' names, and rows, a list of lists of cells;"
    " GET /model/sample_request shows one that this model takes."
)
_LIST: Final = frozenset({list})
_TEXTS: Final = frozenset({str, NoneType})
_KEPT_HEADS = 64
_KEPT_BYTES = 65_536
"""What a request says beside its rows is not kept if it is longer than this, so the cache stays small."""


class Asked(NamedTuple):
    """What a request says beside its rows."""

    layout: Layout
    shows_fields: bool = True
    shapley: str | None = None


class ScoreRequest(NamedTuple):
    """A request ready for the model: its frame and files, and what the answer repeats of it."""

    asked: Asked
    frame: Frame
    media: Mapping[str, list[Media | None]]
    copies: list[list[str | None]]

    @property
    def joinable(self) -> bool:
        """Whether its rows may be scored beside those of other requests."""
        return self.asked.shapley is None and self.frame.rows > 0 and not self.media


class RequestReader:
    """Reads score requests for one model's schema. Safe to use from several threads."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._heads: dict[bytes, Asked] = {}

    def read(self, body: bytes, files: Mapping[str, Media] = _NO_FILES) -> ScoreRequest:
        """Parse a request's JSON; `files` are those that its media cells may name.

        Raises:
            RequestError: it is not JSON, not a score request, or a cell fits no column.
        """
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise RequestError(f"The body is not JSON: {error}.") from None
        if type(document) is not dict:
            raise RequestError(_FORM)
        rows = document.pop("rows", _NOTHING)
        asked = self._find_head(document)
        if type(rows) is not list:
            if rows is _NOTHING:
                raise RequestError(_FORM)
            raise RequestError("rows must be a list of lists, a list of cells a row.")
        return _request(asked, rows, files, _json_place)

    def read_table(self, fields: list[str], rows: list[list[str]], lines: Sequence[int]) -> ScoreRequest:
        """Take a table of text cells; `lines` are the rows' line numbers for messages.

        Raises:
            RequestError: as for `read`.
        """
        asked = Asked(make_layout(self._schema, fields, [], None))
        return _request(asked, rows, _NO_FILES, lambda row: f"line {lines[row]}")

    def _find_head(self, document: dict[str, Any]) -> Asked:
        try:
            head = orjson.dumps(document)  # faster than to make anything else of it that has a hash
        except orjson.JSONEncodeError:  # something that nobody asks for is nested deeper than it writes
            return self._read_head(document)
        asked = self._heads.get(head)
        if asked is None:
            asked = self._read_head(document)
            if len(head) <= _KEPT_BYTES:
                if len(self._heads) >= _KEPT_HEADS:
                    self._heads = {}
                self._heads[head] = asked
        return asked

    def _read_head(self, document: dict[str, Any]) -> Asked:
        if "fields" not in document:
            raise RequestError(_FORM)
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
        included = _strings(document, "includeFieldsInOutput")
        layout = make_layout(self._schema, fields, included, id_field)
        return Asked(layout, not unnamed, _shapley(document))

    def _check_media_fields(self, named: Sequence[str]) -> None:
        known = {field.name for field in self._schema.media}
        wrong = [name for name in named if name not in known]
        if wrong:
            columns = f"its media columns are {listed(sorted(known))}" if known else "it has no media columns"
            raise RequestError(
                f"mediaFields names what is no media column of the model: {listed(wrong)}; {columns}."
            )


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


def _request(
    asked: Asked, rows: list[Any], files: Mapping[str, Media], place: Callable[[int], str]
) -> ScoreRequest:
    """A request of rows; `place` names one in messages."""
    layout = asked.layout
    cells = _lay_out(layout.width, rows, place)
    columns = _parse_alike(layout, cells) or _parse_row(layout, cells, len(rows))
    if columns is None:
        columns = {
            column.field.name: _parse_column(column, cells[column.position :: layout.width], place)
            for column in layout.columns
        }
    media = _read_media(layout, columns, files, place) if layout.has_media else _NO_MEDIA
    copies = [_copy_column(position, cells[position :: layout.width], place) for position in layout.copies]
    return ScoreRequest(asked, Frame(columns, len(rows)), media, copies)


def _lay_out(width: int, rows: list[Any], place: Callable[[int], str]) -> list[Any]:
    """The cells of all rows, one after the other."""
    if not (set(map(type, rows)) <= _LIST and set(map(len, rows)) <= {width}):
        for index, row in enumerate(rows):
            if type(row) is not list:
                raise RequestError(f"{place(index)} is {shown(row)}; each row must be a list of cells.")
            if len(row) != width:
                raise RequestError(f"{place(index)} has {len(row)} cells, but there are {width} fields.")
    return rows[0] if len(rows) == 1 else list(chain.from_iterable(rows))


def _parse_alike(layout: Layout, cells: list[Any]) -> dict[str, list[Cell]] | None:
    """The columns of cells that are all of one type; None where they aren't, or something must be told."""
    values = None if layout.alike is None else parse_alike(layout.alike, cells)
    if values is None or (layout.required and None in values):
        return None
    if layout.in_order is not None and len(values) == layout.width:
        # of a row: its cells as columns of one, without a turn of Python's for each
        return dict(zip(layout.in_order, map(list, zip(values, strict=True)), strict=True))
    return {column.field.name: values[column.position :: layout.width] for column in layout.columns}


def _parse_row(layout: Layout, row: list[Any], rows: int) -> dict[str, list[Cell]] | None:
    """The columns of the one row that most requests have; None if there are more, or one must be told of."""
    if rows != 1:
        return None
    try:
        parsed = {column.field.name: [column.parse(row[column.position])] for column in layout.columns}
    except CellError:
        return None
    return None if layout.required and any(parsed[name][0] is None for name in layout.required) else parsed


def _parse_column(column: Column, cells: list[Any], place: Callable[[int], str]) -> list[Cell]:
    field = column.field
    try:
        values = parse_column(field.type, cells)
    except CellError:
        raise _first_bad_cell(column, cells, place) from None
    if not field.nullable and None in values:
        where = place(values.index(None))
        named = f"field {shown(field.name)} ({field.type})"
        raise RequestError(f"{where}, {named}: a value is required, as /model/schema says (nullable: false).")
    return values


def _first_bad_cell(column: Column, cells: list[Any], place: Callable[[int], str]) -> RequestError:
    """Find the cell that a column's parser refused, which the fast path does not track."""
    field = column.field
    for index, cell in enumerate(cells):
        try:
            column.parse(cell)
        except CellError as error:
            where = f"{place(index)}, field {shown(field.name)} ({field.type})"
            return RequestError(f"{where}: {shown(cell)} {error}.")
    raise AssertionError(f"no cell of {field.name!r} is refused a second time")


def _read_media(
    layout: Layout,
    columns: Mapping[str, list[Cell]],
    files: Mapping[str, Media],
    place: Callable[[int], str],
) -> dict[str, list[Media | None]]:
    """The files that the cells of media columns stand for."""
    fields = [column.field for column in layout.columns if column.field.media]
    return {field.name: _media_column(field, columns[field.name], files, place) for field in fields}


def _media_column(
    field: Field, cells: list[Cell], files: Mapping[str, Media], place: Callable[[int], str]
) -> list[Media | None]:
    found: list[Media | None] = []
    for index, cell in enumerate(cells):
        try:
            found.append(None if cell is None else read_media(str(cell), files))
        except MediaCellError as error:
            where = f"{place(index)}, field {shown(field.name)} (media)"
            raise RequestError(f"{where}: {shown(cell)} {error}.") from None
    return found


def _copy_column(position: int, cells: list[Any], place: Callable[[int], str]) -> list[str | None]:
    """The cells of a field as text, which the answer repeats."""
    if set(map(type, cells)) <= _TEXTS:
        return cells
    copies = []
    for index, cell in enumerate(cells):
        try:
            copies.append(copied(cell))
        except CellError as error:
            raise RequestError(f"{place(index)}, cell {position + 1}: {shown(cell)} {error}.") from None
    return copies
