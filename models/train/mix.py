"""Writes a network between two: `python mix.py NEAR.bin CRISP.bin 0.4 OUT.bin` is 0.6 of the first and 0.4 of the second.

Two places on one training run are so near that the weights between them are good networks too, and one number chooses
between soft and crisp (after ESRGAN's network interpolation).
"""

import sys
from pathlib import Path

import torch

from export import read_back, weights


def main(near: Path, crisp: Path, share: float, out: Path) -> None:
    one, other = read_back(near), read_back(crisp)
    with torch.no_grad():
        for mine, its in zip(one.convolutions(), other.convolutions(), strict=True):
            mine.own.lerp_(its.own, share)
            mine.bias.lerp_(its.bias, share)
    out.write_bytes(weights(one))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
