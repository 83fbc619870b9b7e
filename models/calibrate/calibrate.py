"""Measures how large the values inside RealESRGAN_x4plus become, channel by channel, for its int8 graph.

    python calibrate.py WORK BIN     reads WORK/train/*.npy (../train/photos.py makes them) and the ncnn weights

Every photograph is there in two sizes and gives a tile of each, by turns as it is and made small and spoilt
(../train/degrade.py), because people send both.
Of each tile and channel the extremes are kept (WORK/extremes.npz), so that another way to choose ranges needs no second run;
what ships is `../calibration/realesrgan-x4plus.json`.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))

from make_vectors import NETWORKS, load  # noqa: E402
from tiles import SIDE, tiles  # noqa: E402

NAME = "realesrgan-x4plus"
# Codes of one byte around a zero of 128: 128 steps down, 127 up.
STEPS_DOWN, STEPS_UP = 128, 127


class Extremes:
    """Least and greatest of every channel of every value, tile by tile."""

    def __init__(self):
        self.low: dict[str, list[np.ndarray]] = {}
        self.high: dict[str, list[np.ndarray]] = {}

    def see(self, name: str, value: torch.Tensor) -> torch.Tensor:
        flat = value[0].flatten(1)
        self.low.setdefault(name, []).append(flat.amin(1).numpy())
        self.high.setdefault(name, []).append(flat.amax(1).numpy())
        return value


def measure(network, photo: torch.Tensor, extremes: Extremes) -> None:
    """The network up to its enlarging part, which stays in full precision. The names are those of `graph-rrdb-int8.ts`."""
    first = trunk = network.first(photo)
    for i, block in enumerate(network.body):
        value = trunk
        for j, dense in enumerate(block):
            name = f"body.{i}.{j}"
            features = [extremes.see(f"{name}.in", value)]
            for k, convolution in enumerate(dense.convolutions[:4]):
                # Before the activation, which only shrinks: one scale serves both.
                made = extremes.see(f"{name}.{k}", convolution(torch.cat(features, 1)))
                features.append(F.leaky_relu(made, 0.2))
            value = extremes.see(f"{name}.4", dense.convolutions[4](torch.cat(features, 1))) * 0.2 + value
        trunk = value * 0.2 + trunk
    extremes.see("trunk", network.trunk(extremes.see("trunk.in", trunk)))


def ranges(extremes: dict[str, np.ndarray], name: str) -> np.ndarray:
    """What one step of the code must be, times 128 or 127, to hold every value that was seen."""
    low, high = extremes[f"{name}:low"].min(0), extremes[f"{name}:high"].max(0)
    return np.maximum(np.maximum(-low, 1e-6) / STEPS_DOWN, np.maximum(high, 1e-6) / STEPS_UP)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("bin", type=Path)
    parser.add_argument("--photos", type=int, help="only the first so many, to try it")
    asked = parser.parse_args()
    weights = asked.bin.read_bytes()
    network = load(NETWORKS[NAME](), weights)
    extremes = Extremes()
    count = 0
    with torch.inference_mode():
        for name, tile in tiles(asked.work, asked.photos):
            measure(network, torch.from_numpy(tile.astype(np.float32).transpose(2, 0, 1)[None] / 255), extremes)
            count += 1
            print(count, name, flush=True)
    stacked = {f"{name}:low": np.stack(values) for name, values in extremes.low.items()}
    stacked |= {f"{name}:high": np.stack(values) for name, values in extremes.high.items()}
    np.savez(asked.work / "extremes.npz", **stacked)
    write(stacked, extremes.low.keys(), count, hashlib.sha256(weights).hexdigest())


def write(extremes: dict[str, np.ndarray], names, count: int, weights: str) -> None:
    """Three digits say more than the choice of photographs does."""
    steps = {name: [float(f"{step:.3g}") for step in ranges(extremes, name)] for name in names}
    content = {"network": NAME, "weights": weights, "tiles": count, "side": SIDE, "steps": steps}
    file = HERE.parent / "calibration" / f"{NAME}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, separators=(",", ":")).replace('],"', '],\n"') + "\n")
    print(file.name, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
