"""Two nets of MXNet Gluon: numbers with gaps to a risk and three grades' chances, and words to two chances.

Both are trained for some seconds and saved with mlflow's gluon flavour, which is last in mlflow 2.19.
"""

import sys
from pathlib import Path
from typing import Any, Final

import mlflow.gluon
import mxnet as mx
import numpy as np
from family_data import loans, risk
from family_out import write_table
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

_NUMBERS: Final = ["income", "balance", "age", "months", "employed"]
_GRADES: Final = 3
_WORDS, _LENGTH = 50, 12


class Risk(gluon.HybridBlock):
    """Five numbers, scaled; a gap is 0 and says so in five more inputs."""

    def __init__(self, numbers: Any) -> None:
        super().__init__()
        with self.name_scope():
            self.mean = self.params.get_constant("mean", np.nanmean(numbers, axis=0))
            self.deviation = self.params.get_constant("deviation", np.nanstd(numbers, axis=0))
            self.hidden = nn.HybridSequential()
            self.hidden.add(nn.Dense(32, activation="relu"), nn.Dense(16, activation="relu"))
            self.risk = nn.Dense(1)
            self.grade = nn.Dense(_GRADES)

    def hybrid_forward(self, F: Any, numbers: Any, mean: Any, deviation: Any) -> Any:  # noqa: N803 - gluon's name
        """The risk, and after it the grades' chances."""
        known = F.broadcast_equal(numbers, numbers)  # which a NaN is not to itself
        scaled = F.broadcast_div(F.broadcast_sub(numbers, mean), deviation)
        scaled = F.where(known, scaled, F.zeros_like(scaled))
        hidden = self.hidden(F.concat(scaled, known, dim=1))
        return F.concat(self.risk(hidden), F.softmax(self.grade(hidden)), dim=1)


class Tone(gluon.HybridBlock):
    """Twelve words, each a number, to the chances of two tones."""

    def __init__(self) -> None:
        super().__init__()
        with self.name_scope():
            self.words = nn.Embedding(_WORDS, 8)
            self.tone = nn.Dense(2)

    def hybrid_forward(self, F: Any, words: Any) -> Any:  # noqa: N803 - gluon's name
        """The two chances."""
        return F.softmax(self.tone(F.mean(self.words(words), axis=1)))


def fit(net: gluon.HybridBlock, inputs: Any, loss: Any, steps: int) -> gluon.HybridBlock:
    """Some steps over all rows at once."""
    net.initialize(mx.init.Xavier(rnd_type="gaussian"))
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
    for _ in range(steps):
        with autograd.record():
            missed = loss(net(inputs))
        missed.backward()
        trainer.step(1)
    return net


def save(net: gluon.HybridBlock, kind: str, width: int, outputs: int, folder: Path) -> None:
    """Save a net as its users do: one tensor in, one out, neither of them named."""
    told = ModelSignature(
        Schema([TensorSpec(np.dtype(kind), (-1, width))]),
        Schema([TensorSpec(np.dtype("float32"), (-1, outputs))]),
    )
    mlflow.gluon.save_model(net, str(folder / "model"), signature=told, pip_requirements=["mxnet"])


def write(net: gluon.HybridBlock, asked: Any, folder: Path) -> None:
    """Write the rows and what the net answers."""
    made = net(nd.array(asked)).asnumpy()
    for name, prefix, cells in (("rows", "c", asked), ("expected", "prediction_", made)):
        columns = {f"{prefix}{place}": column for place, column in enumerate(cells.T)}
        write_table(folder / f"{name}.json", columns)


def build_risk(folder: Path) -> None:
    """A tensor of 32 bit floats with gaps."""
    known = loans(800, 1)[_NUMBERS].to_numpy(dtype="float32")
    scores = risk(loans(800, 1), 3).astype("float32")
    grades = nd.array(np.digitize(scores, np.quantile(scores, [0.3, 0.7])))
    wanted = nd.array(scores)

    def loss(made: Any) -> Any:
        off = nd.mean((made[:, 0] - wanted) ** 2)
        return off - nd.mean(nd.log(nd.pick(made[:, 1:], grades) + 1e-6))

    net = fit(Risk(known), nd.array(known), loss, 300)
    save(net, "float32", len(_NUMBERS), 1 + _GRADES, folder)
    write(net, loans(150, 2)[_NUMBERS].to_numpy(dtype="float32"), folder)


def build_tone(folder: Path) -> None:
    """Words as numbers: a tensor of 32 bit integers."""
    random = np.random.default_rng(4)
    words = random.integers(0, _WORDS, (500, _LENGTH)).astype("int32")
    tones = nd.array((words < _WORDS // 3).sum(axis=1) > _LENGTH // 3)
    net = fit(Tone(), nd.array(words), lambda made: -nd.mean(nd.log(nd.pick(made, tones))), 150)
    save(net, "int32", _LENGTH, 2, folder)
    write(net, random.integers(0, _WORDS, (120, _LENGTH)).astype("int32"), folder)


def main() -> None:
    """Train, save, and write what the nets should answer."""
    out = Path(sys.argv[1])
    mx.random.seed(0)
    build_risk(out / "risk")
    build_tone(out / "tone")


if __name__ == "__main__":
    main()
