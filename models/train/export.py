"""Writes what ships, as the pair of files in which its peers are published, so that one reader serves all.

    python export.py WORK ../weights/darkroom-fast-x4

`.param` is ncnn's text (a layer a line), `.bin` the weights in layer order: for a convolution a tag, half floats and
float biases; for a PReLU its float slopes, which are all 0 here: SRVGGNetCompact with ReLU. ncnn runs it as it is.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch

from network import CONVOLUTIONS, FEATURES, SCALE, FastNetwork

HALF_FLOATS = (0x01306B47).to_bytes(4, "little")


def trained(checkpoint: Path) -> tuple[FastNetwork, int]:
    """The running mean of the weights, and the step it was stored at."""
    stored = torch.load(checkpoint, map_location="cpu")
    network = FastNetwork()
    network.load_state_dict(
        {name.removeprefix("module."): value for name, value in stored["mean"].items() if name != "n_averaged"}
    )
    return network, stored["step"]


def description() -> str:
    """The `.param` text: SRVGGNetCompact's wiring."""
    lines = ["Input photo 0 1 photo", "Split split 1 2 photo photo_0 photo_1"]
    value, inputs = "photo_0", 3
    for index in range(CONVOLUTIONS):
        shape = f"0={FEATURES} 1=3 4=1 5=1 6={FEATURES * inputs * 9}"
        lines.append(f"Convolution conv{index} 1 1 {value} c{index} {shape}")
        lines.append(f"PReLU relu{index} 1 1 c{index} r{index} 0={FEATURES}")
        value, inputs = f"r{index}", FEATURES
    outputs = 3 * SCALE**2
    lines.append(f"Convolution last 1 1 {value} last 0={outputs} 1=3 4=1 5=1 6={outputs * FEATURES * 9}")
    lines.append(f"PixelShuffle shuffle 1 1 last detail 0={SCALE}")
    lines.append(f"Interp nearest 1 1 photo_1 base 0=1 1={SCALE} 2={SCALE}")
    lines.append("BinaryOp add 2 1 detail base output 0=0")
    return "\n".join(["7767517", f"{len(lines)} {len(lines) + 1}", *lines, ""])


def weights(network: FastNetwork) -> bytes:
    parts = []
    for convolution in network.convolutions():
        halves = convolution.weight().detach().numpy().astype("<f2")
        assert np.isfinite(halves).all() and halves.nbytes % 4 == 0
        parts += [HALF_FLOATS, halves.tobytes(), convolution.bias.detach().numpy().astype("<f4").tobytes()]
        parts.append(bytes(4 * FEATURES))  # the slopes
    return b"".join(parts[:-1])


def read_back(file: Path) -> FastNetwork:
    """A network to train on from: the weights of a `.bin` file, whole in the convolutions' own part."""
    stored, position, network = file.read_bytes(), 0, FastNetwork()
    for convolution in network.convolutions():
        halves = np.frombuffer(stored, "<f2", convolution.own.numel(), position + len(HALF_FLOATS))
        position += len(HALF_FLOATS) + halves.nbytes
        bias = np.frombuffer(stored, "<f4", convolution.bias.numel(), position)
        position += bias.nbytes + 4 * FEATURES
        with torch.no_grad():
            own = torch.from_numpy(halves.astype(np.float32)).view_as(convolution.own)
            convolution.own.copy_(own - convolution.identity)
            convolution.narrow.zero_()
            convolution.bias.copy_(torch.from_numpy(bias.copy()))
    return network


def main(work: Path, file: Path) -> None:
    network, step = trained(work.expanduser() / "checkpoint.pt")
    file.parent.mkdir(parents=True, exist_ok=True)
    for suffix, written in {".param": description().encode(), ".bin": weights(network)}.items():
        place = file.with_name(file.name + suffix)
        place.write_bytes(written)
        print(f"{place.name}: step {step}, {len(written)} bytes, sha256 {hashlib.sha256(written).hexdigest()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    main(options.work, options.file)
