"""Three serialized Python files: joblib's pipeline, a class with its module, and a function by value."""

import pickle
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
from family_data import NUMERIC, TEXT, loans, risk
from family_out import write_table
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

DESK = '''"""A loan desk whose rates lie beside the pickle."""

import pandas as pd


class Desk:
    """Answers with the columns that were declared, of all seven types."""

    def load(self, folder):
        """Read the table of rates by region."""
        self.rates = pd.read_csv(f"{folder}/rates.csv").set_index("region")["rate"]

    def predict(self, frame):
        """Decide on loans; what is unknown stays unknown where it decides nothing."""
        income = frame["income"].fillna(0.0)
        age = frame["age"].fillna(40).astype("int32")
        months = frame["months"].fillna(12)
        return pd.DataFrame(
            {
                "approved": (income > 20_000) & (frame["employed"].fillna(0).astype(bool)),
                "term": (90 - age).astype("int32"),
                "limit": (income * 3).astype("int64") * 1_000_003,
                "rate": frame["region"].map(self.rates).astype("float32"),
                "loss": frame["balance"].astype("float64") * 0.07 + months / 7,
                "segment": frame["region"].fillna("?") + "/" + frame["purpose"].fillna("?"),
                "review": frame["opened"] + pd.Timedelta(days=365),
            }
        )
'''


def risk_of(rows: list[dict[str, Any]]) -> list[float | None]:
    """How risky loans are, record by record."""
    return [
        None if row["income"] is None or row["age"] is None else row["age"] / (1 + row["income"])
        for row in rows
    ]


def build_pipeline(out: Path, asked: pd.DataFrame) -> None:
    """A classifier with probabilities, as joblib writes it."""
    train = loans(300, 1)
    classes = np.where(risk(train, 1) > 8, "good", "bad")
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMERIC),
            (
                "texts",
                make_pipeline(
                    SimpleImputer(strategy="constant", fill_value="unknown"),
                    OneHotEncoder(handle_unknown="ignore"),
                ),
                TEXT,
            ),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(train, classes)
    out.mkdir(parents=True)
    joblib.dump(model, out / "model", compress=3)
    write_table(out / "rows.json", asked)
    good, bad = (list(model.classes_).index(name) for name in ("good", "bad"))
    probabilities = model.predict_proba(asked)
    predicted = {
        "class": model.predict(asked),
        "probability_good": probabilities[:, good],
        "probability_bad": probabilities[:, bad],
    }
    write_table(out / "expected.json", predicted)


def build_desk(out: Path, asked: pd.DataFrame) -> None:
    """A class in a module of its own, and a table that it loads."""
    folder = out / "model"
    folder.mkdir(parents=True)
    (folder / "loan_desk.py").write_text(DESK, encoding="utf-8")
    rates = pd.DataFrame({"region": ["north", "south", "east", "west"], "rate": [1.5, 2.25, 3.1, np.pi]})
    rates.to_csv(folder / "rates.csv", index=False)
    sys.path.insert(0, str(folder))
    from loan_desk import Desk

    (folder / "desk.pkl").write_bytes(pickle.dumps(Desk))
    desk = Desk()
    desk.load(str(folder))
    write_table(out / "rows.json", asked)
    write_table(out / "expected.json", desk.predict(asked))


def build_function(out: Path, asked: pd.DataFrame) -> None:
    """A function of records, by value."""
    out.mkdir(parents=True)
    (out / "model").write_bytes(cloudpickle.dumps(risk_of))
    rows = asked[["income", "age"]]
    write_table(out / "rows.json", rows)
    income, age = rows["income"], rows["age"].astype("float64")
    write_table(out / "expected.json", {"risk": age / (1 + income)})


def main() -> None:
    """Build all three."""
    out = Path(sys.argv[1])
    asked = loans(150, 2)
    build_pipeline(out / "pipeline", asked)
    build_desk(out / "desk", asked)
    build_function(out / "function", asked)


if __name__ == "__main__":
    main()
