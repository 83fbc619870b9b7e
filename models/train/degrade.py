"""Makes small, spoilt photos out of good ones, after Real-ESRGAN's published recipe (own code).

Some are only made smaller, half are spoilt mildly once, the rest twice, as a photo that was blurred, resized,
compressed, sent on and compressed again.
"""

import cv2
import numpy as np
from PIL import Image

SCALE = 4
CLEAN, MILD = 0.30, 0.50  # the rest is spoilt twice
PIL_FILTERS = (Image.Resampling.BICUBIC, Image.Resampling.BOX, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR)
CV_FILTERS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)


def degrade(photo: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """uint8 RGB of a side that is a multiple of 4 → a quarter of each side."""
    size = (photo.shape[1] // SCALE, photo.shape[0] // SCALE)
    kind = random.random()
    if kind < CLEAN:
        small = shrink(photo, size, random)
        return jpeg(small, int(random.integers(85, 100))) if random.random() < 0.4 else small
    image = photo.astype(np.float32)
    if kind < CLEAN + MILD:
        image = blur(image, random, 0.2, 2.0) if random.random() < 0.7 else image
        image = shrink(clipped(image), size, random).astype(np.float32)
        image = noise(image, random, 8) if random.random() < 0.6 else image
        return jpeg(clipped(image), int(random.integers(45, 97))) if random.random() < 0.8 else clipped(image)
    return twice(image, size, random)


def twice(image: np.ndarray, size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    image = blur(image, random, 0.2, 3.0)
    image = resize(image, random.choice([random.uniform(0.25, 1), 1, random.uniform(1, 1.4)], p=[0.6, 0.1, 0.3]), random)
    image = noise(image, random, 18)
    image = jpeg(clipped(image), int(random.integers(35, 96))).astype(np.float32)
    if random.random() < 0.7:
        image = blur(image, random, 0.2, 1.2)
    image = noise(image, random, 10) if random.random() < 0.6 else image
    image = cv2.resize(image, size, interpolation=int(random.choice(CV_FILTERS)))
    return jpeg(clipped(image), int(random.integers(40, 96)))


def clipped(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def shrink(image: np.ndarray, size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Pillow's filters, which widen when they shrink; mostly bicubic, which is what software does."""
    chosen = PIL_FILTERS[int(random.choice(4, p=[0.55, 0.15, 0.2, 0.1]))]
    return np.asarray(Image.fromarray(image).resize(size, chosen))


def resize(image: np.ndarray, factor: float, random: np.random.Generator) -> np.ndarray:
    size = (max(8, round(image.shape[1] * factor)), max(8, round(image.shape[0] * factor)))
    return cv2.resize(image, size, interpolation=int(random.choice(CV_FILTERS)))


def blur(image: np.ndarray, random: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Gaussian (even or slanted), generalised Gaussian, or a sinc filter, which rings."""
    if random.random() < 0.1:
        return cv2.filter2D(image, -1, sinc_kernel(random.uniform(np.pi / 3, np.pi)), borderType=cv2.BORDER_REFLECT)
    kernel = gaussian_kernel(
        random.uniform(low, high),
        random.uniform(low, high) if random.random() < 0.4 else None,
        random.uniform(0, np.pi),
        random.uniform(0.6, 3) if random.random() < 0.2 else 1.0,
    )
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT)


def gaussian_kernel(sigma: float, other: float | None, angle: float, power: float, side: int = 15) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - side // 2
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kernel = np.exp(-0.5 * ((u / sigma) ** 2 + (v / (other or sigma)) ** 2) ** power)
    return (kernel / kernel.sum()).astype(np.float32)


def sinc_kernel(cutoff: float, side: int = 13) -> np.ndarray:
    line = np.sinc(cutoff / np.pi * (np.arange(side) - side // 2)) * np.hanning(side + 2)[1:-1]
    kernel = np.outer(line, line)
    return (kernel / kernel.sum()).astype(np.float32)


def noise(image: np.ndarray, random: np.random.Generator, strongest: float) -> np.ndarray:
    """Grain of the sensor (Gaussian) or of light (Poisson), in colour or grey."""
    channels = 1 if random.random() < 0.4 else 3
    grain = random.standard_normal((*image.shape[:2], channels), dtype=np.float32)
    if random.random() < 0.5:
        return image + grain * random.uniform(0.5, strongest)
    return image + grain * np.sqrt(np.maximum(image, 0) / 255) * random.uniform(0.5, 1.3 * strongest)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    _, stored = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1]
