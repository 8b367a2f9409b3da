"""What is made of genmodel's answers, with a genmodel that answers as it is told."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from specr_h2o3.model import serve_mojo
from specr_h2o3.mojo import describe_mojo
from specr_scorer import LoadError
from specr_scorer.testing import Client

NAN = math.nan
MakeMojo = Callable[..., Path]


class Told:
    """A genmodel whose answers are told beforehand, and which notes what it was asked."""

    def __init__(
        self,
        answers: Sequence[Sequence[float]] = (),
        slots: Mapping[str, int] | None = None,
        classes: tuple[str, ...] | None = ("no", "yes"),
        explains: tuple[str, ...] | None = None,
    ) -> None:
        self.answers = answers
        self.slots = slots or {"age": 0, "city": 1, "when": 2}
        self.classes = classes
        self.explains = explains
        self.width = 3
        self.asked: list[Any] = []

    def feature_slots(self) -> Mapping[str, int]:
        return self.slots

    def levels(self, _: str) -> tuple[str, ...]:
        return ("Oslo", "New York, NY")

    def encoder(self, slot: int) -> Callable[[str | None], list[float]]:
        def encode(level: str | None) -> list[float]:
            row = [NAN] * self.width
            row[slot] = NAN if level is None else float(self.levels("").index(level))
            return row

        return encode

    def response_levels(self) -> tuple[str, ...] | None:
        return self.classes

    def contribution_names(self) -> tuple[str, ...] | None:
        return self.explains

    def score(self, columns: Any, rows: int, **how: bool) -> Any:
        self.asked.append((columns, rows, how))
        return self.answers

    def contributions(self, columns: Any, rows: int) -> Any:
        self.asked.append((columns, rows))
        return self.answers

    def embeddings(self, words: Sequence[str], size: int) -> Any:
        return [None if word == "unknown" else [float(len(word))] * size for word in words]


def client(mojo: Path, genmodel: Told) -> Client:
    return Client(serve_mojo(describe_mojo(mojo), genmodel))  # type: ignore[arg-type]


FIELDS = ["when", "age", "city"]
ROW = ["1970-01-01 00:00:02", "30", "Oslo"]


def test_a_class_comes_with_its_probabilities(make_mojo: MakeMojo) -> None:
    told = Told([[1.0, 0.25, 0.75], [NAN, NAN, NAN]])
    status, answer = client(make_mojo(), told).post({"fields": FIELDS, "rows": [ROW, [None, None, "Bergen"]]})
    assert (status, answer["fields"]) == (200, ["predict", "no", "yes"])
    assert answer["score"] == [["yes", "0.25", "0.75"], [None, None, None]]
    ((columns, rows, how),) = told.asked
    assert repr(columns) == repr([[30.0, NAN], [0.0, NAN], [2000.0, NAN]])
    assert (rows, how) == (2, {"offset": False, "calibrated": False})


def test_calibrated_probabilities_are_asked_for(make_mojo: MakeMojo) -> None:
    told = Told([[0.0, 0.75, 0.25, 0.9, 0.1]])
    answer = client(make_mojo({"calib_method": "platt"}), told).post({"fields": FIELDS, "rows": [ROW]})[1]
    assert answer["fields"] == ["predict", "no", "yes", "cal_no", "cal_yes"]
    assert answer["score"] == [["no", "0.75", "0.25", "0.9", "0.1"]]
    assert told.asked[0][2]["calibrated"]


def test_a_cluster_is_a_whole_number(make_mojo: MakeMojo) -> None:
    mojo = make_mojo({"category": "Clustering", "algo": "kmeans", "supervised": "false"})
    answer = client(mojo, Told([[2.0, 0.0]])).post({"fields": FIELDS, "rows": [ROW]})[1]
    assert (answer["fields"], answer["score"]) == (["cluster"], [["2"]])


def test_an_offset_is_needed_and_stands_behind_the_features(make_mojo: MakeMojo) -> None:
    told = Told([[1.0]], explains=("age", "BiasTerm"))
    mojo = make_mojo(
        {"category": "Regression", "offset_column": "off"},
        columns=["age", "city", "when", "off", "loss"],
        kinds=["Numeric", "Enum", "Time", "Numeric", "Numeric"],
        levels={1: ["Oslo", "New York, NY"]},
    )
    asked = client(mojo, told)
    status, answer = asked.post({"fields": [*FIELDS, "off"], "rows": [[*ROW, ""]]})
    assert (status, "off" in answer["detail"]) == (400, True)
    assert asked.post({"fields": [*FIELDS, "off"], "rows": [[*ROW, "0.5"]]})[0] == 200
    assert told.asked.pop()[0] == [[30.0], [0.0], [2000.0], [0.5]]
    asked.post({"fields": [*FIELDS, "off"], "rows": [[*ROW, "0.5"]]}, "/model/contribution")
    assert told.asked.pop()[0] == [[30.0], [0.0], [2000.0]]


def test_shapley_values_have_genmodels_names(make_mojo: MakeMojo) -> None:
    asked = client(make_mojo(), Told([[0.5, -0.25]], explains=("age", "BiasTerm")))
    assert asked.get("/model/capabilities")[1] == ["SCORE", "CONTRIBUTION_ORIGINAL"]
    answer = asked.post({"fields": FIELDS, "rows": [ROW]}, "/model/contribution")[1]
    assert answer["features"] == ["age", "BiasTerm"]
    assert answer["contributionGroups"] == [{"contributions": [["0.5", "-0.25"]]}]
    nothing = asked.post({"fields": FIELDS, "rows": []}, "/model/contribution")[1]
    assert nothing["features"] == ["age", "BiasTerm"]


def test_without_shapley_values_none_are_promised(make_mojo: MakeMojo) -> None:
    asked = client(make_mojo(), Told())
    assert asked.get("/model/capabilities")[1] == ["SCORE"]
    assert asked.post({"fields": FIELDS, "rows": [ROW]}, "/model/contribution")[0] == 501


def test_the_sample_has_levels_of_the_model(make_mojo: MakeMojo) -> None:
    sample = client(make_mojo(), Told()).get("/model/sample_request")[1]
    assert dict(zip(sample["fields"], sample["rows"][0], strict=True))["city"] == "Oslo"


def test_words_become_vectors_and_unknown_ones_nothing(make_mojo: MakeMojo) -> None:
    info = {"category": "WordEmbedding", "algo": "word2vec", "vec_size": "2", "supervised": "false"}
    mojo = make_mojo({**info, "n_features": "1"}, columns=["word"], levels={}, kinds=["String"])
    answer = client(mojo, Told()).post({"fields": ["word"], "rows": [["fox"], [""], ["unknown"], ["a"]]})[1]
    assert answer["score"] == [["3.0", "3.0"], [None, None], [None, None], ["1.0", "1.0"]]


def test_what_genmodel_sees_otherwise_is_not_served(make_mojo: MakeMojo) -> None:
    with pytest.raises(LoadError, match="genmodel does not know the column 'when'"):
        client(make_mojo(), Told(slots={"age": 0, "city": 1}))
    with pytest.raises(LoadError, match="other classes"):
        client(make_mojo(), Told(classes=("yes", "no")))
