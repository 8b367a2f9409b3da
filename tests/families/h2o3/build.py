"""Models of every kind that H2O-3 exports as MOJOs and that specr serves, with H2O's own predictions.

The rows have gaps in every column, times, level names that need care, and levels that training never
saw. Numbers have few digits, since H2O's reader of CSV is off by a bit for some that have many, and no level
begins or ends with a space, which it takes away.
"""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h2o
import h2o.exceptions
import numpy as np
import pandas as pd
from family_out import write_table
from h2o.estimators import (
    H2OAutoEncoderEstimator,
    H2ODeepLearningEstimator,
    H2OExtendedIsolationForestEstimator,
    H2OGeneralizedLinearEstimator,
    H2OGradientBoostingEstimator,
    H2OIsolationForestEstimator,
    H2OKMeansEstimator,
    H2OPrincipalComponentAnalysisEstimator,
    H2ORandomForestEstimator,
    H2OStackedEnsembleEstimator,
    H2OWord2vecEstimator,
    H2OXGBoostEstimator,
)

STARTING_SECONDS = 150
FEATURES = ["income", "age", "employed", "region", "purpose", "opened"]
UNSEEN = "a region that training never saw"
UNSEEN_IS_ELSE = ("anomalies", "extended", "encoded")
TYPES = {
    "income": "numeric",
    "age": "numeric",
    "employed": "enum",
    "region": "enum",
    "purpose": "enum",
    "opened": "time",
    "exposure": "numeric",
    "loss": "numeric",
    "grade": "enum",
    "stars": "enum",
}
REGIONS = [
    "north",
    "south east",
    "east\tern",
    'w"est"',
    "back\\slash",
    "Île-de-France",
    "日本",
    "1",
    "1.0",
    "None",
]


def table(rows: int, seed: int, extra: Sequence[str] = ()) -> pd.DataFrame:
    """Loans with what the models learn; `extra` are regions that others don't have."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": random.lognormal(10, 0.6, rows).round(2),
            "age": random.integers(18, 90, rows).astype(float),
            "employed": random.choice(["True", "False"], rows),
            "region": random.choice([*REGIONS, *extra], rows),
            "purpose": random.choice(["car", "house", "study", "other, or none"], rows),
            "opened": pd.Timestamp("2015-01-01") + pd.to_timedelta(random.integers(0, 10**8, rows), unit="s"),
        }
    )
    risk = (
        np.log(frame["income"])
        - frame["age"] / 50
        + (frame["region"] == "north")
        + frame["opened"].dt.month / 6
    )
    risk += random.normal(0, 0.3, rows)
    for name in FEATURES:
        frame[name] = frame[name].mask(random.random(rows) < 0.08)
    frame["exposure"] = random.integers(1, 64, rows) / 64
    frame["loss"] = (risk * 4).round(2)
    frame["grade"] = np.where(risk > risk.median(), "good", "bad, or worse")
    frame["stars"] = pd.qcut(risk, 3, labels=["1", "2", "3"]).astype(str)
    return frame


class Builder:
    """Trains models on one frame and writes what they predict for another."""

    def __init__(self, out: Path, known: pd.DataFrame, asked: pd.DataFrame) -> None:
        self._out = out
        self._asked = asked
        self.known, self._h2o_asked = _upload(known), _upload(asked)
        self._h2o_masked = _upload(asked.replace({"region": {UNSEEN: None}}))

    def train(self, model: Any, response: str | None = None, **options: Any) -> Any:
        """Train on the features."""
        model.train(x=FEATURES, y=response, training_frame=self.known, **options)
        return model

    def write(self, case: str, model: Any, *, explained: bool = False, inputs: Sequence[str] = ()) -> None:
        """Write a case: the MOJO, the rows, H2O's predictions and, if `explained`, its Shapley values.

        A level that training never saw is a missing one to genmodel, always. To H2O's own server it is
        that too, but for the cases in `UNSEEN_IS_ELSE` and for Shapley values: for those it is asked with the
        level missing.
        """
        folder = self._out / case
        folder.mkdir()
        model.download_mojo(path=str(folder / "model"))
        write_table(folder / "rows.json", self._asked[[*FEATURES, *inputs]])
        predicted = model.predict(self._h2o_masked if case in UNSEEN_IS_ELSE else self._h2o_asked)
        write_table(folder / "expected.json", _plain(predicted, case))
        if explained:
            shares = model.predict_contributions(self._h2o_masked)
            write_table(folder / "contributions.json", _plain(shares, case))


def _upload(frame: pd.DataFrame) -> Any:
    """A frame as H2O reads it from CSV; what is missing is an empty cell."""
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # H2O reads no file below a folder whose name begins with a dot
        path = Path(folder, "frame.csv")
        frame.to_csv(path, index=False)
        return h2o.import_file(str(path), col_types=TYPES)


def _plain(frame: Any, case: str) -> Mapping[str, pd.Series]:
    """A frame of H2O's, its classes as text, and its clusters by the name that genmodel gives them.

    The flags of anomalies are left out: a score that is the very threshold is flagged by H2O's server and
    not by genmodel, and there always is such a score.
    """
    columns = frame.as_data_frame()
    found = {}
    for place, name in enumerate(frame.names):  # the other's names lose quotation marks
        cells = columns.iloc[:, place]
        found[name] = cells.astype(str) if frame.types[name] == "enum" else cells
    if case == "clusters":
        found["cluster"] = found.pop("predict")
    if case == "anomalies":
        del found["predict"]
    return found


def supervised(builder: Builder) -> None:
    """Classes and numbers, by the algorithms that people use most."""
    options = {"seed": 1, "ntrees": 12}
    calibrated = {"calibrate_model": True, "calibration_frame": builder.known}
    boosted = H2OGradientBoostingEstimator(max_depth=4, **calibrated, **options)
    builder.write("gbm", builder.train(boosted, "grade"), explained=True)
    builder.write("forest", builder.train(H2ORandomForestEstimator(**options), "stars"))
    builder.write("forest-number", builder.train(H2ORandomForestEstimator(**options), "loss"), explained=True)
    builder.write("xgboost", builder.train(H2OXGBoostEstimator(**options), "loss"), explained=True)
    encoded = H2OGradientBoostingEstimator(categorical_encoding="one_hot_explicit", **options)
    builder.write("encoded", builder.train(encoded, "loss"), explained=True)
    offset = H2OGeneralizedLinearEstimator(family="gaussian", offset_column="exposure", seed=1)
    builder.write("offset", builder.train(offset, "loss"), inputs=["exposure"])
    network = H2ODeepLearningEstimator(epochs=2, hidden=[8, 8], seed=1, reproducible=True)
    builder.write("network", builder.train(network, "grade"))
    folds = {"nfolds": 3, "fold_assignment": "Modulo", "keep_cross_validation_predictions": True, "seed": 1}
    bases = [
        builder.train(H2OGradientBoostingEstimator(ntrees=6, **folds), "grade"),
        builder.train(H2OGeneralizedLinearEstimator(family="binomial", **folds), "grade"),
    ]
    builder.write("ensemble", builder.train(H2OStackedEnsembleEstimator(base_models=bases, seed=1), "grade"))


def unsupervised(builder: Builder) -> None:
    """Clusters, anomalies, and fewer dimensions."""
    builder.write("clusters", builder.train(H2OKMeansEstimator(k=4, seed=1)))
    builder.write(
        "anomalies", builder.train(H2OIsolationForestEstimator(ntrees=8, contamination=0.1, seed=1))
    )
    extended = H2OExtendedIsolationForestEstimator(ntrees=8, extension_level=2, seed=1)
    builder.write("extended", builder.train(extended))
    reduced = H2OPrincipalComponentAnalysisEstimator(
        k=3, transform="standardize", impute_missing=True, seed=1
    )
    builder.write("components", builder.train(reduced))
    codes = H2OAutoEncoderEstimator(epochs=2, hidden=[4], seed=1, reproducible=True)
    builder.write("autoencoder", builder.train(codes))


def words(out: Path) -> None:
    """Words as vectors; a missing and an unknown word have none."""
    text = ["the", "quick", "fox", "jumps", "over", "the", "lazy", "dog", "while", "the", "dog", "naps"]
    known = h2o.H2OFrame([[word] for word in text * 40], column_names=["word"], column_types=["string"])
    model = H2OWord2vecEstimator(vec_size=6, epochs=3, min_word_freq=1)
    model.train(training_frame=known)
    asked = ([*dict.fromkeys(text), "unknown", None] * 12)[:120]
    vectors = model.transform(
        h2o.H2OFrame([[word or "unknown"] for word in asked], column_types=["string"]),
        aggregate_method="NONE",
    )
    folder = out / "words"
    folder.mkdir()
    model.download_mojo(path=str(folder / "model"))
    write_table(folder / "rows.json", {"word": asked})
    write_table(folder / "expected.json", _plain(vectors, "words"))


@contextlib.contextmanager
def server() -> Iterator[None]:
    """H2O's server for as long as this lasts, however long it takes to start.

    `h2o.init` gives up after a minute, which a busy machine may need, and then leaves the server behind.
    """
    port = _free_port()
    jar = Path(h2o.__file__).parent / "backend" / "bin" / "h2o.jar"
    options = {
        "ip": "127.0.0.1",
        "web_ip": "127.0.0.1",
        "port": port,
        "nthreads": 2,
        "name": f"family-{port}",
    }
    with tempfile.TemporaryDirectory() as folder:
        command = ["java", "-Xmx1g", "-Duser.timezone=UTC", "-jar", str(jar), "-ice_root", folder]
        command += [word for name, value in options.items() for word in (f"-{name}", str(value))]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _connect(process, port)
            yield
        finally:
            process.terminate()
            process.wait()


def _connect(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            h2o.connect(url=f"http://127.0.0.1:{port}", verbose=False, strict_version_check=False)
        except h2o.exceptions.H2OConnectionError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


def _free_port() -> int:
    """A port that is free, and the one above it, which the server takes too."""
    for port in range(20_000, 30_000, 2):
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise OSError("no two ports are free")


def main() -> None:
    """Train, export, and write what the models should answer."""
    out = Path(sys.argv[1])
    with server():
        h2o.no_progress()
        builder = Builder(out, table(600, 1), table(150, 2, extra=[UNSEEN]))
        supervised(builder)
        unsupervised(builder)
        words(out)


if __name__ == "__main__":
    main()
