"""For `build.py` files: small pictures of a few kinds, for a network to learn without anybody's data."""

from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw

KINDS: Final = ["disc", "square", "stripes"]


def draw(random: np.random.Generator, kind: int, side: int) -> Any:
    """A square picture in colours, with noise: one of `KINDS` on a ground."""
    ground, paint = (tuple(map(int, random.integers(low, low + 100, 3))) for low in (0, 150))
    picture = Image.new("RGB", (side, side), ground)
    pen = ImageDraw.Draw(picture)
    corner, size = random.integers(2, side // 3), random.integers(side // 3, side // 2)
    box = (int(corner), int(corner), int(corner + size), int(corner + size))
    if KINDS[kind] == "disc":
        pen.ellipse(box, fill=paint)
    elif KINDS[kind] == "square":
        pen.rectangle(box, fill=paint)
    else:
        for line in range(int(corner), side, 6):
            pen.line((0, line, side, line), fill=paint, width=2)
    noise = random.integers(-15, 15, (side, side, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype("uint8"))
