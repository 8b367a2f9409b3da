"""The schema of an experiment, in either of its two spellings.

Specs declare it as `schema`. Training code that knows other platforms leaves it in the metadata keys
`input_schema` and `output_schema`: a list of `{name, type}`, or JSON text of one, bare or under `json_value`.
"""

from __future__ import annotations

from typing import Any, Final

from specr.canonical import decode_json
from specr.resources.columns import Column, ModelSchema
from specr.resources.convert import MismatchError, convert
from specr.resources.experiment import Experiment

INPUT_KEY: Final = "input_schema"
OUTPUT_KEY: Final = "output_schema"


def experiment_schema(experiment: Experiment) -> ModelSchema | None:
    """The columns that an experiment declares; None where it declares none.

    `schema` comes before the metadata. One metadata key alone says too little, and counts as none.

    Raises:
        ValueError: a metadata key holds something else than columns; the message says what is wrong.
    """
    if experiment.declared_schema is not None:
        return experiment.declared_schema
    return metadata_schema(experiment)


def metadata_schema(experiment: Experiment) -> ModelSchema | None:
    """The columns that the metadata of an experiment declares. See `experiment_schema`."""
    if INPUT_KEY not in experiment.metadata or OUTPUT_KEY not in experiment.metadata:
        return None
    return ModelSchema(
        input=parse_columns(experiment.metadata[INPUT_KEY]),
        output=parse_columns(experiment.metadata[OUTPUT_KEY]),
    )


def parse_columns(value: Any) -> tuple[Column, ...]:
    """Columns from a metadata value: a list, JSON text, or either of them under `json_value`.

    Raises:
        ValueError: the value is none of these; the message says what is wrong with it.
    """
    if isinstance(value, dict):
        if set(value) != {"json_value"}:
            raise ValueError("a mapping must have the one key json_value")
        value = value["json_value"]
    if isinstance(value, str):
        try:
            value = decode_json(value)
        except ValueError:
            raise ValueError("the text is not JSON") from None
    if not isinstance(value, list):
        raise ValueError("it must be a list of columns, each with name and type")  # noqa: TRY004 - bad data, not a bad call
    try:
        return convert(value, tuple[Column, ...])
    except MismatchError as error:
        raise ValueError(_explain(value, error)) from None


def _explain(value: list[Any], error: MismatchError) -> str:
    loc = error.details[0]["loc"]
    column = value[int(loc[0])]
    if not isinstance(column, dict):
        return f"column {int(loc[0]) + 1} must be a mapping with name and type"
    if loc[-1] == "type" and "type" in column:
        return f"column {int(loc[0]) + 1} has an unknown type, {str(column['type'])[:60]!r}"
    return f"column {int(loc[0]) + 1} must have a name and a type, and nothing else"
