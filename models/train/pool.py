"""Pairs for a GPU, which learns faster than one thread of Python can spoil photos.

Processes make them in blocks of shared memory; the GPU keeps tens of thousands, adds its teacher's answer to each and
draws from all of them, so that a slow maker delays nothing and every pair is seen in many turns and colours.
"""

import multiprocessing
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from degrade import SCALE
from patches import from_photos

BLOCK = 64


class Makers:
    """Processes that fill blocks of pairs without end. `take` gives what one of them has finished, if any."""

    def __init__(self, folder: Path, side: int, processes: int, seed: int):
        self.shapes = [(BLOCK, side, side, 3), (BLOCK, side * SCALE, side * SCALE, 3)]
        self.bytes = sum(int(np.prod(shape)) for shape in self.shapes)
        blocks = 4 * processes
        self.memory = SharedMemory(create=True, size=blocks * self.bytes)
        context = multiprocessing.get_context("spawn")
        self.empty, self.full = context.Queue(), context.Queue()
        for block in range(blocks):
            self.empty.put(block)
        self.processes = [
            context.Process(
                target=fill,
                args=(folder, side, seed + 7919 * index, self.memory.name, self.empty, self.full),
                daemon=True,
            )
            for index in range(processes)
        ]
        for process in self.processes:
            process.start()

    def take(self, wait: bool) -> tuple[torch.Tensor, torch.Tensor] | None:
        """uint8 [BLOCK, H, W, 3] of the small photos and of the large ones; copies."""
        if not wait and self.full.empty():
            return None
        block = self.full.get()
        small, large = (torch.from_numpy(part.copy()) for part in views(self.memory, block, self.shapes))
        self.empty.put(block)
        return small, large

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
            process.join()
        self.memory.close()
        self.memory.unlink()


def views(memory: SharedMemory, block: int, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    start = block * sum(int(np.prod(shape)) for shape in shapes)
    found = []
    for shape in shapes:
        found.append(np.ndarray(shape, np.uint8, memory.buf, start))
        start += int(np.prod(shape))
    return found


def fill(folder: Path, side: int, seed: int, memory_name: str, empty, full) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    memory = SharedMemory(memory_name)
    shapes = [(BLOCK, side, side, 3), (BLOCK, side * SCALE, side * SCALE, 3)]
    pairs = from_photos(folder, side, 1, seed)
    while True:
        block = empty.get()
        small, large = views(memory, block, shapes)
        for index in range(BLOCK):
            for place, made in zip((small, large), next(pairs), strict=True):
                place[index] = (made[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        full.put(block)


class Pool:
    """Pairs and the teacher's answers in the device's memory, the oldest replaced first."""

    def __init__(self, makers: Makers, teacher, room: int, device: str, seed: int):
        self.makers, self.teacher, self.device = makers, teacher, device
        small, large = makers.shapes
        self.small = torch.empty((room, *small[1:]), dtype=torch.uint8, device=device)
        self.photo = torch.empty((room, *large[1:]), dtype=torch.uint8, device=device)
        self.taught = torch.empty_like(self.photo)
        self.filled = self.next = 0
        self.random = torch.Generator(device).manual_seed(seed)

    @torch.no_grad()
    def add(self, wait: bool = False) -> bool:
        """Takes in one block, if one is ready."""
        block = self.makers.take(wait)
        if block is None:
            return False
        small, photo = (part.to(self.device) for part in block)
        place = slice(self.next, self.next + BLOCK)
        self.small[place], self.photo[place] = small, photo
        self.taught[place] = as_bytes(in_colours_of(as_floats(photo), self.teacher(as_floats(small))))
        self.filled = max(self.filled, self.next + BLOCK)
        self.next = (self.next + BLOCK) % len(self.small)
        return True

    @torch.no_grad()
    def draw(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Small, photo and taught of `size` pairs, floats [size, 3, H, W], turned and coloured at random alike."""
        chosen = torch.randint(self.filled, (size,), generator=self.random, device=self.device)
        parts = [as_floats(part[chosen]) for part in (self.small, self.photo, self.taught)]
        turn = int(torch.randint(8, (1,)))
        colours = colour_changes(size, self.random, self.device)
        return tuple(
            torch.einsum("bij,bjhw->bihw", colours, turned(part, turn)).clamp(0, 1).contiguous(
                memory_format=torch.channels_last
            )
            for part in parts
        )


def as_floats(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.permute(0, 3, 1, 2).float() / 255


def as_bytes(picture: torch.Tensor) -> torch.Tensor:
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


def in_colours_of(photo: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """The teacher's detail on the photo's own colours: teachers shift them by up to 10 levels."""
    line = torch.exp(-0.5 * (torch.arange(-20, 21, device=photo.device) / 8.0) ** 2)
    kernel = (line / line.sum()).repeat(3, 1, 1)
    error = F.pad(photo - taught, (20, 20, 20, 20), mode="reflect")
    return taught + F.conv2d(F.conv2d(error, kernel[:, :, None], groups=3), kernel[..., None], groups=3)


def turned(picture: torch.Tensor, turn: int) -> torch.Tensor:
    picture = torch.rot90(picture, turn % 4, (2, 3))
    return picture.flip(3) if turn >= 4 else picture


def colour_changes(size: int, random: torch.Generator, device: str) -> torch.Tensor:
    """A 3x3 matrix each: the channels in any order, and for a third of them more (or less) saturated colours.

    Photographs hold few pure reds and greens, and a network that never met them draws stairs on their edges.
    """
    order = torch.rand((size, 3), generator=random, device=device).argsort(1)
    swapped = F.one_hot(order, 3).float()
    grey = torch.tensor([0.299, 0.587, 0.114], device=device).expand(3, 3)
    amount = torch.rand((size, 1, 1), generator=random, device=device) * 3
    changed = torch.rand((size, 1, 1), generator=random, device=device) < 0.33
    amount = torch.where(changed, amount, torch.ones_like(amount))
    return swapped @ (amount * torch.eye(3, device=device) + (1 - amount) * grey)
