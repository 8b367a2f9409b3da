"""What the field lists of a request mean for a model. Worth keeping: clients send the same ones again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from specr_scorer.cells import PARSERS, shown
from specr_scorer.model import Cell
from specr_scorer.responses import RequestError
from specr_scorer.schema import DataType, Field, Schema, repeated


@dataclass(frozen=True, slots=True)
class Column:
    """Where a model input stands in each row, and how its cells are parsed."""

    position: int
    field: Field
    parse: Callable[[object], Cell]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the field lists of a request mean for this model.

    `alike` is the type of all cells, where they all are inputs of one type; `in_order` are the inputs' names,
    where a row holds them all, in the schema's order, and nothing else; `has_media` says whether cells of
    an input stand for files. `required` are the inputs that may not be missing; `copies` are the positions of
    the cells that the answer repeats; `makes_ids` says whether a made-up id follows them; `answer_fields`
    names the answer's columns.
    """

    width: int
    columns: tuple[Column, ...]
    alike: DataType | None
    in_order: tuple[str, ...] | None
    has_media: bool
    required: tuple[str, ...]
    copies: tuple[int, ...]
    makes_ids: bool
    answer_fields: tuple[str, ...]


def make_layout(
    schema: Schema, fields: Sequence[str], included: Sequence[str], id_field: str | None
) -> Layout:
    """Work out a request's field lists.

    Raises:
        RequestError: they are not right for this model.
    """
    twice = repeated(fields)
    if twice:
        raise RequestError(f"The field {shown(twice[0])} is named more than once in fields.")
    position = {name: index for index, name in enumerate(fields)}
    inputs = tuple(field.name for field in schema.inputs)
    missing = [name for name in inputs if name not in position]
    if missing:
        known = set(inputs)
        others = [name for name in fields if name not in known]
        unknown_too = f"; it has none named {listed(others)}" if others else ""
        raise RequestError(
            f"The model's input fields are missing from fields: {listed(missing)}{unknown_too}."
        )
    makes_ids = id_field is not None and id_field not in position and id_field in included
    unknown = [name for name in included if name not in position and not (makes_ids and name == id_field)]
    if unknown:
        raise RequestError(f"includeFieldsInOutput names what fields does not: {listed(unknown)}.")
    wanted = set(included)
    copies = tuple(index for index, name in enumerate(fields) if name in wanted)
    names = [fields[index] for index in copies]
    if makes_ids and id_field is not None:
        names.append(id_field)
    types = {field.type for field in schema.inputs}
    return Layout(
        width=len(fields),
        alike=types.pop() if len(types) == 1 and len(fields) == len(inputs) else None,
        in_order=inputs if inputs == tuple(fields) else None,
        has_media=bool(schema.media),
        columns=tuple(Column(position[field.name], field, PARSERS[field.type]) for field in schema.inputs),
        required=tuple(field.name for field in schema.inputs if not field.nullable),
        copies=copies,
        makes_ids=makes_ids,
        answer_fields=(*names, *(field.name for field in schema.outputs)),
    )


def listed(names: Sequence[str]) -> str:
    """Names as error messages list them: the first ten."""
    head = ", ".join(shown(name) for name in names[:10])
    return head if len(names) <= 10 else f"{head} and {len(names) - 10} more"
