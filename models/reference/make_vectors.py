"""Makes models/vectors/: what the published networks give for one small picture, computed in PyTorch.

    python3 -m venv venv && venv/bin/pip install torch numpy pillow
    venv/bin/python models/reference/make_vectors.py DIR_WITH_NCNN_FILES [NAME …]

The architectures are written here from the papers' code, in plain form, and the ncnn files are read by a few lines of
their own: nothing is shared with the TypeScript converter that the vectors check.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

MODELS = Path(__file__).resolve().parent.parent
SIDE = 32


class Srvgg(nn.Module):
    """SRVGGNetCompact: 3x3 convolutions with PReLU, pixel shuffle, plus the input enlarged by nearest neighbour."""

    def __init__(self, convolutions: int, features: int = 64):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, features, 3, 1, 1), nn.PReLU(features)]
        for _ in range(convolutions):
            layers += [nn.Conv2d(features, features, 3, 1, 1), nn.PReLU(features)]
        self.body = nn.Sequential(*layers, nn.Conv2d(features, 48, 3, 1, 1))

    def forward(self, x):
        return F.pixel_shuffle(self.body(x), 4) + F.interpolate(x, scale_factor=4, mode="nearest")


class DenseBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(64 + 32 * i, 32 if i < 4 else 64, 3, 1, 1) for i in range(5))

    def forward(self, x):
        features = [x]
        for convolution in self.convolutions[:4]:
            features.append(F.leaky_relu(convolution(torch.cat(features, 1)), 0.2))
        return self.convolutions[4](torch.cat(features, 1)) * 0.2 + x


class Rrdb(nn.Module):
    """RRDBNet: blocks of three residual dense blocks, then two nearest-neighbour enlargements."""

    def __init__(self, blocks: int):
        super().__init__()
        self.first = nn.Conv2d(3, 64, 3, 1, 1)
        self.body = nn.ModuleList(nn.Sequential(DenseBlock(), DenseBlock(), DenseBlock()) for _ in range(blocks))
        self.trunk, self.up1, self.up2, self.high = (nn.Conv2d(64, 64, 3, 1, 1) for _ in range(4))
        self.last = nn.Conv2d(64, 3, 3, 1, 1)

    def forward(self, x):
        first = value = self.first(x)
        for block in self.body:
            value = block(value) * 0.2 + value
        value = first + self.trunk(value)
        for up in (self.up1, self.up2):
            value = F.leaky_relu(up(F.interpolate(value, scale_factor=2, mode="nearest")), 0.2)
        return self.last(F.leaky_relu(self.high(value), 0.2))


NETWORKS = {
    "darkroom-fast-x4": lambda: Srvgg(11, 48),
    "realesrgan-x4plus": lambda: Rrdb(23),
    "realesr-animevideov3": lambda: Srvgg(16),
    "realesr-general-x4v3": lambda: Srvgg(32),
    "realesr-general-wdn-x4v3": lambda: Srvgg(32),
}


def load(network: nn.Module, weights: bytes) -> nn.Module:
    """ncnn keeps weights in layer order: tag, half floats and float bias of a convolution; float slopes of a PReLU."""
    position = 0

    def take(count: int, kind: type) -> torch.Tensor:
        nonlocal position
        values = np.frombuffer(weights, kind, count, position).astype(np.float32)
        position += (values.size * np.dtype(kind).itemsize + 3) // 4 * 4
        return torch.from_numpy(values)

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            (tag,) = struct.unpack_from("<I", weights, position)
            assert tag == 0x01306B47, hex(tag)
            position += 4
            module.weight.data = take(module.weight.numel(), np.float16).reshape(module.weight.shape)
            module.bias.data = take(module.bias.numel(), np.float32)
        elif isinstance(module, nn.PReLU):
            module.weight.data = take(module.weight.numel(), np.float32)
    assert position == len(weights), (position, len(weights))
    return network.eval()


def picture() -> np.ndarray:
    """Gradients, hard and soft edges, fine stripes, noise, black and white: something for every part of a network."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    channels = [x * 8, y * 8, (SIDE - 1 - x) * 4 + y * 4]
    image = np.stack(channels, -1)
    image[(x - 9) ** 2 + (y - 10) ** 2 < 36] = (230, 40, 60)
    image[18:28, 3:13] = np.where((x + y)[18:28, 3:13, None] % 4 < 2, 240, 20)
    image[4:12, 20:30] += np.random.default_rng(1).normal(0, 30, (8, 10, 3))
    image[16:24, 18:24] = 0
    image[16:24, 24:30] = 255
    image += 12 * np.sin(x / 2 + y / 5)[..., None]
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def main(folder: Path, names: list[str]) -> None:
    vectors = MODELS / "vectors"
    pixels = picture()
    Image.fromarray(pixels).save(vectors / "input.png", optimize=True)
    x = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    for name in names or NETWORKS:
        entry = json.loads((MODELS / "catalogue" / f"{name}.json").read_text())
        included = any(source["kind"] == "included" for source in entry["sources"])
        file = (MODELS / "weights" if included else folder) / entry["files"]["bin"]["name"]
        network = load(NETWORKS[name](), file.read_bytes())
        with torch.inference_mode():
            y = network(x).clamp(0, 1)[0].numpy().transpose(1, 2, 0)
        Image.fromarray(np.round(y * 255).astype(np.uint8)).save(vectors / f"{name}.png", optimize=True)
        print(name, y.shape, "mean", round(float(y.mean()), 4))


if __name__ == "__main__":
    torch.set_num_threads(2)
    main(Path(sys.argv[1]), sys.argv[2:])
