"""Measures how large the values inside darkroom-fast-x4 become, channel by channel, for its int8 graph.

    python calibrate_fast.py WORK     reads WORK/train/*.npy (../train/photos.py makes them) and ../weights

Tiles as for RealESRGAN_x4plus (calibrate.py). Writes ../calibration/darkroom-fast-x4.json and, by a simulation of the graph, the
reference ../vectors/darkroom-fast-x4-int8.png. The sixteen places of the pixel shuffle round differently, which would show as a
weave in flat areas: what that comes to on flat patches is printed.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tiles import SIDE, tiles

MODELS = Path(__file__).resolve().parent.parent
NAME = "darkroom-fast-x4"
HALF_FLOATS = (0x01306B47).to_bytes(4, "little")
FEATURES, BODY = 48, 12
# A channel that was hardly ever used gets steps of this share of its layer's largest, so that a surprise fits.
LEAST = 0.01
CODES, MIDDLE = 255, 128


class Layer:
    def __init__(self, stored: bytes, position: int, inputs: int):
        assert stored[position : position + 4] == HALF_FLOATS
        count = FEATURES * inputs * 9
        halves = np.frombuffer(stored, "<f2", count, position + 4)
        self.weights = halves.astype(np.float32).reshape(FEATURES, inputs, 3, 3)
        self.bias = np.frombuffer(stored, "<f4", FEATURES, position + 4 + halves.nbytes).copy()
        self.end = position + 4 + halves.nbytes + self.bias.nbytes


def read(stored: bytes) -> list[Layer]:
    layers, position, inputs = [], 0, 3
    for _ in range(BODY + 1):
        layer = Layer(stored, position, inputs)
        layers.append(layer)
        position, inputs = layer.end + 4 * FEATURES, FEATURES  # past the slopes, which are all 0
    return layers


def convolve(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """3x3 with padding 1; `x` is [height, width, channels]."""
    height, width, channels = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    columns = np.concatenate([padded[i : i + height, j : j + width] for i in range(3) for j in range(3)], 2)
    matrix = weights.transpose(2, 3, 1, 0).reshape(9 * channels, -1)
    return (columns.reshape(-1, 9 * channels) @ matrix + bias).reshape(height, width, -1)


def in_floats(layers: list[Layer], photo: np.ndarray, see=lambda index, value: None) -> np.ndarray:
    value = photo
    for index, layer in enumerate(layers):
        value = convolve(value, layer.weights, layer.bias)
        if index < BODY:
            value = np.maximum(value, 0)
        see(index, value)
    return value


def in_codes(layers: list[Layer], photo: np.ndarray, steps: list[np.ndarray]) -> np.ndarray:
    """What the last convolution gives where everything is rounded as `graph-srvgg-int8.ts` has it."""
    value, arriving = photo, np.full(3, 1 / CODES, np.float32)
    for index, (layer, leaving) in enumerate(zip(layers, steps, strict=True)):
        weights = layer.weights * arriving[None, :, None, None]
        size = np.maximum(np.abs(weights).max((1, 2, 3)) / 127, 1e-12)
        weights = np.round(weights / size[:, None, None, None]) * size[:, None, None, None] / arriving[None, :, None, None]
        made = convolve(value, weights, np.round(layer.bias / size) * size)
        zero = 0 if index < BODY else MIDDLE
        value = np.clip(np.round(made / leaving), -zero, CODES - zero) * leaving
        arriving = leaving
    return value


def weave(layers: list[Layer], steps: list[np.ndarray]) -> np.ndarray:
    """By how much codes move each of the last channels on flat patches, less the mean of its colour."""
    random = np.random.default_rng(1)
    moved = []
    for _ in range(64):
        colour = random.uniform(10, 245, 3) * 0.4 + random.uniform(10, 245) * 0.6
        flat = (np.round(colour + random.uniform(-3, 3, (32, 32, 3))).clip(0, 255) / 255).astype(np.float32)
        difference = in_codes(layers, flat, steps) - in_floats(layers, flat)
        moved.append(difference[13:-13, 13:-13].mean((0, 1)))
    places = np.mean(moved, 0).reshape(3, 16)
    return (places - places.mean(1, keepdims=True)).reshape(-1)


def picture(layers: list[Layer], steps: list[np.ndarray], photo: np.ndarray) -> np.ndarray:
    detail = in_codes(layers, photo / 255, steps) * 255
    height, width, _ = photo.shape
    shuffled = detail.reshape(height, width, 3, 4, 4).transpose(0, 3, 1, 4, 2).reshape(height * 4, width * 4, 3)
    return np.round(np.clip(shuffled + photo.repeat(4, 0).repeat(4, 1), 0, 255)).astype(np.uint8)


def main(work: Path) -> None:
    stored = (MODELS / "weights" / f"{NAME}.bin").read_bytes()
    layers = read(stored)
    largest = [np.zeros(FEATURES) for _ in layers]
    count = 0

    def see(index: int, value: np.ndarray) -> None:
        largest[index] = np.maximum(largest[index], np.abs(value).max((0, 1)))

    for _, tile in tiles(work, each=5):
        in_floats(layers, tile.astype(np.float32) / 255, see)
        count += 1
    steps = [np.maximum(most, most.max() * LEAST) / CODES for most in largest[:-1]]
    steps.append(np.full(FEATURES, largest[-1].max() / (CODES - MIDDLE)))
    steps = [np.array([float(f"{step:.4g}") for step in layer], np.float32) for layer in steps]
    names = [*(f"body.{index}" for index in range(BODY)), "last"]
    content = {
        "network": NAME,
        "weights": hashlib.sha256(stored).hexdigest(),
        "tiles": count,
        "side": SIDE,
        "steps": {name: [float(f"{step:.4g}") for step in layer] for name, layer in zip(names, steps, strict=True)},
    }
    file = MODELS / "calibration" / f"{NAME}.json"
    file.write_text(json.dumps(content, separators=(",", ":")).replace('],"', '],\n"') + "\n")
    photo = np.asarray(Image.open(MODELS / "vectors" / "input.png").convert("RGB"), np.float32)
    Image.fromarray(picture(layers, steps, photo)).save(MODELS / "vectors" / f"{NAME}-int8.png", optimize=True)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    print(f"{file.name}: {file.stat().st_size} bytes, sha256 {digest}; {count} tiles")
    print(f"weave: {max(map(abs, weave(layers, steps))) * 255:.2f} levels at most")


if __name__ == "__main__":
    main(Path(sys.argv[1]).expanduser())
