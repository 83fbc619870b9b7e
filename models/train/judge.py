"""Judges networks on photos none of which was trained on, clean and spoilt, by figures and by eye.

    python judge.py WORK --photos DIR --sheet own=WORK/checkpoint.pt general=graph.onnx …

prints a table and writes WORK/judged/sheet-*.png. A network is a graph of the product, a checkpoint of train.py or a `.bin` that ships.

The middle 512 pixels of every photo are made four times smaller and enlarged again. Answers are kept by the graph's
checksum, so that only what changed is computed again.
"""

import argparse
import hashlib
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import piq
import torch
from PIL import Image, ImageDraw

from degrade import blur, clipped, jpeg, noise
from export import read_back, trained
from network import FastNetwork

SIDE = 512
MEASURES = {"HaarPSI": piq.haarpsi, "FSIM": piq.fsim, "GMSD": piq.gmsd, "SSIM": piq.ssim, "PSNR": piq.psnr}


def main(options: argparse.Namespace) -> None:
    work = options.work.expanduser()
    kept = work / "judged"
    kept.mkdir(exist_ok=True)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    photos = {file.stem: middle(file) for folder in [work / "held-out", *options.photos] for file in pictures(folder)}
    graphs = dict(graph.split("=", 1) for graph in options.graphs)
    for kind, spoil in {"clean": clean, "degraded": degraded}.items():
        inputs = {name: spoil(photo, seed) for seed, (name, photo) in enumerate(photos.items())}
        answers = {"lanczos": {name: lanczos(small) for name, small in inputs.items()}}
        for name, path in graphs.items():
            answers[name] = Network(Path(path).expanduser(), kept, options.threads).answers(inputs)
        table(kind, photos, answers)
        if options.sheet:
            sheet(photos, inputs, answers).save(kept / f"sheet-{kind}.png")


class Network:
    """A graph of the product, uint8 NHWC in and out, a checkpoint, or weights that ship."""

    def __init__(self, path: Path, kept: Path, threads: int):
        self.path, self.kept = path, kept
        self.checksum = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        self.settings = onnxruntime.SessionOptions()
        self.settings.intra_op_num_threads = threads
        self.network: FastNetwork | None = None
        self.session: onnxruntime.InferenceSession | None = None

    def answers(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: self.answer(small) for name, small in inputs.items()}

    def answer(self, small: np.ndarray) -> np.ndarray:
        file = self.kept / f"{self.checksum}-{hashlib.sha256(small.tobytes()).hexdigest()[:12]}.npy"
        if not file.exists():
            np.save(file, self.run_graph(small) if self.path.suffix == ".onnx" else self.run_weights(small))
        return np.load(file)

    def run_graph(self, small: np.ndarray) -> np.ndarray:
        self.session = self.session or onnxruntime.InferenceSession(str(self.path), self.settings)
        return self.session.run(None, {"input": small[None]})[0][0]

    @torch.no_grad()
    def run_weights(self, small: np.ndarray) -> np.ndarray:
        if self.network is None:
            self.network = read_back(self.path) if self.path.suffix == ".bin" else trained(self.path)[0]
        return clipped(self.network(tensor(small))[0].permute(1, 2, 0).numpy() * 255)


def pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.expanduser().iterdir() if file.suffix in (".png", ".jpg"))


def middle(file: Path) -> np.ndarray:
    image = Image.open(file)
    image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)) if image.mode == "I;16" else image
    image = image.convert("RGB")
    width, height = (min(SIDE, length // 4 * 4) for length in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return np.asarray(image.crop((left, top, left + width, top + height)))


def clean(photo: np.ndarray, _seed: int) -> np.ndarray:
    size = (photo.shape[1] // 4, photo.shape[0] // 4)
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))


def degraded(photo: np.ndarray, seed: int) -> np.ndarray:
    """A photo of a cheap telephone that was sent on: soft, grainy, JPEG 45-75."""
    random = np.random.default_rng(seed)
    soft = clipped(blur(photo.astype(np.float32), random, 1.0, 2.2))
    return jpeg(clipped(noise(clean(soft, 0).astype(np.float32), random, 6)), int(random.integers(45, 76)))


def lanczos(small: np.ndarray) -> np.ndarray:
    size = (small.shape[1] * 4, small.shape[0] * 4)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.LANCZOS))


def tensor(photo: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(photo.copy()).permute(2, 0, 1)[None] / 255


def table(kind: str, photos: dict[str, np.ndarray], answers: dict[str, dict[str, np.ndarray]]) -> None:
    print(f"\n| {kind}, {len(photos)} photos | {' | '.join(MEASURES)} | tint |\n|---|{'---|' * (len(MEASURES) + 1)}")
    for network, made in answers.items():
        rows = [[float(measure(tensor(made[p]), tensor(photos[p]))) for measure in MEASURES.values()] for p in photos]
        tint = max(float(np.abs((made[p].astype(float) - photos[p]).mean((0, 1))).max()) for p in photos)
        print(f"| {network} | {' | '.join(f'{value:.3f}' for value in np.mean(rows, 0))} | {tint:.1f} |", flush=True)


def sheet(photos: dict, inputs: dict, answers: dict[str, dict[str, np.ndarray]], side: int = 192) -> Image.Image:
    """A row a photo, a column a network; the last column is the photo itself. Crops at their real size."""
    columns = [*answers, "photo"]
    page = Image.new("RGB", (side * len(columns), (side + 12) * len(photos)))
    draw = ImageDraw.Draw(page)
    for row, name in enumerate(photos):
        height, width = photos[name].shape[:2]
        top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
        for column, network in enumerate(columns):
            picture = photos[name] if network == "photo" else answers[network][name]
            page.paste(Image.fromarray(picture[top : top + side, left : left + side]), (column * side, row * (side + 12)))
            draw.text((column * side + 2, row * (side + 12) + side), f"{network} {name[:16]}", fill="white")
    return page


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("graphs", nargs="*")
    parser.add_argument("--photos", type=Path, action="append", default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", action="store_true")
    main(parser.parse_intermixed_args())
