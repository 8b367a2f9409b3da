"""Two modules of TensorFlow: numbers with gaps to a risk and three grades' chances, and texts to two chances.

Both are trained for some seconds and saved with mlflow's tensorflow flavour, as SavedModels. Keras is
a family of its own.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import mlflow.tensorflow
import numpy as np
import tensorflow as tf
from family_data import loans, risk
from family_out import write_table
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

_NUMBERS: Final = ["income", "balance", "age", "months", "employed"]
_GRADES: Final = 3
_BUCKETS: Final = 200
_WORDS: Final = [
    "the",
    "a",
    "loan",
    "house",
    "car",
    "Île",
    "früh",
    "was",
    "is",
    "paid",
    "never",
    "late",
    "字",
]
_GOOD: Final = {"paid", "früh", "house"}


def weights(random: np.random.Generator, *shape: int) -> tf.Variable:
    """Small numbers to start from."""
    return tf.Variable(random.normal(0, 0.3, shape).astype("float32"))


class Risk(tf.Module):
    """Five numbers, scaled; a gap is 0 and says so in five more inputs."""

    def __init__(self, numbers: Any) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.mean = tf.constant(np.nanmean(numbers, axis=0))
        self.deviation = tf.constant(np.nanstd(numbers, axis=0))
        self.hidden, self.shift = weights(random, 2 * len(_NUMBERS), 24), weights(random, 24)
        self.top, self.top_shift = weights(random, 24, 1 + _GRADES), weights(random, 1 + _GRADES)

    @tf.function(input_signature=[tf.TensorSpec([None, len(_NUMBERS)], tf.float32)])
    def __call__(self, numbers: Any) -> Any:
        """Two outputs, by name."""
        gaps = tf.math.is_nan(numbers)
        scaled = tf.where(gaps, tf.zeros_like(numbers), (numbers - self.mean) / self.deviation)
        seen = tf.concat([scaled, tf.cast(gaps, tf.float32)], axis=1)
        top = tf.nn.relu(seen @ self.hidden + self.shift) @ self.top + self.top_shift
        return {"risk": top[:, 0], "chance": tf.nn.softmax(top[:, 1:])}


class Tone(tf.Module):
    """Texts: the mean of what each of their words is worth."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(1)
        self.words, self.shift = weights(random, _BUCKETS, 2), weights(random, 2)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, texts: Any) -> Any:
        """The two chances."""
        words = tf.strings.split(texts)  # ragged: filled up, a text would depend on the longest beside it
        buckets = tf.ragged.map_flat_values(tf.strings.to_hash_bucket_fast, words, _BUCKETS)
        return tf.nn.softmax(tf.reduce_mean(tf.gather(self.words, buckets), axis=1) + self.shift)


def fit(module: tf.Module, loss: Any, steps: int) -> None:
    """Some steps of Adam over all rows at once, by hand, since its place has changed over the versions."""
    variables = module.trainable_variables
    means = [tf.zeros_like(variable) for variable in variables]
    squares = [tf.zeros_like(variable) for variable in variables]
    for step in range(1, steps + 1):
        with tf.GradientTape() as tape:
            missed = loss()
        slopes = map(tf.convert_to_tensor, tape.gradient(missed, variables))  # some come as slices
        for place, slope in enumerate(slopes):
            means[place] = 0.9 * means[place] + 0.1 * slope
            squares[place] = 0.999 * squares[place] + 0.001 * slope**2
            scale = tf.sqrt(squares[place] / (1 - 0.999**step)) + 1e-7
            variables[place].assign_sub(0.02 * means[place] / (1 - 0.9**step) / scale)


def save(module: tf.Module, inputs: TensorSpec, outputs: list[TensorSpec], folder: Path) -> None:
    """Save a module as its users do."""
    told = ModelSignature(Schema([inputs]), Schema(outputs))
    mlflow.tensorflow.save_model(
        module, str(folder / "model"), signature=told, pip_requirements=["tensorflow-cpu"]
    )


def chosen(chances: Any, classes: Any) -> Any:
    """How far the chances of the right classes are from 1, in logarithms."""
    return -tf.reduce_mean(tf.math.log(tf.gather(chances, classes, axis=1, batch_dims=1) + 1e-6))


def build_risk(folder: Path) -> None:
    """A tensor of 32 bit floats with gaps."""
    known = loans(800, 1)[_NUMBERS].to_numpy(dtype="float32")
    scores = risk(loans(800, 1), 3).astype("float32")
    grades = np.digitize(scores, np.quantile(scores, [0.3, 0.7]))
    module = Risk(known)

    def loss() -> Any:
        made = module(known)
        return tf.reduce_mean((made["risk"] - scores) ** 2) + chosen(made["chance"], grades)

    fit(module, loss, 200)
    kind = np.dtype("float32")
    outputs = [TensorSpec(kind, (-1,), "risk"), TensorSpec(kind, (-1, _GRADES), "chance")]
    save(module, TensorSpec(kind, (-1, len(_NUMBERS))), outputs, folder)
    asked = loans(150, 2)[_NUMBERS].to_numpy(dtype="float32")
    made = {name: tensor.numpy() for name, tensor in module(asked).items()}
    chances = {f"chance_{place}": column for place, column in enumerate(made["chance"].T)}
    write_table(folder / "rows.json", {f"c{place}": column for place, column in enumerate(asked.T)})
    write_table(folder / "expected.json", {"risk": made["risk"], **chances})


def build_tone(folder: Path) -> None:
    """A tensor of texts."""
    random = np.random.default_rng(4)
    texts = [" ".join(random.choice(_WORDS, random.integers(1, 12))) for _ in range(500)]
    tones = np.array([int(bool(_GOOD & set(text.split()))) for text in texts])
    module = Tone()
    known, asked = tf.constant(texts[:380]), texts[380:]
    fit(module, lambda: chosen(module(known), tones[:380]), 150)
    save(
        module,
        TensorSpec(np.dtype("str"), (-1,)),
        [TensorSpec(np.dtype("float32"), (-1, 2), "tone")],
        folder,
    )
    made = module(tf.constant(asked)).numpy()
    write_table(folder / "rows.json", {"c0": asked})
    write_table(folder / "expected.json", {f"tone_{place}": column for place, column in enumerate(made.T)})


def main() -> None:
    """Train, save, and write what the modules should answer."""
    out = Path(sys.argv[1])
    build_risk(out / "risk")
    build_tone(out / "tone")


if __name__ == "__main__":
    main()
