"""The tiles that networks are calibrated on: of every photograph in each size one or more, by turns as it is and made small and spoilt."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "train"))

from degrade import degrade  # noqa: E402

SIDE = 64


def tiles(work: Path, limit: int | None = None, each: int = 1):
    random = np.random.default_rng(1)
    for index, path in enumerate(sorted((work / "train").glob("*.npy"))[:limit]):
        photo = np.load(path)
        spoil = index % 4 in (1, 2)  # neither the large nor the small sizes only
        side = SIDE * 4 if spoil else SIDE
        for _ in range(each):
            y, x = (int(random.integers(0, full - side + 1)) for full in photo.shape[:2])
            tile = photo[y : y + side, x : x + side]
            yield path.stem, np.ascontiguousarray(degrade(tile, random) if spoil else tile)
