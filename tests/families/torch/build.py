"""Two nets: a table of numbers with gaps to a risk and the chances of three grades, and words to two chances.

Both are trained for some seconds and saved with mlflow's pytorch flavour, the second in the format without
pickles where mlflow has it.
"""

import inspect
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.pytorch
import numpy as np
import torch
from family_data import NUMERIC, loans, risk
from family_mlflow import signature
from family_out import write_table
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from torch import nn

_GRADES = ("bad", "fair", "good")
_WORDS, _LENGTH = 50, 12


class Risk(nn.Module):
    """Five numbers, scaled; a gap is 0 and says so in five more inputs."""

    def __init__(self, numbers: Any) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(np.nanmean(numbers, axis=0)))
        self.register_buffer("deviation", torch.tensor(np.nanstd(numbers, axis=0)))
        self.hidden = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.risk = nn.Linear(16, 1)
        self.grade = nn.Linear(16, len(_GRADES))

    def forward(self, numbers: Any) -> Any:
        """The risk, and after it the grades' chances."""
        gaps = torch.isnan(numbers)
        scaled = torch.where(gaps, torch.zeros_like(numbers), (numbers - self.mean) / self.deviation)
        hidden = self.hidden(torch.cat([scaled, gaps.to(numbers.dtype)], dim=1))
        return torch.cat([self.risk(hidden), torch.softmax(self.grade(hidden), dim=1)], dim=1)


class Tone(nn.Module):
    """Twelve words, each a number, to the chances of two tones."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(_WORDS, 8)
        self.tone = nn.Linear(8, 2)

    def forward(self, words: Any) -> Any:
        """The two chances."""
        return torch.softmax(self.tone(self.words(words).mean(dim=1)), dim=1)


def fit(net: nn.Module, inputs: Any, loss: Any, steps: int) -> nn.Module:
    """Some steps over all rows at once."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(net(inputs)).backward()
        optimizer.step()
    return net.eval()


def save(net: nn.Module, told: ModelSignature, folder: Path, **more: Any) -> None:
    """Save a net as its users do."""
    known = inspect.signature(mlflow.pytorch.save_model).parameters
    newer = {name: value for name, value in more.items() if name in known}
    mlflow.pytorch.save_model(net, str(folder / "model"), signature=told, pip_requirements=["torch"], **newer)


def build_risk(folder: Path) -> None:
    """Columns of every number type, and a truth, with gaps."""
    known, asked = loans(800, 1)[NUMERIC], loans(150, 2)
    scores = risk(loans(800, 1), 3).astype("float32")
    grades = np.digitize(scores, np.quantile(scores, [0.3, 0.7]))
    wanted = (torch.tensor(scores), torch.tensor(grades))

    def loss(made: Any) -> Any:
        missed = nn.functional.nll_loss(torch.log(made[:, 1:] + 1e-6), wanted[1])
        return nn.functional.mse_loss(made[:, 0], wanted[0]) + missed

    numbers = known.to_numpy(dtype="float32")
    net = fit(Risk(numbers), torch.tensor(numbers), loss, 300)
    outputs = dict.fromkeys(("risk", *(f"chance_{grade}" for grade in _GRADES)), "float")
    told = signature(loans(5, 0, gaps=0)[NUMERIC], outputs)
    save(net, told, folder, serialization_format="pickle")  # the format without takes no tables
    with torch.no_grad():
        made = net(torch.tensor(asked[NUMERIC].to_numpy(dtype="float32"))).numpy()
    write_table(folder / "rows.json", asked[NUMERIC])
    write_table(folder / "expected.json", dict(zip(outputs, made.T, strict=True)))


def build_tone(folder: Path) -> None:
    """Words as numbers: a tensor of 64 bit integers."""
    random = np.random.default_rng(4)
    words = random.integers(0, _WORDS, (500, _LENGTH))
    tones = torch.tensor((words < _WORDS // 3).sum(axis=1) > _LENGTH // 3, dtype=torch.int64)
    net = fit(Tone(), torch.tensor(words), lambda made: nn.functional.nll_loss(torch.log(made), tones), 150)
    told = ModelSignature(
        Schema([TensorSpec(np.dtype("int64"), (-1, _LENGTH))]),
        Schema([TensorSpec(np.dtype("float32"), (-1, 2), "tone")]),
    )
    save(net, told, folder, input_example=words[:2])
    asked = random.integers(0, _WORDS, (120, _LENGTH))
    with torch.no_grad():
        made = net(torch.tensor(asked)).numpy()
    write_table(folder / "rows.json", {f"c{place}": asked[:, place] for place in range(_LENGTH)})
    write_table(folder / "expected.json", {f"tone_{place}": made[:, place] for place in range(2)})


def main() -> None:
    """Train, save, and write what the nets should answer."""
    out = Path(sys.argv[1])
    torch.manual_seed(0)
    build_risk(out / "risk")
    build_tone(out / "tone")


if __name__ == "__main__":
    main()
