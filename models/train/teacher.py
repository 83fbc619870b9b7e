"""Makes the teachers' pairs: spoilt patches, the photos they came from and what larger networks make of them.

    python teacher.py WORK realesr-general-wdn-x4v3.onnx realesr-general-x4v3.onnx --pairs 500

The graphs are the product's own (`darkroom` keeps them with its installed models): uint8 NHWC in and out. The lesson is
the mean of their answers. Pairs are added to those already there.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime

from patches import from_photos

SIDE = 64


def main(options: argparse.Namespace) -> None:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    cpu = ["CPUExecutionProvider"]
    teachers = [onnxruntime.InferenceSession(str(model), settings, providers=cpu) for model in options.models]
    work = options.work.expanduser()
    folder = work / "taught"
    folder.mkdir(exist_ok=True)
    done = len(list(folder.glob("[0-9]*.npz")))
    batches = from_photos(work / "train", SIDE, 1, seed=1000 + done)
    for index in range(done, options.pairs):
        small, photo = ((part[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8) for part in next(batches))
        answers = [teacher.run(None, {"input": small[None]})[0][0] for teacher in teachers]
        taught = np.mean(answers, 0).round().astype(np.uint8)
        np.savez(folder / "new", small=small, photo=photo, taught=taught)
        (folder / "new.npz").replace(folder / f"{index:05}.npz")
        if index % 10 == 0:
            print(index, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    main(parser.parse_args())
