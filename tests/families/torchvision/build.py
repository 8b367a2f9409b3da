"""A residual network of torchvision that tells what is drawn on small pictures.

It starts from chance, not from somebody's weights, is trained for some seconds on pictures made here, and
is saved with mlflow's pytorch flavour. Files of pictures are asked, some of them larger than the network's.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.pytorch
import numpy as np
import torch
from family_out import write_table
from family_pictures import KINDS, draw
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from PIL import Image
from torch import nn
from torchvision.models import resnet18
from torchvision.transforms import Compose, Resize, ToTensor

_SIDE: Final = 32
_READ: Final = Compose([Resize((_SIDE, _SIDE)), ToTensor()])


def main() -> None:
    """Train, save, and write what the network should answer."""
    out = Path(sys.argv[1])
    torch.manual_seed(0)
    random = np.random.default_rng(1)
    kinds = random.integers(0, len(KINDS), 120)
    known = torch.stack([_READ(draw(random, kind, _SIDE)) for kind in kinds])
    net = train(
        nn.Sequential(resnet18(num_classes=len(KINDS)), nn.Softmax(dim=1)), known, torch.tensor(kinds)
    )
    kind = np.dtype("float32")
    told = ModelSignature(
        Schema([TensorSpec(kind, (-1, 3, _SIDE, _SIDE))]),
        Schema([TensorSpec(kind, (-1, len(KINDS)), "chance")]),
    )
    mlflow.pytorch.save_model(
        net,
        str(out / "model"),
        signature=told,
        input_example=known[:2].numpy(),
        pip_requirements=["torchvision"],
    )
    write(
        net, [draw(random, number % len(KINDS), size) for number, size in enumerate([32, 32, 47] * 34)], out
    )


def train(net: nn.Module, known: Any, kinds: Any) -> nn.Module:
    """Once through all pictures."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
    for rows in torch.randperm(len(known)).split(40):
        optimizer.zero_grad()
        nn.functional.nll_loss(torch.log(net(known[rows]) + 1e-6), kinds[rows]).backward()
        optimizer.step()
    return net.eval()


def write(net: nn.Module, pictures: list[Image.Image], out: Path) -> None:
    """Write the files, the rows that name them, and what the network makes of them."""
    media = out / "media"
    media.mkdir()
    names = [f"{number}.png" for number in range(len(pictures))]
    for name, picture in zip(names, pictures, strict=True):
        picture.save(media / name)
    with torch.no_grad():
        made = net(torch.stack([_READ(Image.open(media / name).convert("RGB")) for name in names])).numpy()
    write_table(out / "rows.json", {"image": names})
    write_table(out / "expected.json", {f"chance_{place}": column for place, column in enumerate(made.T)})


if __name__ == "__main__":
    main()
