"""Objects of every kind behind the scorer API, from the processor on."""

import importlib.util
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from specr_pickle.processor import PROCESSOR
from specr_pickle.runtime import load
from specr_processor import Settings
from specr_processor.testing import make_folder
from specr_scorer import LoadError
from specr_scorer.testing import Client, start_runtime

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
joblib = pytest.importorskip("joblib")

SOURCE = Path(__file__).with_name("models.py")
AREA_ROOMS = [("area", "Float64"), ("rooms", "Int64")]
PRICE = [("price", "Float64")]
Columns = list[tuple[str, str]]


@pytest.fixture
def models() -> Iterator[Any]:
    """The authors' module, as it is called on their machine; gone again when the model is loaded."""
    spec = importlib.util.spec_from_file_location("acme_models", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["acme_models"] = module
    spec.loader.exec_module(module)
    before = list(sys.path)
    yield module
    sys.modules.pop("acme_models", None)
    sys.path[:] = before


def schema(inputs: Columns, outputs: Columns) -> str:
    sides = {"input": inputs, "output": outputs}
    return json.dumps({side: [{"name": n, "type": t} for n, t in columns] for side, columns in sides.items()})


def processed(folder: Path, thing: Any, files: dict[str, bytes] | None = None) -> Path:
    """What the processor makes of an object and its own module."""
    given = {"model.pkl": pickle.dumps(thing), "acme_models.py": SOURCE.read_bytes(), **(files or {})}
    source, target = make_folder(folder / "source", given), folder / "target"
    policy = '{"modules": ["acme_models", "cloudpickle"]}'
    PROCESSOR.process(Settings(source, target), {"SPECR_POLICY": policy})
    return target


@pytest.fixture
def serve(tmp_path: Path, models: Any) -> Callable[..., Client]:
    def start(
        thing: Any,
        inputs: Columns = AREA_ROOMS,
        outputs: Columns = PRICE,
        files: dict[str, bytes] | None = None,
        **env: str,
    ) -> Client:
        folder = processed(tmp_path, thing, files)
        sys.modules.pop("acme_models")  # from here on it is found with the model, or not at all
        return Client(load({"MODEL_PATH": str(folder), "SPECR_MODEL_SCHEMA": schema(inputs, outputs), **env}))

    return start


def score(client: Client, fields: list[str], rows: list[list[Any]]) -> list[list[str | None]]:
    status, answer = client.post({"fields": fields, "rows": rows})
    assert status == 200, answer
    found: list[list[str | None]] = answer["score"]
    return found


ROWS = [["10.5", "2"], ["1", "3"]]
FIELDS = ["area", "rooms"]


def test_a_function_of_a_frame(serve: Any, models: Any) -> None:
    assert score(serve(models.total), FIELDS, ROWS) == [["23.0"], ["5.0"]]


def test_missing_whole_numbers_don_t_change_their_neighbours(serve: Any, models: Any) -> None:
    client = serve(models.total)
    assert score(client, FIELDS, [["1", "3"], ["1", None], [None, "2"]]) == [["5.0"], [None], [None]]


def test_records_and_columns(serve: Any, models: Any) -> None:
    client = serve(models.by_record, SPECR_PICKLE_INPUT="records")
    assert score(client, FIELDS, [["2", "3"], [None, "3"]]) == [["6.0"], [None]]


def test_columns(serve: Any, models: Any) -> None:
    assert score(serve(models.by_column, SPECR_PICKLE_INPUT="columns"), FIELDS, ROWS) == [["11.5"], ["2.0"]]


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        ([("a", "Int32"), ("b", "Boolean")], "ndarray int64"),
        ([("a", "Int32"), ("b", "Float32")], "ndarray float64"),
        ([("a", "Int32"), ("b", "String")], "ndarray object"),
    ],
)
def test_arrays_have_the_type_that_the_columns_tell(
    serve: Any, models: Any, inputs: Columns, kind: str
) -> None:
    client = serve(models.kind_of, inputs, [("kind", "String")], SPECR_PICKLE_INPUT="array")
    assert score(client, ["a", "b"], [["1", "1"]]) == [[kind]]


def test_an_object_that_loads_its_files(serve: Any, models: Any) -> None:
    client = serve(models.Rates(), files={"rate.txt": b"2.5"})
    assert score(client, FIELDS, ROWS) == [["26.25"], ["2.5"]]


def test_a_class_is_made_and_loads(serve: Any, models: Any) -> None:
    assert score(serve(models.Loaded, files={"rate.txt": b"2"}), FIELDS, ROWS) == [["21.0"], ["2.0"]]


def test_transform_where_there_is_no_predict(serve: Any, models: Any) -> None:
    client = serve(models.Scaler(), outputs=[("area", "Float64"), ("rooms", "Float64")])
    assert score(client, FIELDS, ROWS) == [["5.25", "1.0"], ["0.5", "1.5"]]


def test_another_method_by_name(serve: Any, models: Any) -> None:
    assert score(serve(models.Scaler(), SPECR_PICKLE_METHOD="halve"), FIELDS, ROWS) == [["5.25"], ["0.5"]]


def test_a_function_by_value(serve: Any) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec("def halve(frame):\n    return frame['area'] / 2", scope)
    client = serve({}, files={"model.pkl": cloudpickle.dumps(scope["halve"])})
    assert score(client, FIELDS, ROWS) == [["5.25"], ["0.5"]]


class TestScikitLearn:
    """Answers are the library's own, on rows of frames and of arrays."""

    @pytest.fixture
    def data(self) -> Any:
        datasets = pytest.importorskip("sklearn.datasets")
        return datasets.load_iris(return_X_y=True, as_frame=True)

    def classifier(self, x: Any, y: Any) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)

    @pytest.mark.parametrize("fitted_to", ["frame", "array"])
    def test_predictions_and_probabilities(self, serve: Any, data: Any, fitted_to: str) -> None:
        x, y = data
        model = self.classifier(x if fitted_to == "frame" else x.to_numpy(), y)
        fields = list(x.columns)
        outputs = [("probability_2", "Float64"), ("species", "Int64"), ("probability_0", "Float64")]
        client = serve(model, [(name, "Float64") for name in fields], outputs)
        got = score(client, fields, x.to_numpy().tolist())
        given = x if fitted_to == "frame" else x.to_numpy()
        probabilities, classes = model.predict_proba(given), model.predict(given)
        assert [int(row[1] or "") for row in got] == classes.tolist()
        np.testing.assert_allclose(
            [[float(row[2] or ""), float(row[0] or "")] for row in got], probabilities[:, [0, 2]], rtol=1e-12
        )

    def test_probabilities_alone(self, serve: Any, data: Any, tmp_path: Path) -> None:
        x, y = data
        model = self.classifier(x, y)
        fields = list(x.columns)
        client = serve(model, [(name, "Float64") for name in fields], [("probability_1", "Float64")])
        assert float(score(client, fields, x.to_numpy()[:1].tolist())[0][0] or "") == pytest.approx(
            model.predict_proba(x)[0, 1]
        )

    def test_joblib(self, serve: Any, data: Any, tmp_path: Path) -> None:
        x, y = data
        joblib.dump(self.classifier(x, y), tmp_path / "m", compress=3)
        fields = list(x.columns)
        client = serve(
            None,
            [(name, "Float64") for name in fields],
            [("species", "Int64")],
            {"model.pkl": (tmp_path / "m").read_bytes()},
        )
        assert score(client, fields, x.to_numpy()[:1].tolist()) == [["0"]]


class TestRefusals:
    def told(self, serve: Any, *arguments: Any, **options: Any) -> str:
        with pytest.raises(LoadError) as refusal:
            serve(*arguments, **options)
        return str(refusal.value)

    def test_no_schema(self, tmp_path: Path, models: Any) -> None:
        with pytest.raises(LoadError, match=r"a pickle tells no schema. Declare spec\.schema"):
            load({"MODEL_PATH": str(processed(tmp_path, models.total))})

    @pytest.mark.parametrize(
        "text",
        [
            '{"input": 1}',
            '{"input": [{"name": "a", "type": 5}]}',
            '{"input": [{"name": "a", "type": "Str"}]}',
            "[]",
            "{",
        ],
    )
    def test_a_schema_that_is_none(self, tmp_path: Path, models: Any, text: str) -> None:
        environ = {"MODEL_PATH": str(processed(tmp_path, models.total)), "SPECR_MODEL_SCHEMA": text}
        with pytest.raises(LoadError, match="SPECR_MODEL_SCHEMA is no schema"):
            load(environ)

    def test_nothing_to_call(self, serve: Any) -> None:
        assert "has no predict or transform and can't be called" in self.told(serve, {"a": 1})

    def test_no_such_method(self, serve: Any, models: Any) -> None:
        assert "has no method 'guess'" in self.told(serve, models.Scaler(), SPECR_PICKLE_METHOD="guess")

    def test_a_class_with_arguments(self, serve: Any, models: Any) -> None:
        assert "the class Needy can't be made without arguments" in self.told(serve, models.Needy)

    def test_an_unknown_form(self, serve: Any, models: Any) -> None:
        told = self.told(serve, models.total, SPECR_PICKLE_INPUT="table")
        assert told == "SPECR_PICKLE_INPUT is 'table'; it must be one of frame, array, records, columns"

    def test_a_package_that_is_missing(self, serve: Any) -> None:
        data = b"cacme_models.missing\nthing\n."
        told = self.told(serve, None, files={"model.pkl": data})
        assert "acme_models.missing is not installed where this runs" in told
        assert "put it into the pickle's folder, or give the runtime `env: {PYTHONPATH: …}`" in told

    def test_a_folder_of_somebody_else(self, tmp_path: Path) -> None:
        with pytest.raises(LoadError, match="no folder that the processor made"):
            load({"MODEL_PATH": str(tmp_path), "SPECR_MODEL_SCHEMA": schema(AREA_ROOMS, PRICE)})


def test_outputs_that_are_not_as_declared_are_an_error_of_the_model(serve: Any, models: Any) -> None:
    client = serve(models.Scaler())
    status, answer = client.post({"fields": FIELDS, "rows": ROWS})
    assert status == 500
    assert "predict gave 2 columns, but the experiment declares 1 outputs" in answer["detail"]


def test_the_runtime_as_a_process(tmp_path: Path, models: Any) -> None:
    environ = {
        "MODEL_PATH": str(processed(tmp_path, models.total)),
        "MODEL_ID": "price",
        "SPECR_MODEL_SCHEMA": schema(AREA_ROOMS, PRICE),
    }
    runtime = start_runtime([sys.executable, "-m", "specr_pickle.runtime"], environ, tmp_path)
    try:
        runtime.wait_until(200)
        status, body = runtime.ask("POST", "/model/score", json.dumps({"fields": FIELDS, "rows": ROWS}))
        assert (status, json.loads(body)["score"]) == (200, [["23.0"], ["5.0"]])
        assert runtime.stop() == 0
    finally:
        runtime.process.kill()
        runtime.process.communicate()
