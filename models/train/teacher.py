"""Makes the teacher's pairs: spoilt patches, the photos they came from and what RealESRGAN_x4plus makes of them.

    python teacher.py WORK realesrgan-x4plus.onnx --pairs 100

The graph is the product's own (`darkroom` keeps it with its installed models): uint8 NHWC in and out. Pairs are added
to those already there.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime

from patches import from_photos

SIDE = 80


def main(options: argparse.Namespace) -> None:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    teacher = onnxruntime.InferenceSession(str(options.model), settings, providers=["CPUExecutionProvider"])
    work = options.work.expanduser()
    folder = work / "taught"
    folder.mkdir(exist_ok=True)
    done = len(list(folder.glob("*.npz")))
    batches = from_photos(work / "train", SIDE, 1, seed=1000 + done)
    for index in range(done, options.pairs):
        small, photo = ((part[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8) for part in next(batches))
        (taught,) = teacher.run(None, {"input": small[None]})
        np.savez(folder / f"{index:05}.npz", small=small, photo=photo, taught=taught[0])
        print(index, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    main(parser.parse_args())
