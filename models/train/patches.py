"""Pairs of a spoilt small patch and the good large one, cut at random and made in a thread of their own."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from degrade import SCALE, degrade

Batch = tuple[torch.Tensor, torch.Tensor]


def from_photos(folder: Path, side: int, size: int, seed: int) -> Iterator[Batch]:
    """Endless batches of `size` pairs: `side` pixels a side, and four times as many. Flat patches are mostly refused."""
    random = np.random.default_rng(seed)
    photos = [np.load(file, mmap_mode="r") for file in sorted(folder.glob("*.npy"))]
    areas = np.array([photo.shape[0] * photo.shape[1] for photo in photos], float) ** 0.5
    large = side * SCALE

    def pair() -> tuple[np.ndarray, np.ndarray]:
        while True:
            photo = photos[int(random.choice(len(photos), p=areas / areas.sum()))]
            y, x = (int(random.integers(0, length - large + 1)) for length in photo.shape[:2])
            patch = turned(np.ascontiguousarray(photo[y : y + large, x : x + large]), int(random.integers(8)))
            if detail(patch) > 4 or random.random() < 0.1:
                return degrade(patch, random), patch

    while True:
        yield as_batch([pair() for _ in range(size)])


def from_teacher(folder: Path, side: int, size: int, seed: int, share: float) -> Iterator[Batch]:
    """The same from what teacher.py made: the target is `share` of the teacher's answer and the rest the photo."""
    random = np.random.default_rng(seed)
    while True:
        files = sorted(folder.glob("[0-9]*.npz"))
        pairs = []
        for index in random.choice(len(files), size):
            with np.load(files[index]) as stored:
                small, photo, taught = stored["small"], stored["photo"], stored["taught"]
            y, x = (int(random.integers(0, small.shape[axis] - side + 1)) for axis in (0, 1))
            spot = np.s_[y * SCALE : (y + side) * SCALE, x * SCALE : (x + side) * SCALE]
            target = photo[spot] * (1 - share) + in_colours_of(photo, taught)[spot] * share
            turn = int(random.integers(8))
            pairs.append((turned(small[y : y + side, x : x + side], turn), turned(target, turn)))
        yield as_batch(pairs)


def in_colours_of(photo: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """The teacher's detail on the photo's own colours: teachers shift them by up to 5 levels."""
    return taught + cv2.GaussianBlur(photo.astype(np.float32) - taught, (0, 0), 8)


def ahead(batches: Iterator[Batch], count: int = 4) -> Iterator[Batch]:
    """Makes batches while the network computes. OpenCV and Pillow let go of Python's lock."""
    cv2.setNumThreads(1)
    made: queue.Queue[Batch] = queue.Queue(count)

    def fill() -> None:
        for batch in batches:
            made.put(batch)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield made.get()


def turned(patch: np.ndarray, turn: int) -> np.ndarray:
    patch = np.rot90(patch, turn % 4)
    return np.ascontiguousarray(patch[:, ::-1] if turn >= 4 else patch)


def detail(patch: np.ndarray) -> float:
    grey = patch[..., 1].astype(np.float32)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def as_batch(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Batch:
    small, large = (np.stack(pictures).astype(np.float32) / 255 for pictures in zip(*pairs, strict=True))
    return tuple(torch.from_numpy(stack).permute(0, 3, 1, 2) for stack in (small, large))
