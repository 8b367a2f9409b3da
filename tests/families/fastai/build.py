"""Two learners of fastai: loans of several column types to three grades, and pictures to what is on them.

Both are trained for some seconds, from chance, and saved with mlflow's fastai flavour. The second reads
pictures out of a column of bytes, so that whoever has the model needs no folder of files.
"""

import sys
from pathlib import Path
from typing import Any, Final

import fastai
import mlflow.fastai
import numpy as np
import pandas as pd
from family_data import loans, risk
from family_mlflow import signature
from family_out import write_table
from family_pictures import KINDS, draw
from fastai.callback.progress import ProgressCallback
from fastai.data.all import CategoryBlock, ColReader, DataBlock, RandomSplitter
from fastai.learner import Learner
from fastai.tabular.all import Categorify, FillMissing, Normalize, TabularDataLoaders, tabular_learner
from fastai.torch_core import set_seed
from fastai.vision.all import ImageBlock, Resize, resnet18, vision_learner
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

_GRADES: Final = ["bad", "fair", "good"]
_TEXTS: Final = ["region", "purpose", "employed"]
_NUMBERS: Final = ["income", "balance", "age", "months"]
_SIDE: Final = 32


def save(learner: Learner, told: ModelSignature, folder: Path) -> None:
    """Save a learner as its users do.

    The progress of fastai 2.7.10, which predictions show as well, writes losses in a way that torch 1.13 has
    given up: whoever has that pair does without.
    """
    if fastai.__version__ < "2.7.11":
        learner.remove_cb(ProgressCallback)
    mlflow.fastai.save_model(learner, str(folder / "model"), signature=told, pip_requirements=["fastai"])


def chances(learner: Learner, frame: Any, labels: list[str]) -> dict[str, Any]:
    """What the learner makes of a table."""
    with learner.no_bar(), learner.no_logging():
        made, _ = learner.get_preds(dl=learner.dls.test_dl(frame))
    return {f"chance_{label}": made.numpy()[:, place] for place, label in enumerate(labels)}


def table(rows: int, seed: int) -> Any:
    """Loans whose truths are truths: as the floats that gaps make of them, they would be other categories."""
    frame = loans(rows, seed)[_TEXTS + _NUMBERS]
    return frame.assign(employed=frame["employed"].map({1.0: True, 0.0: False}).astype(object))


def build_loans(folder: Path) -> None:
    """Texts, a truth, whole numbers and floats, with gaps."""
    known, asked = table(600, 1), table(130, 2)
    asked.loc[7, "region"] = "a region that training never saw"
    scores = risk(loans(600, 1), 3)
    grades = np.array(_GRADES)[np.digitize(scores, np.quantile(scores, [0.3, 0.7]))]
    loaders = TabularDataLoaders.from_df(
        known.assign(grade=grades),
        procs=[Categorify, FillMissing, Normalize],
        cat_names=_TEXTS.copy(),
        cont_names=_NUMBERS.copy(),
        y_names="grade",
        y_block=CategoryBlock(),
        valid_idx=list(range(100)),
        bs=64,
    )
    learner = tabular_learner(loaders, layers=[32, 16])
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(2, 0.01)
    outputs = dict.fromkeys((f"chance_{grade}" for grade in _GRADES), "float")
    save(learner, signature(loans(5, 0, gaps=0)[_TEXTS + _NUMBERS], outputs), folder)
    write_table(folder / "rows.json", asked)
    write_table(folder / "expected.json", chances(learner, asked.copy(), _GRADES))


def build_pictures(folder: Path) -> None:
    """A column of files."""
    media = folder / "media"
    media.mkdir(parents=True)
    random = np.random.default_rng(4)
    known, asked = pictures(random, 120, media), pictures(random, 105, media)
    block = DataBlock(
        (ImageBlock, CategoryBlock(vocab=KINDS)),
        get_x=ColReader("image"),
        get_y=ColReader("kind"),
        splitter=RandomSplitter(0.2, seed=0),
        item_tfms=Resize(_SIDE),
    )
    loaders = block.dataloaders(known, bs=32, num_workers=0)
    learner = vision_learner(loaders, resnet18, pretrained=False, normalize=False)
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1, 0.005)
    told = ModelSignature(
        Schema([ColSpec("binary", "image")]), Schema([ColSpec("float", f"chance_{kind}") for kind in KINDS])
    )
    save(learner, told, folder)
    for name in known["name"]:
        (media / name).unlink()
    write_table(folder / "rows.json", {"image": asked["name"]})
    write_table(folder / "expected.json", chances(learner, asked[["image"]], KINDS))


def pictures(random: np.random.Generator, number: int, media: Path) -> Any:
    """A table of pictures' bytes, names and kinds; their files go into a folder."""
    kinds = random.integers(0, len(KINDS), number)
    names = [f"{number}-{place}.png" for place in range(number)]
    for name, kind in zip(names, kinds, strict=True):
        draw(random, kind, _SIDE + 8 * int(kind)).save(media / name)
    files = [(media / name).read_bytes() for name in names]
    return pd.DataFrame({"image": files, "name": names, "kind": [KINDS[kind] for kind in kinds]})


def main() -> None:
    """Train, save, and write what the learners should answer."""
    out = Path(sys.argv[1])
    set_seed(0)
    build_loans(out / "loans")
    build_pictures(out / "pictures")


if __name__ == "__main__":
    main()
