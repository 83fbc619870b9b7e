"""A second network that learns to tell enlarged photos from real ones, so that the first must look real, not only near.

After Real-ESRGAN's: a U of spectrally normalised convolutions that judges every pixel (Wang et al., 2021).
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class Adversary(nn.Module):
    """RGB [B, 3, H, W], sides a multiple of 8 → the features of four sizes, and a verdict a pixel (positive: real)."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, 1, 1)
        self.down = nn.ModuleList(normal(width * 2**i, width * 2 ** (i + 1), 4, 2) for i in range(3))
        self.up = nn.ModuleList(normal(width * 2 ** (3 - i), width * 2 ** (2 - i), 3, 1) for i in range(3))
        self.out = nn.Sequential(normal(width, width, 3, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 1, 3, 1, 1))

    def forward(self, picture: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        features = [F.leaky_relu(self.first(picture), 0.2)]
        for down in self.down:
            features.append(F.leaky_relu(down(features[-1]), 0.2))
        value = features[-1]
        for up, beside in zip(self.up, features[-2::-1], strict=True):
            value = F.interpolate(value, scale_factor=2, mode="bilinear", align_corners=False)
            value = F.leaky_relu(up(value), 0.2) + beside
        return features, self.out(value)


def normal(inputs: int, outputs: int, side: int, stride: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, side, stride, 1, bias=False))


def verdict_loss(verdict: torch.Tensor, real: bool) -> torch.Tensor:
    return F.softplus(-verdict if real else verdict).float().mean()


def likeness(made: list[torch.Tensor], real: list[torch.Tensor]) -> torch.Tensor:
    """L1 between the adversary's features of both, each in units of the real one's mean: a perceptual loss of its own."""
    parts = [((m - r).abs().mean() / (r.abs().mean() + 1e-3)).float() for m, r in zip(made, real, strict=True)]
    return torch.stack(parts).mean()
