"""A score request's JSON to the model's frame and what its answer must hold.

Everything wrong with a request is found here, before the model is called, and told as a
`RequestError`. What depends only on the fields (which column goes where, how it is parsed) is
a `Layout`, worked out once and kept, since clients send the same fields again and again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson

from specr_scorer.cells import PARSERS, CellError, copied, shown
from specr_scorer.media import MediaCellError, read_media
from specr_scorer.model import Cell, Frame, Media
from specr_scorer.schema import Field, Schema, repeated

_NO_FILES: Final[Mapping[str, Media]] = MappingProxyType({})
_KEPT_LAYOUTS = 64
_KEPT_CHARACTERS = 65_536
"""A layout with more names, or longer ones, than this in sum is not kept, so the cache stays small."""


class RequestError(Exception):
    """A request that can't be answered: the HTTP status and the reason."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


@dataclass(frozen=True, slots=True)
class Column:
    """Where a model input stands in each row, and how its cells are parsed."""

    position: int
    field: Field
    parse: Callable[[object], Cell]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the field lists of a request mean for this model.

    `copies` are the positions of the cells that the answer repeats; `makes_ids` says whether
    a made-up id follows them; `answer_fields` names the answer's columns.
    """

    width: int
    columns: tuple[Column, ...]
    copies: tuple[int, ...]
    makes_ids: bool
    answer_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """A request ready for the model: its frame and files, and what the answer repeats of it."""

    layout: Layout
    frame: Frame
    media: Mapping[str, list[Media | None]]
    copies: tuple[list[str | None], ...]
    shows_fields: bool
    shapley: str | None


def _layout(schema: Schema, fields: Sequence[str], included: Sequence[str], id_field: str | None) -> Layout:
    twice = repeated(fields)
    if twice:
        raise RequestError(f"The field {shown(twice[0])} is named more than once in fields.")
    position = {name: index for index, name in enumerate(fields)}
    missing = [field.name for field in schema.inputs if field.name not in position]
    if missing:
        raise RequestError(f"The model's input fields are missing from fields: {_listed(missing)}.")
    makes_ids = id_field is not None and id_field not in position and id_field in included
    unknown = [name for name in included if name not in position and not (makes_ids and name == id_field)]
    if unknown:
        raise RequestError(f"includeFieldsInOutput names what fields does not: {_listed(unknown)}.")
    wanted = set(included)
    copies = tuple(index for index, name in enumerate(fields) if name in wanted)
    names = [fields[index] for index in copies]
    if makes_ids and id_field is not None:
        names.append(id_field)
    return Layout(
        width=len(fields),
        columns=tuple(Column(position[field.name], field, PARSERS[field.type]) for field in schema.inputs),
        copies=copies,
        makes_ids=makes_ids,
        answer_fields=(*names, *(field.name for field in schema.outputs)),
    )


def _listed(names: Sequence[str]) -> str:
    head = ", ".join(shown(name) for name in names[:10])
    return head if len(names) <= 10 else f"{head} and {len(names) - 10} more"


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
            columns = (
                f"its media columns are {_listed(sorted(known))}" if known else "it has no media columns"
            )
            raise RequestError(
                f"mediaFields names what is no media column of the model: {_listed(wrong)}; {columns}."
            )

    def _find_layout(self, fields: list[str], included: list[str], id_field: str | None) -> Layout:
        key = (id_field, len(fields), *fields, *included)
        layout = self._layouts.get(key)
        if layout is None:
            layout = _layout(self._schema, fields, included, id_field)
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
    if value not in {"ORIGINAL", "TRANSFORMED"}:
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
    columns = {column.field.name: _parse_column(column, rows, place) for column in layout.columns}
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


def _parse_column(column: Column, rows: list[list[Any]], place: Callable[[int], str]) -> list[Cell]:
    position, parse, field = column.position, column.parse, column.field
    try:
        cells = [parse(row[position]) for row in rows]
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
